"""Plan → generate: the data program runs, its rows are checked, what is missing is asked for again."""

from __future__ import annotations

from collections import Counter

from toolkit.budget import round_share
from toolkit.data.checks import RowChecks
from toolkit.engineer import Engineer, Proposal, Situation, SkillReport
from toolkit.errors import SchoolhouseError
from toolkit.programs.host import Allowance, ProgramHost
from toolkit.programs.sandbox import Ending, run_program
from toolkit.stages.evaluate import BASELINES, score
from toolkit.stages.session import Session
from toolkit.types import Row

MAX_PASSES = 4
"""How often a program that ends with rows missing and calls left is run again."""


def situation(session: Session, number: int, best: int | None) -> Situation:
    """What the engineer may know before round `number`; `best` is the best round so far."""
    spent, limits = session.spent(), session.limits
    rounds_left = limits.rounds - number + 1
    student = f"round-{best}" if best else None
    outcomes = session.journal.outcomes(student, "public") if student else []
    expected = {item.id: item.output for item in session.data.public}
    rows = Counter(row["skill"] for row in session.journal.rows(status="accepted"))
    totals = Counter(outcome.skill for outcome in outcomes)
    right = Counter(outcome.skill for outcome in outcomes if outcome.score == 1)
    missed = Counter((expected[o.item_id], o.answer) for o in outcomes if o.score < 1 and o.item_id in expected)
    return Situation(
        number=number,
        parent=best,
        labels=session.data.labels,
        rows=round_share(limits.rows, spent.rows, rounds_left),
        calls=round_share(limits.teacher_calls, spent.teacher_calls, rounds_left),
        skills={name: SkillReport(right[name], totals[name], rows[name]) for name in session.data.labels},
        confusions=missed,
        baseline=max((score(session.journal, name, "public") for name in BASELINES), key=lambda found: found.value),
    )


def plan(session: Session, engineer: Engineer, number: int, best: int | None) -> Proposal:
    """The engineer's next attempt; one that is in the journal is not planned again."""
    for attempt in session.journal.attempts():
        if attempt["id"] == number:
            return Proposal(attempt["operation"], attempt["plan"], attempt["program"], attempt["parent"])
    now = situation(session, number, best)
    proposal = engineer.propose(now)
    proposal = Proposal(
        proposal.operation, {**proposal.plan, "calls": now.calls, "room": now.rows}, proposal.program, proposal.parent
    )
    session.journal.attempt(
        number,
        operation=proposal.operation,
        program=proposal.program,
        plan=dict(proposal.plan),
        parent=proposal.parent,
    )
    return proposal


def generate(session: Session, number: int, proposal: Proposal) -> list[Row]:
    """Run the data program of attempt `number`; returns its submission.

    Raises SchoolhouseError when the program fails, or too few rows are valid.
    """
    status = {attempt["id"]: attempt["status"] for attempt in session.journal.attempts()}[number]
    if status == "running":
        with session.stage("generate", number):
            host, ending = _run(session, number, proposal)
            session.teacher.release()
            _conclude(session, host, ending)
    return session.journal.accepted_rows(number)


def _run(session: Session, number: int, proposal: Proposal) -> tuple[ProgramHost, Ending]:
    host = _host(session, number, proposal)
    inputs = {"task": _task(session), "plan": dict(proposal.plan), "seeds": []}
    ending = Ending()
    for turn in range(MAX_PASSES):
        before = host.accepted.total()
        ending = run_program(proposal.program, host.functions(), inputs, seed=number * 100 + turn)
        if host.interruption:
            raise host.interruption
        done = not host.missing() or host.calls_used >= host.allowance.calls
        if ending.error_class or done or host.accepted.total() == before:
            break
        session.journal.event("replenish", number, missing=host.missing())
    return host, ending


def _host(session: Session, number: int, proposal: Proposal) -> ProgramHost:
    checks = RowChecks(session.data.labels, session.firewall())
    for earlier in range(1, number):
        for row in session.journal.accepted_rows(earlier):
            checks.remember(row)
    skills = {name: int(count) for name, count in proposal.plan["skills"].items()}
    left = session.limits.seconds - session.seconds()
    return ProgramHost(
        attempt=number,
        allowance=Allowance(int(proposal.plan["calls"]), skills, int(proposal.plan["room"]), left),
        journal=session.journal,
        teacher=session.teacher,
        checks=checks,
        temperature=session.recipe.file.teacher.temperature,
        clock=session.seconds,
    )


def _task(session: Session) -> dict[str, object]:
    task = session.recipe.file.task
    return {"about": task.about, "answer": task.answer, "labels": dict(session.data.labels)}


def _conclude(session: Session, host: ProgramHost, ending: Ending) -> None:
    accepted, least = host.accepted.total(), session.recipe.file.budget.min_rows
    if accepted >= least:
        session.journal.end_attempt(host.attempt, "valid", ending.error_class or "", ending.error)
        session.journal.event("submission", host.attempt, accepted=accepted, calls=host.calls_used)
        return
    error_class = ending.error_class or "insufficient valid samples"
    session.journal.end_attempt(host.attempt, "failed", error_class, ending.error)
    session.journal.event("attempt_failed", host.attempt, error_class=error_class, accepted=accepted)


def submission_error(session: Session, number: int) -> SchoolhouseError:
    """Why attempt `number` gave too few rows, in words that lead on."""
    attempt = next(found for found in session.journal.attempts() if found["id"] == number)
    reasons = Counter(row["reason"] for row in session.journal.rows(attempt=number) if row["reason"])
    accepted = len(session.journal.accepted_rows(number))
    counted = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(4)) or "the teacher wrote no rows"
    least = session.recipe.file.budget.min_rows
    message = f"attempt {number} gave {accepted} valid rows, {least} are needed ({counted})"
    if attempt["error"]:
        message += f"\n{attempt['error']}"
    fix = f"look at them with `schoolhouse show {session.folder.name}`, or allow more with --set budget.teacher_calls=…"
    return SchoolhouseError(message, fix)
