"""Accept: a round replaces the best one only when its gain on `gate` is above the noise."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.evaluation.acceptance import Decision, decide, forgotten
from toolkit.evaluation.statistics import paired
from toolkit.journal import Record
from toolkit.stages.evaluate import score
from toolkit.stages.session import Session
from toolkit.types import BASELINES, Item, SplitName, digest

GO_ON = "`train.replay: 0.25` forgets less, `acceptance.probe: report` only names it"


def better_baseline(session: Session, split: SplitName) -> str:
    """The untrained student that did better on this split."""
    return max(BASELINES, key=lambda name: score(session.journal, name, split).value)


def keep_sources(session: Session, items: Iterable[Item]) -> dict[str, str]:
    """Item id -> hash of what it was made from; kept, so that runs can be compared without opening the items."""
    known: dict[str, str] = session.journal.meta("sources") or {}
    found = {item.id: digest(item.meta["source"])[:12] for item in items if item.meta.get("source")}
    if found:
        session.journal.set_meta("sources", {**known, **found})
    return {**known, **found}


def accept(session: Session, number: int, best: int | None) -> int | None:
    """Decide on round `number`; returns the best round from now on."""
    record = next(found for found in session.journal.rounds() if found["number"] == number)
    decision = record["decision"]
    if decision is None:
        decision, reason = _decide(session, record, best)
        session.journal.end_round(number, decision, reason)
        session.journal.event("round_ended", number, decision=decision, reason=reason)
    return number if decision == "accepted" else best


def lost(session: Session, number: int) -> str:
    """What the student of round `number` forgot, in words; empty where it did not, or was not asked."""
    outcomes = session.journal.outcomes
    return forgotten(outcomes("zero-shot", "probe"), outcomes(f"round-{number}", "probe"))


def _decide(session: Session, record: Record, best: int | None) -> tuple[Decision, str]:
    number, rules = record["number"], session.recipe.file.acceptance
    student, rival = f"round-{number}", f"round-{best}" if best else better_baseline(session, "gate")
    # items of one source succeed and fail together: they count as one cluster
    outcomes, sources = session.journal.outcomes, keep_sources(session, [*session.data.public, *session.data.gate])
    comparison = paired(outcomes(student, "gate"), outcomes(rival, "gate"), sources)
    decision, reason = decide(comparison, rules.gate_errors)
    if decision == "undecided" and comparison.difference >= 0 and _larger(session, record, best):
        decision, reason = "accepted", f"{reason}, and trained on all of its rows and more"
    reason = f"against {rival}: {reason}"
    forgot = lost(session, number)
    if forgot:
        reason += f"; {forgot}"
    if session.one_shot:
        return "accepted", f"the only round sits the exam; {reason}"
    if forgot and rules.probe == "block":
        return "rejected", f"{reason}, which blocks the round; {GO_ON}"
    return decision, reason


def _larger(session: Session, record: Record, best: int | None) -> bool:
    """Whether the recipe wants the student with more rows of two that are alike, and this one has them.

    A round whose rows are kept although it is undecided (docs/decisions/0002) is part of every later lesson; the
    student that learnt all of them is then the one that shows what they are worth.
    """
    if session.recipe.file.acceptance.undecided != "larger" or best is None:
        return False
    before = next(found for found in session.journal.rounds() if found["number"] == best)
    return set(record["row_ids"]) > set(before["row_ids"])
