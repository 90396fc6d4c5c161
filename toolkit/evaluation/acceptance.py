"""When a round replaces the best one so far, and what the exam lets one say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.evaluation.statistics import Paired
from toolkit.types import Score

Decision = Literal["accepted", "undecided", "rejected"]
Word = Literal["helped", "cannot tell", "hurt"]
SIGNIFICANCE = 0.05


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sealed exam says of a trained student against an untrained baseline."""

    word: Word
    sentence: str
    baseline: str
    difference: float
    low: float
    high: float
    n: int
    p_value: float
    detectable: float


def verdict(comparison: Paired, student: str, baseline: str) -> Verdict:
    """Put a paired comparison on the private items into one word and one sentence."""
    word: Word = "cannot tell"
    if comparison.p_value < SIGNIFICANCE:
        word = "helped" if comparison.difference > 0 else "hurt"
    points = f"{100 * comparison.difference:+.1f} points [{100 * comparison.low:+.1f}, {100 * comparison.high:+.1f}]"
    sentence = f"{word.capitalize()}: {student} is {points} against {baseline} on {comparison.n} sealed items"
    if word == "cannot tell":
        sentence += f"; with so few items only a difference of {100 * comparison.detectable:.0f} points would show"
    return Verdict(
        word, sentence + ".", baseline, comparison.difference, comparison.low, comparison.high, comparison.n,
        comparison.p_value, comparison.detectable,
    )  # fmt: skip
