"""Few-shot picks: which of the recipe's examples the prompts for a label show.

A label that the student takes for another one shows those of its examples that stand nearest
to the other's. All examples of the other labels take turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit.data.near_duplicates import shingles

MOST_SHOWN = 4
"""Of a label's examples. A prompt has room for three, so that the next one shows others."""

Pairs = Sequence[tuple[tuple[str, str], int]]
"""Confused labels, and how often they were."""


def picks(examples: Mapping[str, Sequence[str]], confused: Pairs) -> dict[str, list[int]]:
    """Label -> places of its examples at the border to the labels that it is confused with."""
    return {
        label: border(examples[label], [text for rival in rivals for text in examples[rival]])
        for label, rivals in rivals_of(examples, confused).items()
        if len(examples[label]) > MOST_SHOWN
    }


def rivals_of(examples: Mapping[str, Sequence[str]], confused: Pairs) -> dict[str, list[str]]:
    """Label -> the labels that it is confused with, as far as both have examples."""
    found: dict[str, list[str]] = {}
    for (first, second), _ in confused:
        if examples.get(first) and examples.get(second):
            found.setdefault(first, []).append(second)
            found.setdefault(second, []).append(first)
    return found


def border(own: Sequence[str], others: Sequence[str]) -> list[int]:
    """Places, in order, of the texts whose character 4-grams stand most in the others' texts."""
    theirs = frozenset[str]().union(*(shingles(text) for text in others))
    shared = [len(found & theirs) / len(found) for found in map(shingles, own)]
    nearest = sorted(range(len(own)), key=lambda place: (-shared[place], place))
    return sorted(nearest[:MOST_SHOWN])
