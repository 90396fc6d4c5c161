"""Differences of scores that are not only right or wrong, and of items that belong together."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from math import isfinite, sqrt

RESAMPLES = 9_999
BATCH = 256
"""Resamples at a time; bounds the memory to BATCH × n numbers."""


def bootstrap_interval(differences: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a mean paired difference: BCa bootstrap (Efron 1987), the same for the same seed."""
    import numpy as np
    from scipy.stats import bootstrap

    values = np.asarray(differences, dtype=float)
    if len(values) < 2 or np.ptp(values) == 0:  # nothing varies: there is nothing to resample
        mean = float(values.mean()) if len(values) else 0.0
        return mean, mean
    for method in ("BCa", "percentile"):  # BCa has no correction for nearly constant samples
        rng = np.random.default_rng(seed)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, batch=BATCH, method=method, rng=rng)
        low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
        if isfinite(low) and isfinite(high):
            break
    return low, high


def sign_flip_p(differences: Sequence[float], seed: int = 0) -> float:
    """Two-sided p-value of a mean paired difference: signs flipped at random, all ways when they are few."""
    import numpy as np
    from scipy.stats import permutation_test

    values = np.asarray([one for one in differences if one], dtype=float)
    if len(values) < 2:  # one difference is as likely as its opposite
        return 1.0
    found = permutation_test(
        (values, np.zeros_like(values)),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=BATCH,
        rng=np.random.default_rng(seed),
    )
    return float(min(1.0, found.pvalue))


def cluster_sums(differences: Sequence[float], sources: Sequence[Hashable]) -> list[float]:
    """The sum of the differences of each source, in the order in which sources first come."""
    sums: dict[Hashable, float] = {}
    for one, source in zip(differences, sources, strict=True):
        sums[source] = sums.get(source, 0.0) + one
    return list(sums.values())


def clustered_error(differences: Sequence[float], sources: Sequence[Hashable]) -> float:
    """The standard error of a mean whose items share sources (Liang and Zeger 1986; for evaluations, Miller 2024).

    Items of one source (a text, a template) succeed and fail together, so they tell less than
    as many independent items. Scaled by G / (G - 1) for G sources; 1 when there are fewer than two.
    """
    n = len(differences)
    mean = sum(differences) / n if n else 0.0
    residuals = cluster_sums([one - mean for one in differences], sources)
    groups = len(residuals)
    if groups < 2:
        return 1.0
    return sqrt(groups / (groups - 1) * sum(one * one for one in residuals)) / n
