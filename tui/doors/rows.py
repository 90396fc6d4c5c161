"""Rows of a run: what there is to filter by, a window of them, one in full, and decisions about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.journal import JournalReader, RowFilter
    from tui.rows import Chosen, Decision, Facets, RowLine, RowText, WholeRow
    from tui.state import Record, Status
    from tui.variety import Card


class RowsDoor:
    """What the Data screen asks. Every method may block."""

    def facets(self, reader: JournalReader, status: Status) -> Facets:
        from toolkit.stages.decisions import decisions_left
        from tui.rows import Facets

        left = decisions_left(reader.folder)
        statuses = reader.row_groups("status")
        return Facets(
            status=status,
            total=sum(count for _, count in statuses),
            statuses=tuple(statuses),
            reasons=tuple((reason, count) for reason, count in reader.row_groups("reason") if reason),
            skills=tuple((str(skill), count) for skill, count in reader.row_groups("skill")),
            attempts=tuple(reader.row_groups("attempt")),
            rounds=tuple((found["number"], found["attempt"]) for found in reader.rounds()),
            decisions=tuple({**reader.decisions(), **left}.items()),
            waiting=tuple(left),
        )

    def row_window(
        self, folder: Path, chosen: Chosen, decided: Sequence[str], pages: Sequence[int]
    ) -> tuple[int, dict[int, list[RowLine]]]:
        """How many rows the filter lets through, and those of these pages.

        Args:
            decided: ids of the rows that a person decided on.
        """
        from toolkit.journal import JournalReader
        from tui.rows import PAGE, row_line

        wanted = _filter(chosen, decided)
        with closing(JournalReader(folder)) as reader:
            found = {page: reader.row_page(wanted, page * PAGE, PAGE) for page in pages}
            return reader.row_total(wanted), {page: list(map(row_line, rows)) for page, rows in found.items()}

    def whole_row(self, folder: Path, attempt: int, seq: int) -> WholeRow:
        """A row with the one that it is like. Raises JournalError when it is gone."""
        from toolkit.errors import JournalError
        from toolkit.journal import JournalReader
        from tui.rows import public_item_id, twin_text, whole_row

        with closing(JournalReader(folder)) as reader:
            record = reader.find_row(attempt, seq)
            if record is None:
                raise JournalError("the journal does not have this row", f"schoolhouse show {folder.name}")
            like = twin_text(record)
            twin = reader.row_with_input(like) if like else None
            edit, origin = _edit_of(reader, record), _origin_of(reader, record)
        meta = json.dumps(record["meta"], ensure_ascii=False, indent=1) if record["meta"] else ""
        return whole_row(record, twin, meta, _public_item(folder, public_item_id(record)), edit, origin)

    def cards(self, folder: Path) -> tuple[Card, ...]:
        """The diversity cards of the submissions so far."""
        from toolkit.journal import JournalReader
        from tui.variety import with_card

        found: tuple[Card, ...] = ()
        with closing(JournalReader(folder)) as reader:
            for event in reader.events_of("diversity"):
                found = with_card(found, event)
        return found

    def row_text(self, folder: Path, attempt: int, seq: int) -> RowText:
        """A row to edit, as it now stands, or why it is not to be edited. Raises JournalError when it is gone."""
        from toolkit.errors import JournalError
        from toolkit.journal import JournalReader
        from toolkit.stages.edits import MOST_CHARACTERS
        from tui.rows import RowText, row_line

        with closing(JournalReader(folder)) as reader:
            record = reader.find_row(attempt, seq)
            if record is None:
                raise JournalError("the journal does not have this row", f"schoolhouse show {folder.name}")
            problem = _same_as(reader, record)
            text, answer = _edit_of(reader, record) or (record["input"], record["output"])
        if len(text) > MOST_CHARACTERS:
            problem = f"it has {len(text)} characters, too many to edit here"
        return RowText(row_line(record), text, answer, labels_of(folder), problem)

    def edit_problem(self, labels: Sequence[str], text: str, answer: str) -> str:
        """Why nobody could train on this, in words; empty when one could."""
        from toolkit.stages.edits import Edit, edit_problem

        return edit_problem(Edit(text, answer), labels)

    def edit_row(self, folder: Path, row: RowLine, text: str, answer: str) -> None:
        """Leave a person's edit of a row; the worker takes it before it trains next. The row itself is kept."""
        from toolkit.stages.decisions import leave
        from toolkit.stages.edits import Edit

        leave(folder, Edit(text, answer).to_left({"id": row.id, "attempt": row.attempt, "seq": row.seq}))

    def decide(self, folder: Path, row: str, decision: Decision) -> None:
        """Leave a person's decision about a row; the worker takes it before it trains next."""
        from toolkit.stages.decisions import leave_decision

        leave_decision(folder, row, decision)

    def may_be_kept(self, reason: str) -> bool:
        """Whether a person may overrule a rejection for this reason."""
        from toolkit.stages.decisions import KEEPABLE

        return reason in KEEPABLE


def _edit_of(reader: JournalReader, record: Record) -> tuple[str, str] | None:
    """What a person made of a row, taken by the worker or not yet."""
    from toolkit.stages.decisions import all_left
    from toolkit.stages.edits import EDIT

    left = all_left(reader.folder).get(record["id"])
    if left is not None:
        return (str(left.get("input", "")), str(left.get("output", ""))) if left["decision"] == EDIT else None
    made = _by_id(reader, reader.edits().get(record["id"]))
    return (made["input"], made["output"]) if made else None


def _origin_of(reader: JournalReader, record: Record) -> Record | None:
    """The row that a person made this one of."""
    from toolkit.stages.edits import EDITED_FROM

    return _by_id(reader, record["meta"].get(EDITED_FROM))


def _by_id(reader: JournalReader, row_id: str | None) -> Record | None:
    from toolkit.journal import RowFilter

    found = reader.row_page(RowFilter(ids=(row_id,)), 0, 1) if row_id else []
    return reader.find_row(found[0]["attempt"], found[0]["seq"]) if found else None


def _same_as(reader: JournalReader, record: Record) -> str:
    """A rejected row that says the same as an accepted one is not edited: decisions are about texts."""
    from toolkit.journal import RowFilter

    if record["status"] == "accepted":
        return ""
    found = reader.row_page(RowFilter(status="accepted", ids=(record["id"],)), 0, 1)
    place = f"row {found[0]['seq'] + 1} of attempt {found[0]['attempt']}" if found else ""
    return f"it is word for word {place}, which is trained on: edit that one" if found else ""


def labels_of(folder: Path) -> tuple[str, ...]:
    """The labels of a run's task; none when answers are no labels."""
    from toolkit.data.prepare import DONE, FOLDER

    try:
        return tuple(json.loads((folder / FOLDER / DONE).read_text(encoding="utf-8"))["labels"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _filter(chosen: Chosen, decided: Sequence[str]) -> RowFilter:
    from toolkit.journal import RowFilter

    ids = tuple(decided) if chosen.decided else None
    return RowFilter(chosen.status, chosen.reason, chosen.skill, chosen.attempt, chosen.text, ids)


def _public_item(folder: Path, item_id: str) -> str:
    """The text of a public item; items of other splits stay where they are."""
    if not item_id:
        return ""
    from toolkit.data.prepare import FOLDER
    from toolkit.data.sealed import read_items

    path = folder / FOLDER / "public.jsonl"
    items: list[Any] = read_items(path) if path.is_file() else []
    return next((item.input for item in items if item.id == item_id), "")
