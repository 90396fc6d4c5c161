"""Scorers: pure functions from an item and an answer to a score between 0 and 1."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from toolkit.types import Item

Scorer = Callable[[Item, str], float]

_EDGES = re.compile(r"^[\s\"'`*.:,;!?()\[\]{}-]+|[\s\"'`*.:,;!?()\[\]{}-]+$")


def exact_label(item: Item, answer: str) -> float:
    """1 when the answer is the label: case, outer punctuation and spaces for `_` do not matter.

    Nothing is searched for inside a longer answer: a student that lists all labels scores 0.
    """
    return float(_label(answer) == _label(item.output))


def contains(item: Item, answer: str) -> float:
    """1 when the expected text stands in the answer as whole words, whatever the case."""
    expected = re.escape(_folded(item.output))
    return float(re.search(rf"(?<!\w){expected}(?!\w)", _folded(answer)) is not None)


SCORERS: dict[str, Scorer] = {"label": exact_label, "probe": contains}


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _label(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", _EDGES.sub("", _folded(text)))
