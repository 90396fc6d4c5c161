"""When a round replaces the best one so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from toolkit.evaluation.statistics import Paired, score_of
from toolkit.types import Outcome

Decision = Literal["accepted", "undecided", "rejected"]


def decide(gate: Paired, errors: float) -> tuple[Decision, str]:
    """Accept a gain on `gate` above `errors` standard errors; reject a loss below them.

    What lies between is noise: the best stays, and nobody claims to know better.
    """
    gain = f"{gate.difference:+.1%} ± {gate.error:.1%} on {gate.n} gate items"
    if gate.difference > errors * gate.error:
        return "accepted", f"{gain}: above the noise"
    if gate.difference < -errors * gate.error:
        return "rejected", f"{gain}: worse than the best so far"
    return "undecided", f"{gain}: within the noise"


def forgotten(before: Sequence[Outcome], now: Sequence[Outcome]) -> str:
    """What a student forgot of the probe, in words; empty while it is within the base model's interval."""
    base, left = score_of(before), score_of(now)
    if not left.n or left.value >= base.low:
        return ""
    old, new = _by_skill(before), _by_skill(now)
    worst = min(old.keys() & new.keys(), key=lambda skill: (new[skill] - old[skill], skill))
    fell = f"its probe fell from {base.value:.1%} to {left.value:.1%}"
    return f"the student forgets: {fell}, most in {worst} (from {old[worst]:.0%} to {new[worst]:.0%})"


def _by_skill(outcomes: Sequence[Outcome]) -> dict[str, float]:
    scores: defaultdict[str, list[float]] = defaultdict(list)
    for outcome in outcomes:
        scores[outcome.skill].append(outcome.score)
    return {skill: fmean(found) for skill, found in scores.items()}
