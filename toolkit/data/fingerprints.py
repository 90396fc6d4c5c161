"""Hashes of evaluation items, so that rows can be compared with them without their text."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.data.near_duplicates import Shingles, hashed, normalise, shingles
from toolkit.types import Item

LONG_RUN = 8
"""Words in a row that are no accident; a shorter text must be taken over whole."""

SHORT_RUN = 6


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the firewall knows of an item: hashes, no text.

    Args:
        exact: hash of the normalised text.
        shingles: hashed character n-grams, for near-duplicates.
        runs: hashed runs of words, for text copied into a longer one.
    """

    item_id: str
    exact: str
    shingles: Shingles
    runs: frozenset[str]


def fingerprint(item: Item) -> Fingerprint:
    """The hashes of an item's text; the same on every machine."""
    text = normalise(item.input)
    words = text.split()
    size = min(LONG_RUN, len(words))
    runs = word_runs(words, size) if size >= SHORT_RUN else frozenset()
    return Fingerprint(item.id, hashed(text), shingles(item.input), runs)


def word_runs(words: list[str], size: int) -> frozenset[str]:
    """Hashes of all runs of `size` words."""
    return frozenset(hashed(" ".join(words[start : start + size])) for start in range(len(words) - size + 1))
