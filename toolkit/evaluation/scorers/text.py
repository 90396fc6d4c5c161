"""What all scorers do to a text before they read it. Answers are untrusted: long ones are cut."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 20_000
"""No right answer is longer; what comes after it is not read."""

_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)```", re.DOTALL)


def folded(text: str) -> str:
    """Compatibility forms, case and white space made equal."""
    return " ".join(unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).casefold().split())


def spoken(answer: str) -> str:
    """The answer without its chain of thought; at most MAX_CHARACTERS, and none that UTF-8 lacks."""
    text = answer[:MAX_CHARACTERS]
    if "</think>" in text:  # without an end the search would start anew at every beginning
        text = _THINKING.sub("", text)
    return encodable(text.strip())


def encodable(text: str) -> str:
    """Lone surrogates replaced: JSON may hold them, but no file and no other process takes them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def unfenced(answer: str) -> str:
    """The inside of the only code block of an answer; the whole answer when there is none, or several."""
    text = spoken(answer)
    blocks = _FENCE.findall(text)
    return str(blocks[0]).strip() if len(blocks) == 1 else text
