"""Multiple choice: the letter of an option, or its text.

Read as lm-evaluation-harness reads generated letters ("(B)", "B.", "the answer is B"), but
an answer that names two options is wrong: guessing twice must not pay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from toolkit.evaluation.scorers.text import folded, spoken
from toolkit.types import Item

_OPTION = re.compile(r"^[ \t]*[(\[]?([A-Z])[)\].:][ \t]+(\S.*)$", re.MULTILINE)
_ALONE = re.compile(r"[\s*\"'(\[]*([A-Za-z])[\s*\"')\].:]*")
_FIRST = re.compile(r"[\s*]*(?:[(\[]([A-Za-z])[)\]]|([A-Z])[).:])[*]*\s")
_STATED = re.compile(r"(?i:\b(?:answer|option|choice)\b)(?:\s+(?i:is))?\s*:?[\s*]*[(\[]?([A-Z])(?![\w'])")


def choice(item: Item, answer: str) -> float:
    """1 when the answer names the right option and no other.

    `item.output` is a letter or an option's text. The options are `item.meta["options"]`
    (a list, or letter -> text), or lines such as "B) text" in the question.
    """
    options = _options(item)
    expected = _named(item.output, options)
    return float(bool(expected) and _named(answer, options) == expected)


def _options(item: Item) -> dict[str, str]:
    """Letter -> text, as far as they are known."""
    given = item.meta.get("options")
    if isinstance(given, Mapping):
        return {str(letter).strip().upper(): str(text) for letter, text in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, str):
        return {chr(ord("A") + place): str(text) for place, text in enumerate(given[:26])}
    return dict(_OPTION.findall(item.input))


def _named(answer: str, options: Mapping[str, str]) -> str:
    """The one option that a text names, as its letter or, without known options, as folded text; else ""."""
    text = spoken(answer)
    if found := _with_text(text, options):
        return found
    if alone := _ALONE.fullmatch(text):
        return _known(alone[1], options)
    letters = {_known(letter, options) for letter in _STATED.findall(text)}
    if first := _FIRST.match(text):
        letters.add(_known(first[1] or first[2], options))
        letters |= {found} if (found := _with_text(text[first.end() :], options)) else set()
    if letters or options:
        return letters.pop() if len(letters) == 1 else ""
    return _plain(text)


def _with_text(text: str, options: Mapping[str, str]) -> str:
    """The letter of the option whose text this is; of "C" and "C." the one that is written so. Else ""."""
    for made_equal in (folded, _plain):
        letters = {made_equal(option): letter for letter, option in options.items()}
        if made_equal(text) and made_equal(text) in letters:
            return letters[made_equal(text)]
    return ""


def _plain(text: str) -> str:
    """Folded, without a full stop, quotes or emphasis around it; a text of such signs only stays itself."""
    return folded(text).strip(" .*\"'") or folded(text)


def _known(letter: str, options: Mapping[str, str]) -> str:
    return letter.upper() if not options or letter.upper() in options else ""
