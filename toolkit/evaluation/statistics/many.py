"""Many comparisons, and many training seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from toolkit.evaluation.statistics.intervals import CONFIDENCE


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for being several (Holm 1979), in the order given.

    The chance that any of them falls below 0.05 by luck alone stays below 0.05, whatever
    depends on what: rounds and arms are scored on the same items.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


@dataclass(frozen=True, slots=True)
class Spread:
    """Scores of students that differ only in their training seed.

    `low` and `high` bound the mean (Student's t, 95 %); they are 0 and 1 for fewer than two seeds.
    """

    seeds: int
    mean: float
    deviation: float
    least: float
    most: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.seeds < 2:
            return f"{self.mean:.1%} with one training seed; its spread is not known"
        seen = f"{self.least:.1%} to {self.most:.1%}"
        return f"{self.mean:.1%} ± {self.deviation:.1%} over {self.seeds} training seeds ({seen})"


def spread(scores: Sequence[float]) -> Spread:
    """The spread of scores over training seeds. Raises ValueError without a score."""
    from scipy.stats import t

    if not scores:
        raise ValueError("no score to spread")
    n, mean = len(scores), fmean(scores)
    if n < 2:
        return Spread(1, mean, 0.0, mean, mean, 0.0, 1.0)
    deviation = stdev(scores)
    half = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation / sqrt(n)
    return Spread(n, mean, deviation, min(scores), max(scores), max(0.0, mean - half), min(1.0, mean + half))
