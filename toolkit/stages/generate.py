"""Generate: a data program runs, its rows are checked, what is missing is asked for again."""

from __future__ import annotations

from toolkit.engineer.tree import TOO_FEW, ErrorClass, Record
from toolkit.programs import trial
from toolkit.programs.host import ProgramHost
from toolkit.programs.sandbox import Ending, run_program
from toolkit.programs.trial import TrialHost, TrialOver
from toolkit.stages.card import announce_card, by_hand
from toolkit.stages.hosting import host_of
from toolkit.stages.inputs import program_inputs
from toolkit.stages.session import Session

MAX_PASSES = 4
"""How often a program that ends with rows missing and calls left is run again."""

OUT_OF_TIME = "the time of the run is over (budget.minutes)"
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
    host = host_of(session, attempt, TrialHost)
    inputs = program_inputs(session, attempt["plan"])
    ending = run_program(attempt["program"], host.functions(), inputs, seed=attempt["id"] * 100)
    over = isinstance(host.interruption, TrialOver)
    if host.interruption and not over:
        raise host.interruption
    made = host.accepted.total()
    if host.out_of_time:
        return "execution timeout", OUT_OF_TIME
    passed = made >= trial.ROWS or (made > 0 and not ending.error_class)
    session.journal.event("trial", number, attempt=attempt["id"], passed=passed, accepted=made, calls=host.calls_used)
    if passed:
        return None
    if ending.error_class and not over:
        return ending.error_class, f"in a trial on {trial.ROWS} rows:\n{ending.error}"
    printed = f"; it printed: {ending.printed.strip()[:200]}" if ending.printed.strip() else ""
    return TOO_FEW, f"in a trial on {trial.ROWS} rows: {host.told()}{printed}"


def _run(session: Session, number: int, attempt: Record) -> tuple[ProgramHost, Ending]:
    host = host_of(session, attempt, ProgramHost)
    inputs = program_inputs(session, attempt["plan"])
    ending = Ending()
    for turn in range(MAX_PASSES):
        before = host.accepted.total()
        ending = run_program(attempt["program"], host.functions(), inputs, seed=attempt["id"] * 100 + turn)
        if host.interruption:
            raise host.interruption
        if host.out_of_time:
            return host, Ending("execution timeout", OUT_OF_TIME, ending.printed)
        done = not host.missing() or host.calls_used >= host.allowance.calls
        if ending.error_class or done or host.accepted.total() == before:
            break
        session.journal.event("replenish", number, missing=host.missing())
    return host, ending


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
