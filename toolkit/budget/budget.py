"""Limits and what is left of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of a recipe. Seconds are wall clock over all resumes."""

    rounds: int
    rows: int
    teacher_calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What the journal says was used so far."""

    rounds: int = 0
    rows: int = 0
    teacher_calls: int = 0
    seconds: float = 0.0


def stop_reason(limits: Limits, spent: Spent) -> str | None:
    """Why no further round may begin, or None."""
    checks = [
        (spent.rounds >= limits.rounds, f"all {limits.rounds} rounds are done"),
        (spent.rows >= limits.rows, f"the budget of {limits.rows} rows is spent"),
        (spent.teacher_calls >= limits.teacher_calls, f"the budget of {limits.teacher_calls} teacher calls is spent"),
        (spent.seconds >= limits.seconds, f"the budget of {limits.seconds / 60:.0f} minutes is spent"),
    ]
    return next((reason for reached, reason in checks if reached), None)


def round_share(limit: int, spent: int, rounds_left: int) -> int:
    """An even part of what is left for each round to come; the last round gets all of it."""
    return max(0, -(-(limit - spent) // max(1, rounds_left)))
