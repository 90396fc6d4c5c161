"""Labels, and words that an answer has to contain."""

from __future__ import annotations

import re

from toolkit.evaluation.scorers.text import folded
from toolkit.types import Item

_EDGES = re.compile(r"^[\s\"'`*.:,;!?()\[\]{}-]+|[\s\"'`*.:,;!?()\[\]{}-]+$")


def exact_label(item: Item, answer: str) -> float:
    """1 when the answer is the label: case, outer punctuation and spaces for `_` do not matter.

    Nothing is searched for inside a longer answer: a student that lists all labels scores 0.
    """
    return float(_label(answer) == _label(item.output))


def contains(item: Item, answer: str) -> float:
    """1 when the expected text stands in the answer as whole words, whatever the case."""
    expected = re.escape(folded(item.output))
    return float(re.search(rf"(?<!\w){expected}(?!\w)", folded(answer)) is not None)


def _label(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", _EDGES.sub("", folded(text)))
