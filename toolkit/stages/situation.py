"""What the engineer may know: measured on `public`, never more than the recipe allows."""

from __future__ import annotations

from collections import Counter

from toolkit.budget import round_share
from toolkit.engineer import Earlier, Problem, Situation, SkillReport
from toolkit.engineer.tree import Move
from toolkit.journal import GIVEN
from toolkit.programs.host import LEAK_DETAIL
from toolkit.stages.approve import is_proposed
from toolkit.stages.card import card_of
from toolkit.stages.evaluate import score
from toolkit.stages.session import Session
from toolkit.stages.steering import take_notes
from toolkit.types import BASELINES, Score

MOST_CASES = 12
MOST_SEEDS = 5


def situation(session: Session, number: int, attempt: int, best: int | None, move: Move) -> Situation:
    """What the engineer may know before attempt `attempt` of round `number`; `best` is the best round so far."""
    spent, limits, settings = session.spent(), session.limits, session.recipe.file
    rounds_left = limits.rounds - number + 1
    told = settings.engineer.feedback != "bit"
    seen = best or _newest(session)
    skills, confusions = _measured(session, seen if told else None)
    return Situation(
        number=attempt,
        parent=attempt_of(session, best),
        labels=session.data.skills,
        rows=round_share(limits.rows, spent.rows, rounds_left),
        calls=round_share(limits.teacher_calls, spent.teacher_calls, rounds_left),
        skills=skills,
        confusions=confusions,
        cases=_cases(session, seen) if settings.engineer.feedback == "cases" else (),
        baseline=_baseline(session) if told else None,
        unaccepted=None if best else seen,
        operation=move.operation,
        earlier=_earlier(session, move.parent),
        better=_better(session),
        notes=take_notes(session, new=not is_proposed(session, attempt)),
        narrow=_narrow(session, seen) if told else (),
        variety=_variety(session) if told else "",
        about=settings.task.about,
        least=settings.budget.min_rows,
        feedback=settings.engineer.feedback,
        examples=settings.task.examples,
        seeds=_seeds(session) if told else (),
        answer=settings.task.answer,
        unfilled=any("unfilled" in found["plan"] for found in session.journal.attempts()),
    )


def attempt_of(session: Session, number: int | None) -> int | None:
    """The attempt whose submission round `number` was trained on."""
    return next((found["attempt"] for found in session.journal.rounds() if found["number"] == number), None)


def _newest(session: Session) -> int | None:
    """The newest trained round: while none is accepted, its student shows what the data lack."""
    return max((found["number"] for found in session.journal.rounds() if found["decision"]), default=None)


def _measured(session: Session, seen: int | None) -> tuple[dict[str, SkillReport], Counter[tuple[str, str]]]:
    outcomes = session.journal.outcomes(f"round-{seen}", "public") if seen else []
    expected = {item.id: item.output for item in session.data.public}
    written = [row for row in session.journal.rows(status="accepted") if row["attempt"] != GIVEN]
    rows = Counter(row["skill"] for row in written)
    totals = Counter(outcome.skill for outcome in outcomes)
    right = Counter(outcome.skill for outcome in outcomes if outcome.score == 1)
    missed = Counter((expected[o.item_id], o.answer) for o in outcomes if o.score < 1 and o.item_id in expected)
    return {name: SkillReport(right[name], totals[name], rows[name]) for name in session.data.skills}, missed


def _cases(session: Session, seen: int | None) -> tuple[tuple[str, str, str], ...]:
    """Public items that the student got wrong; an even walk over them, so that no label fills the list."""
    answers = session.journal.outcomes(f"round-{seen}", "public") if seen else []
    wrong = {outcome.item_id: outcome.answer for outcome in answers if outcome.score < 1}
    found = [(item.input, item.output, wrong[item.id]) for item in session.data.public if item.id in wrong]
    step = max(1, len(found) // MOST_CASES)
    return tuple(found[::step][:MOST_CASES])


def _seeds(session: Session) -> tuple[str, ...]:
    """A few of the seeds: an even walk over them, the same in every round."""
    found = session.data.seeds
    return tuple(found[:: max(1, len(found) // MOST_SEEDS)][:MOST_SEEDS])


def _baseline(session: Session) -> Score:
    return max((score(session.journal, name, "public") for name in BASELINES), key=lambda found: found.value)


def _narrow(session: Session, seen: int | None) -> tuple[str, ...]:
    attempt = attempt_of(session, seen)
    return tuple(card_of(session, attempt).warnings()) if attempt else ()


def _variety(session: Session) -> str:
    """The variety of the newest two rounds' rows: whether it grows or falls is seen from two of them."""
    decided = [found for found in session.journal.rounds() if found["decision"]][-2:]
    cards = [(found["number"], card_of(session, found["attempt"])) for found in decided]
    return "; ".join(
        f"round {number}: {card.distinct[1]:.0%} of word pairs are distinct, {card.near_duplicate_rate:.0%} of rows"
        f" nearly repeat another, Vendi score {card.vendi:.1f} of {card.vendi_n}"
        for number, card in cards
    )


def _better(session: Session) -> bool | None:
    decided = [found["decision"] for found in session.journal.rounds() if found["decision"]]
    return decided[-1] == "accepted" if decided else None


def _earlier(session: Session, attempt: int | None) -> Earlier | None:
    if attempt is None:
        return None
    record = next(found for found in session.journal.attempts() if found["id"] == attempt)
    rejected: dict[str, tuple[int, str]] = {}
    for row in session.journal.rows(attempt=attempt):
        if row["reason"]:
            detail = LEAK_DETAIL if row["reason"] == "leak" else row["detail"]
            count, example = rejected.get(row["reason"], (0, detail))
            rejected[row["reason"]] = (count + 1, example)
    valid = record["status"] == "valid"
    return Earlier(
        attempt,
        record["program"],
        record["plan"],
        None if valid else Problem(record["error_class"], record["error"] or ""),
        len(session.journal.accepted_rows(attempt)),
        rejected,
    )
