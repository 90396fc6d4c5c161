"""A round's attempts: draft, debug, repair or improve, until a submission has enough valid rows.

Which attempt comes next follows from the attempts that the journal has, so a resumed run
takes the same path.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

from toolkit.budget import early_stop, stop_reason
from toolkit.engineer import Engineer, Proposal
from toolkit.engineer.tree import Record, Rules, next_move, of_round
from toolkit.errors import SchoolhouseError
from toolkit.stages.approve import approved
from toolkit.stages.evaluate import score
from toolkit.stages.generate import TOO_FEW_ROWS, generate
from toolkit.stages.session import LAST_ROUND_FILE, Session
from toolkit.stages.situation import attempt_of, situation


def submission(session: Session, engineer: Engineer, number: int, best: int | None) -> int | None:
    """The attempt whose rows are the submission of round `number`; None when the round is given up.

    Args:
        best: the best round so far, whose attempt is improved on.
    """
    while True:
        tried = of_round(session.journal.attempts(), number)
        if tried and tried[-1]["status"] == "valid":
            session.release()
            return int(tried[-1]["id"])
        if not tried or tried[-1]["status"] == "failed":
            newest = begin(session, engineer, number, best, tried)
            if newest is None:
                return None
        else:
            newest = tried[-1]
        generate(session, number, newest, tries=engineer.tries)


def begin(session: Session, engineer: Engineer, number: int, best: int | None, tried: list[Record]) -> Record | None:
    """Plan and journal the next attempt of round `number`; None when there shall be none."""
    settings = session.recipe.file.engineer
    rules = Rules(session.one_shot, settings.drafts, engineer.revises)
    move = next_move(tried, attempt_of(session, best), rules)
    made = len(session.journal.attempts())
    if move is None or made >= settings.attempts or (tried and stop_reason(session.limits, session.spent())):
        return None
    now = situation(session, number, made + 1, best, move)
    if session.one_shot and engineer.revises and made + 1 < min(settings.drafts, settings.attempts):
        now = replace(now, calls=-(-now.calls // 2))  # the other half is for the drafts after it
    with session.stage("plan", number) if engineer.revises else nullcontext():
        proposal = approved(session, made + 1, engineer.propose(now))
    _journal(session, made + 1, proposal, {"calls": now.calls, "room": now.rows})
    return session.journal.attempts()[-1]


def _journal(session: Session, attempt: int, proposal: Proposal, budget: dict[str, int]) -> None:
    problem = {"problem": [proposal.problem.error_class, proposal.problem.text]} if proposal.problem else {}
    session.journal.attempt(
        attempt,
        operation=proposal.operation,
        program=proposal.program,
        plan={**proposal.plan, **budget, **problem},
        parent=proposal.parent,
    )


EXAM_BEGUN = "the exam has begun"


def ends_before(session: Session, number: int) -> bool:
    """Whether round `number` must not begin. Why is said once, and kept for `show`."""
    reason, told = stopped(session, number), session.journal.meta("stopped")
    if reason is None:
        if told and not of_round(session.journal.attempts(), number):  # a person has taken the wish back
            session.journal.set_meta("stopped", None)
        return False
    if not told or reason not in (told, EXAM_BEGUN):
        session.journal.set_meta("stopped", reason)
        session.journal.event("log", text=f"no further round: {reason}")
    return True


def stopped(session: Session, number: int) -> str | None:
    """Why round `number` must not begin. One that began before a crash is finished, unless the exam has begun."""
    decided = {found["number"] for found in session.journal.rounds() if found["decision"]}
    if number not in decided and session.journal.openings("private"):
        return EXAM_BEGUN
    if of_round(session.journal.attempts(), number):
        return None
    if number > 1 and (session.folder / LAST_ROUND_FILE).exists():
        return f"a person wanted none after round {number - 1}"
    return _enough(session) or stop_reason(session.limits, session.spent())


def _enough(session: Session) -> str | None:
    """Why the rounds so far are enough by the recipe's target and patience, or None."""
    budget, rounds = session.recipe.file.budget, session.journal.rounds()
    accepted = [place for place, found in enumerate(rounds) if found["decision"] == "accepted"]
    best = score(session.journal, f"round-{rounds[accepted[-1]]['number']}", "gate").value if accepted else None
    barren = len(rounds) - (accepted[-1] + 1 if accepted else 0)
    return early_stop(best, barren, budget.target, budget.patience)


def submission_error(session: Session) -> SchoolhouseError:
    """Why the newest attempt gave too few rows, in words that lead on."""
    attempt = session.journal.attempts()[-1]
    rows = session.journal.rows(attempt=attempt["id"])
    reasons = Counter(row["reason"] for row in rows if row["reason"] not in ("", TOO_FEW_ROWS))
    valid = sum(row["reason"] in ("", TOO_FEW_ROWS) for row in rows)
    none = "no row was turned away" if rows else "the teacher wrote no rows"
    counted = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(4)) or none
    least = session.recipe.file.budget.min_rows
    message = f"attempt {attempt['id']} gave {valid} valid rows, {least} are needed ({counted})"
    if attempt["error"]:
        message += f"\n{attempt['error']}"
    fix = f"look at them with `schoolhouse show {session.folder.name}`, or allow more with --set budget.teacher_calls=…"
    return SchoolhouseError(message, fix)
