"""Generate: a data program runs, its rows are checked, what is missing is asked for again."""

from __future__ import annotations

from typing import TypeVar

from toolkit.data.checks import RowChecks
from toolkit.engineer.tree import TOO_FEW, ErrorClass, Record
from toolkit.programs import trial
from toolkit.programs.host import Allowance, ProgramHost
from toolkit.programs.sandbox import Ending, run_program
from toolkit.programs.trial import TrialHost, TrialOver
from toolkit.stages.card import announce_card, by_hand
from toolkit.stages.inputs import program_inputs
from toolkit.stages.session import Session
from toolkit.types import Item, Row

Host = TypeVar("Host", bound=ProgramHost)
MAX_PASSES = 4
"""How often a program that ends with rows missing and calls left is run again."""

ALMOST = 1 - 1e-9

TOO_FEW_ROWS = "too_few_rows"
"""Why a valid row is not trained on: its submission had too few of them."""


def generate(session: Session, number: int, attempt: Record, *, tries: bool = False) -> None:
    """Run the data program of an attempt of round `number`; afterwards the attempt is valid or failed.

    Args:
        tries: let it make a few rows first, and only then spend the budget.
    """
    if "problem" in attempt["plan"]:
        _fail(session, number, attempt["id"], *attempt["plan"]["problem"], accepted=0)
        return
    with session.stage("generate", number):
        if tries and (problem := _try(session, number, attempt)):
            _fail(session, number, attempt["id"], *problem, accepted=0)
            return
        host, ending = _run(session, number, attempt)
        _conclude(session, number, host, ending)


def _try(session: Session, number: int, attempt: Record) -> tuple[ErrorClass, str] | None:
    """What keeps a program from making a few rows; None when it makes them."""
    host = _host(session, attempt, TrialHost)
    inputs = program_inputs(session, attempt["plan"])
    ending = run_program(attempt["program"], host.functions(), inputs, seed=attempt["id"] * 100)
    over = isinstance(host.interruption, TrialOver)
    if host.interruption and not over:
        raise host.interruption
    made = host.accepted.total()
    passed = made >= trial.ROWS or (made > 0 and not ending.error_class)
    session.journal.event("trial", number, attempt=attempt["id"], passed=passed, accepted=made, calls=host.calls_used)
    if passed:
        return None
    if ending.error_class and not over:
        return ending.error_class, f"in a trial on {trial.ROWS} rows:\n{ending.error}"
    printed = f"; it printed: {ending.printed.strip()[:200]}" if ending.printed.strip() else ""
    return TOO_FEW, f"in a trial on {trial.ROWS} rows: {host.told()}{printed}"


def _run(session: Session, number: int, attempt: Record) -> tuple[ProgramHost, Ending]:
    host = _host(session, attempt, ProgramHost)
    inputs = program_inputs(session, attempt["plan"])
    ending = Ending()
    for turn in range(MAX_PASSES):
        before = host.accepted.total()
        ending = run_program(attempt["program"], host.functions(), inputs, seed=attempt["id"] * 100 + turn)
        if host.interruption:
            raise host.interruption
        done = not host.missing() or host.calls_used >= host.allowance.calls
        if ending.error_class or done or host.accepted.total() == before:
            break
        session.journal.event("replenish", number, missing=host.missing())
    return host, ending


def _host(session: Session, attempt: Record, kind: type[Host]) -> Host:
    plan = attempt["plan"]
    skills = {name: int(count) for name, count in plan["skills"].items()}
    left = session.limits.seconds - session.seconds()
    return kind(
        attempt=attempt["id"],
        allowance=Allowance(int(plan["calls"]), skills, int(plan["room"]), left),
        journal=session.journal,
        teacher=session.teacher,
        checks=row_checks(session, attempt["id"]),
        temperature=session.recipe.file.teacher.temperature,
        clock=session.seconds,
        seed=session.recipe.file.teacher.seed,
        answer_passes=lambda row: passes(session, row),
    )


def passes(session: Session, row: Row) -> bool:
    """Whether a row's answer is right by the task's own scorer; a student that learned any other would score 0."""
    item = Item(row.id, "seed", row.input, row.output, row.skill, row.meta)
    return session.scorer(item, row.output) > ALMOST


def row_checks(session: Session, attempt: int) -> RowChecks:
    """The checks for an attempt: they know the recipe's examples and the rows of all valid attempts before it."""
    checks = RowChecks(session.data.labels, session.firewall())
    for label, texts in session.recipe.file.task.examples.items():
        for text in texts:
            checks.remember(Row(text, label))
    for earlier in session.journal.attempts():
        if earlier["id"] < attempt and earlier["status"] == "valid":
            for row in session.journal.accepted_rows(earlier["id"]):
                checks.remember(row)
    return checks


def _conclude(session: Session, number: int, host: ProgramHost, ending: Ending) -> None:
    accepted, least = host.accepted.total(), session.recipe.file.budget.min_rows
    own = by_hand(session, host.attempt).count
    if accepted - own >= least:
        session.journal.end_attempt(host.attempt, "valid", ending.error_class or "", ending.error)
        session.journal.event("submission", number, attempt=host.attempt, accepted=accepted, calls=host.calls_used)
        announce_card(session, number, host.attempt)
        return
    spent = f"{host.calls_used} of {host.allowance.calls} teacher calls were used"
    if own:
        spent += f"; {own} of {accepted} valid rows do not count: their text is in no teacher reply"
    _fail(session, number, host.attempt, ending.error_class or TOO_FEW, ending.error or spent, accepted=accepted)


def _fail(session: Session, number: int, attempt: int, kind: ErrorClass, text: str, *, accepted: int) -> None:
    session.journal.drop_rows(attempt, TOO_FEW_ROWS)
    session.journal.end_attempt(attempt, "failed", kind, text)
    session.journal.event("attempt_failed", number, attempt=attempt, error_class=kind, accepted=accepted)
