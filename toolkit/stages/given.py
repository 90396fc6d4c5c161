"""The recipe's own examples as lessons: a few messages that a person wrote, beside the teacher's many."""

from __future__ import annotations

from toolkit.data.firewall import Firewall
from toolkit.journal import GIVEN
from toolkit.recipe import Recipe
from toolkit.stages.session import Session
from toolkit.types import Row


def given_rows(session: Session) -> list[Row]:
    """The examples that every round is trained on; none unless `train.examples` says so.

    They are journaled once, under the attempt `GIVEN`, and cost none of the budget. One that is too close to an
    evaluation item is quarantined like any other row.
    """
    if not session.recipe.file.train.examples:
        return []
    if not session.journal.rows(attempt=GIVEN):
        _submit(session, session.firewall())
    return session.journal.accepted_rows(GIVEN)


def given_count(recipe: Recipe) -> int:
    """How many examples each round is trained on, at most."""
    examples = recipe.file.task.examples if recipe.file.train.examples else {}
    return sum(len(examples.get(label, ())) for label in recipe.labels)


def _submit(session: Session, firewall: Firewall) -> None:
    examples = session.recipe.file.task.examples
    labelled = [(text, label) for label in session.data.labels for text in examples.get(label, [])]
    rows = [Row(text, label, label, (), {"origin": "example"}) for text, label in labelled]
    for seq, row in enumerate(rows):
        if hit := firewall.check(row.input):
            session.journal.row(GIVEN, seq, row, status="quarantined", reason="leak", detail=hit.words)
        else:
            session.journal.row(GIVEN, seq, row)
