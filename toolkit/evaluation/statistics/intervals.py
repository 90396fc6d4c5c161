"""A score with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from toolkit.types import Outcome, Score

CONFIDENCE = 0.95
Z95 = 1.959964
Z_POWER80 = 0.841621


def score_of(outcomes: Sequence[Outcome]) -> Score:
    """Mean score with its Wilson interval (Wilson 1927). No outcomes: 0 of 0, interval [0, 1].

    For scores between 0 and 1 the interval is at least as wide as it should be: no variable
    within these bounds varies more than one that is right or wrong with the same mean.
    """
    n = len(outcomes)
    if not n:
        return Score(0.0, 0.0, 1.0, 0)
    mean = sum(outcome.score for outcome in outcomes) / n
    low, high = wilson(mean, n)
    return Score(mean, low, high, n)


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share of `n` items."""
    shrink = 1 + Z95**2 / n
    centre = (share + Z95**2 / (2 * n)) / shrink
    half = Z95 * sqrt(share * (1 - share) / n + Z95**2 / (4 * n * n)) / shrink
    return (max(0.0, centre - half) if share > 0 else 0.0), (min(1.0, centre + half) if share < 1 else 1.0)
