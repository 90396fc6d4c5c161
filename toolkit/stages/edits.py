"""Rows that a person edits: the original stays as it was, the edited one is a row of the same attempt beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.recipe.nearest import did_you_mean
from toolkit.types import Json, Row

if TYPE_CHECKING:
    from toolkit.stages.session import Session

EDIT = "edit"
EDITED_FROM, EDITED_BY = "edited_from", "edited_by"
"""What an edited row's `meta` has beside that of its original: the original's id, and who changed it."""
PERSON = "person"
MOST_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person made of a row."""

    input: str
    output: str

    def to_left(self, record: Mapping[str, Any]) -> dict[str, Json]:
        """The decision about the row of this journal record, as it is left for the worker."""
        place = {"row": record["id"], "attempt": record["attempt"], "seq": record["seq"]}
        return {**place, "decision": EDIT, "input": self.input, "output": self.output}


def edit_problem(edit: Edit, labels: Collection[str]) -> str:
    """Why nobody could train on this, in words; empty when one could. `labels`: empty when answers are no labels."""
    if not edit.input.strip() or not edit.output.strip():
        return "the text is empty" if not edit.input.strip() else "the answer is empty"
    if max(len(edit.input), len(edit.output)) > MOST_CHARACTERS:
        return f"it is longer than {MOST_CHARACTERS} characters"
    if labels and edit.output not in labels:
        return f"{edit.output[:60]!r} is no label{did_you_mean(edit.output, list(labels))}"
    return ""


def take_edit(session: Session, left: Mapping[str, Any]) -> None:
    """Journal an edit: the new row first, then the decision that lets it stand for its original.

    A row too close to an evaluation item is quarantined like any other. Taken twice it is journaled once.
    """
    journal = session.journal
    record = journal.find_row(int(left.get("attempt", -1)), int(left.get("seq", -1)))
    if record is None or record["id"] != left["row"]:
        journal.event("log", text="an edit of a row that is not here was left out")
        return
    row = edited_row(record, Edit(str(left.get("input", "")), str(left.get("output", ""))))
    attempt = journal.rows(attempt=record["attempt"])
    same = [one for one in attempt if one["id"] == row.id]
    if not any(one["status"] == "accepted" or one["meta"].get(EDITED_FROM) == record["id"] for one in same):
        _journal_row(session, record["attempt"], max(one["seq"] for one in attempt) + 1, row)
    if journal.decisions().get(row.id) in (EDIT, "drop"):  # an earlier wish about the same text counts no more
        journal.event("row_decision", row=row.id, decision="keep")
    journal.event("row_decision", row=record["id"], decision=EDIT, into=row.id)


def _journal_row(session: Session, attempt: int, seq: int, row: Row) -> None:
    status, reason, detail = "accepted", "", ""
    if problem := edit_problem(Edit(row.input, row.output), session.data.labels):
        status, reason, detail = "rejected", "edit", problem
    elif hit := session.firewall().check(row.input):
        status, reason, detail = "quarantined", "leak", hit.words
    session.journal.row(attempt, seq, row, status=status, reason=reason, detail=detail)


def edited_row(record: Mapping[str, Any], edit: Edit) -> Row:
    """The row that a person made of the one in this journal record; a label's skill goes with the label."""
    skill = edit.output if record["skill"] == record["output"] else record["skill"]
    meta = {**record["meta"], EDITED_FROM: record["id"], EDITED_BY: PERSON}
    return Row(edit.input, edit.output, skill, tuple(record["calls"]), meta)
