"""Two students on the same items. scipy does the mathematics."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import stdev
from typing import Literal

from toolkit.evaluation.statistics.intervals import CONFIDENCE, Z95
from toolkit.evaluation.statistics.power import detectable_difference
from toolkit.evaluation.statistics.resampling import bootstrap_interval, cluster_sums, clustered_error, sign_flip_p
from toolkit.types import Outcome

Method = Literal["exact McNemar", "paired bootstrap", "clustered by source"]


@dataclass(frozen=True, slots=True)
class Paired:
    """Two students on the same items.

    Args:
        n: items that both answered.
        wins: items on which the new student did better; `losses`: the old one.
        difference: mean score of new minus old; `low` and `high` its 95 % interval.
        error: standard error of the difference.
        p_value: two-sided; exact McNemar for right and wrong, else a sign-flip test.
        sources: independent groups of items, when items share sources; else n.
    """

    n: int
    wins: int
    losses: int
    difference: float
    error: float
    low: float
    high: float
    p_value: float
    method: Method = "exact McNemar"
    sources: int = 0

    @property
    def detectable(self) -> float:
        """The smallest difference that these items show with 80 % power, at this share of discordant items."""
        if not self.n:
            return 1.0
        return detectable_difference(self.sources or self.n, max(self.wins + self.losses, 1) / self.n)


def paired(
    new: Iterable[Outcome], old: Iterable[Outcome], sources: Mapping[str, Hashable] | None = None, seed: int = 0
) -> Paired:
    """Compare two students item by item. Items that only one of them answered are left out.

    Right-or-wrong scores: exact McNemar test, and Wald's interval for paired proportions with
    the 1/2 correction on the discordant counts (Agresti and Min 2005), which keeps its level
    for small n. Scores in between: sign-flip test and BCa bootstrap. With `sources` (item id ->
    what it was made from) and at least one shared: clustered errors, signs flipped by source.
    """
    before = {outcome.item_id: outcome.score for outcome in old}
    pairs = [(one.item_id, one.score, before[one.item_id]) for one in new if one.item_id in before]
    if not pairs:
        return Paired(0, 0, 0, 0.0, 1.0, -1.0, 1.0, 1.0)
    differences = [after - earlier for _, after, earlier in pairs]
    groups: list[Hashable] = [(sources or {}).get(item_id, ("item", item_id)) for item_id, _, _ in pairs]
    if len(set(groups)) < len(groups):
        return _clustered(differences, groups, seed)
    if all(score in (0, 1) for _, *both in pairs for score in both):
        return _right_or_wrong(differences)
    return _resampled(differences, seed)


def _right_or_wrong(differences: Sequence[float]) -> Paired:
    from scipy.stats import binomtest

    n, (wins, losses) = len(differences), _counts(differences)
    b, c, m = wins + 0.5, losses + 0.5, n + 2
    centre = (b - c) / m
    error = sqrt(b + c - (b - c) ** 2 / m) / m
    p_value = float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    low, high = max(-1.0, centre - Z95 * error), min(1.0, centre + Z95 * error)
    return Paired(n, wins, losses, (wins - losses) / n, error, low, high, p_value)


def _resampled(differences: Sequence[float], seed: int) -> Paired:
    n, (wins, losses) = len(differences), _counts(differences)
    mean = sum(differences) / n
    # the standard error of a single item, or of equal differences, is not known: none is claimed
    error = stdev(differences) / sqrt(n) if n > 1 and len(set(differences)) > 1 else 1 / sqrt(n)
    low, high = bootstrap_interval(differences, seed) if n > 1 else (-1.0, 1.0)
    return Paired(n, wins, losses, mean, error, low, high, sign_flip_p(differences, seed), "paired bootstrap")


def _clustered(differences: Sequence[float], groups: Sequence[Hashable], seed: int) -> Paired:
    from scipy.stats import t

    n, (wins, losses) = len(differences), _counts(differences)
    sums, mean = cluster_sums(differences, groups), sum(differences) / n
    error = clustered_error(differences, groups) or 1 / sqrt(len(sums))
    half = float(t.ppf((1 + CONFIDENCE) / 2, max(1, len(sums) - 1))) * error
    low, high = max(-1.0, mean - half), min(1.0, mean + half)
    p_value = sign_flip_p(sums, seed)
    return Paired(n, wins, losses, mean, error, low, high, p_value, "clustered by source", len(sums))


def _counts(differences: Sequence[float]) -> tuple[int, int]:
    return sum(one > 0 for one in differences), sum(one < 0 for one in differences)
