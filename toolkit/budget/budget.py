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


def early_stop(best: float | None, barren: int, target: float | None, patience: int | None) -> str | None:
    """Why no further round is worth its cost, or None.

    Args:
        best: the best round's score on `gate`, from 0 to 1; None while no round was accepted.
        barren: how many of the newest rounds were not better than the best one before them.
        target, patience: as in the recipe's budget; None: there is none.
    """
    if target is not None and best is not None and best >= target:
        return f"the target is met: {best:.1%} on gate, {target:.1%} were wanted"
    if patience is not None and barren >= patience:
        rounds = "round was" if barren == 1 else f"{barren} rounds were"
        return f"a plateau: the last {rounds} no better than the best one before"
    return None


def round_share(limit: int, spent: int, rounds_left: int) -> int:
    """An even part of what is left for each round to come; the last round gets all of it."""
    return max(0, -(-(limit - spent) // max(1, rounds_left)))
