"""Rounds against the untrained student on `gate`, corrected for being several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.evaluation.statistics import Paired, holm, in_words, paired, score_of
from toolkit.types import BASELINES

if TYPE_CHECKING:
    from toolkit.run.run import Run

FEW = 200
"""Below so many items, what they can show is said in words."""


def gate_gains(run: Run) -> list[dict[str, Any]]:
    """Each scored round's paired gain on `gate` over the better untrained student, oldest first.

    Keys: round, against, difference, low, high, n, p_value, p_adjusted (Holm, over all rounds).
    """
    rival = better_untrained(run, "gate")
    pairs = [(found["number"], _paired(run, f"round-{found['number']}", rival)) for found in run.rounds]
    known = [(number, gain) for number, gain in pairs if gain.n]
    adjusted = holm([gain.p_value for _, gain in known])
    return [
        {
            "round": number,
            "against": rival,
            "difference": round(gain.difference, 6),
            "low": round(gain.low, 6),
            "high": round(gain.high, 6),
            "n": gain.n,
            "p_value": gain.p_value,
            "p_adjusted": corrected,
        }
        for (number, gain), corrected in zip(known, adjusted, strict=True)
    ]


def better_untrained(run: Run, split: str) -> str:
    """The untrained student with the better score on a split."""
    return max(BASELINES, key=lambda name: score_of(run.outcomes(name, split)).value)


def power_words(n: int, comparison: Paired | None = None) -> str:
    """What so few items can show, as a sentence; empty where they are not few."""
    if n >= FEW:
        return ""
    discordant = max(comparison.wins + comparison.losses, 1) / max(comparison.n, 1) if comparison else 0.2
    words = in_words(n, discordant)
    return f"{words[:1].upper()}{words[1:]} in four of five cases." if n else ""


def summarised_power(run: Run, verdict: dict[str, Any] | None) -> str:
    """What this run's sealed or, before the exam, gate items can show, when they are few."""
    if verdict and verdict.get("student"):
        found = _paired(run, verdict["student"], verdict["baseline"], "private")
        return power_words(found.n, found)
    rounds = run.rounds
    if not rounds:
        return ""
    found = _paired(run, f"round-{rounds[-1]['number']}", better_untrained(run, "gate"))
    return power_words(found.n, found)


def _paired(run: Run, new: str, old: str, split: str = "gate") -> Paired:
    return paired(run.outcomes(new, split), run.outcomes(old, split), run.reader.meta("sources"))
