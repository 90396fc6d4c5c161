"""The arm `human`: a student is trained once on rows that people wrote, to compare the teacher's with."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, zip_longest

from toolkit.engineer.tree import TOO_FEW
from toolkit.stages.generate import TOO_FEW_ROWS
from toolkit.stages.hosting import row_checks
from toolkit.stages.session import Session
from toolkit.types import Row

ATTEMPT = 1


def human_submission(session: Session, number: int) -> int | None:
    """The labelled rows that no split took, as many as the teacher may write; None when they are too few.

    They pass the same checks as the teacher's rows: near-duplicates and leaks are turned away.
    """
    attempts = session.journal.attempts()
    if attempts and attempts[-1]["status"] == "valid":
        return ATTEMPT
    session.journal.attempt(ATTEMPT, operation="draft", program="", plan={"source": "rows of people"})
    budget = session.recipe.file.budget
    with session.stage("generate", number):
        accepted = _submit(session, chosen(session.data.extra), budget.rows)
    if accepted < budget.min_rows:
        session.journal.drop_rows(ATTEMPT, TOO_FEW_ROWS)
        session.journal.end_attempt(ATTEMPT, "failed", TOO_FEW, "these are all labelled rows that no split takes")
        session.journal.event("attempt_failed", number, attempt=ATTEMPT, error_class=TOO_FEW, accepted=accepted)
        return None
    session.journal.end_attempt(ATTEMPT, "valid")
    session.journal.event("submission", number, attempt=ATTEMPT, accepted=accepted, calls=0)
    return ATTEMPT


def chosen(rows: list[Row]) -> list[Row]:
    """The rows in an order that takes from each skill in turn; within a skill by content hash."""
    by_skill: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.id):
        by_skill[row.skill].append(row)
    turns = zip_longest(*(by_skill[skill] for skill in sorted(by_skill)))
    return [row for row in chain.from_iterable(turns) if row is not None]


def _submit(session: Session, rows: list[Row], most: int) -> int:
    checks, accepted = row_checks(session, ATTEMPT), 0
    for seq, row in enumerate(rows):
        if accepted >= most:
            break
        rejection = checks.check(row)
        if rejection is None:
            checks.remember(row)
            accepted += 1
            session.journal.row(ATTEMPT, seq, row)
        else:
            status = "quarantined" if rejection.reason == "leak" else "rejected"
            session.journal.row(ATTEMPT, seq, row, status=status, reason=rejection.reason, detail=rejection.detail)
        session.safe_point()
    return accepted
