"""Scores with their uncertainty, and paired comparisons. scipy does the mathematics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from toolkit.types import Outcome, Score

CONFIDENCE = 0.95
Z95 = 1.959964
Z_POWER80 = 0.841621


def score_of(outcomes: Sequence[Outcome]) -> Score:
    """Mean score with its Wilson interval (Wilson 1927). No outcomes: 0 of 0, interval [0, 1]."""
    from scipy.stats import binomtest

    n = len(outcomes)
    if not n:
        return Score(0.0, 0.0, 1.0, 0)
    right = sum(outcome.score for outcome in outcomes)
    interval = binomtest(round(right), n).proportion_ci(CONFIDENCE, method="wilson")
    return Score(right / n, float(interval.low), float(interval.high), n)


@dataclass(frozen=True, slots=True)
class Paired:
    """Two students on the same items.

    Args:
        n: items that both answered.
        wins: items that only the new student got right; `losses`: only the old one.
        difference: mean score of new minus old; `low` and `high` its 95 % interval.
        error: standard error of the difference.
        p_value: two-sided exact McNemar test.
    """

    n: int
    wins: int
    losses: int
    difference: float
    error: float
    low: float
    high: float
    p_value: float

    @property
    def detectable(self) -> float:
        """The smallest difference that n items show with 80 % power, at this share of discordant items."""
        if not self.n:
            return 1.0
        discordant = max(self.wins + self.losses, 1) / self.n
        return min(1.0, (Z95 + Z_POWER80) * sqrt(discordant / self.n))


def paired(new: Iterable[Outcome], old: Iterable[Outcome]) -> Paired:
    """Compare two students item by item. Items that only one of them answered are left out.

    The interval is Wald's for paired proportions with the 1/2 correction on the discordant
    counts (Agresti and Min 2005), which keeps its level for small n.
    """
    from scipy.stats import binomtest

    before = {outcome.item_id: outcome.score for outcome in old}
    pairs = [(outcome.score, before[outcome.item_id]) for outcome in new if outcome.item_id in before]
    n = len(pairs)
    if not n:
        return Paired(0, 0, 0, 0.0, 1.0, -1.0, 1.0, 1.0)
    wins = sum(after > earlier for after, earlier in pairs)
    losses = sum(after < earlier for after, earlier in pairs)
    b, c, m = wins + 0.5, losses + 0.5, n + 2
    centre = (b - c) / m
    error = sqrt(b + c - (b - c) ** 2 / m) / m
    p_value = float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return Paired(
        n,
        wins,
        losses,
        (wins - losses) / n,
        error,
        max(-1.0, centre - Z95 * error),
        min(1.0, centre + Z95 * error),
        p_value,
    )
