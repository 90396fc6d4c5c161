"""When a round replaces the best one so far."""

from __future__ import annotations

from typing import Literal

from toolkit.evaluation.statistics import Paired
from toolkit.types import Score

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


def probe_fell(base: Score, now: Score) -> bool:
    """Whether the forgetting probe dropped beyond the base model's interval."""
    return now.n > 0 and now.value < base.low
