"""What a person decides about single rows: dropped ones are not trained on, kept ones are, whatever the checks said.

The journal has one writer, so a decision is left in a folder of the run; the worker takes it into the journal
before it trains. A round that has begun keeps the rows that it began with. Edited rows: `toolkit.stages.edits`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from toolkit.errors import SchoolhouseError
from toolkit.paths import write_text
from toolkit.stages.edits import EDIT, EDITED_FROM, take_edit
from toolkit.stages.session import Session
from toolkit.types import Json, Row

Decision = Literal["keep", "drop"]
FOLDER = "decisions"
KEEPABLE = ("duplicate", "near_duplicate", "label_in_text", "looks_like_template", "topic_share", "label_share")
"""Reasons that a person may overrule. A leak, a wrong answer or an unusable row is not among them."""


def leave_decision(folder: Path, row: str, decision: Decision) -> None:
    """Leave a decision about the row with this id. Raises SchoolhouseError for an unknown decision."""
    if decision not in get_args(Decision):
        raise SchoolhouseError(f"{decision!r} is no decision about a row", "write keep or drop")
    leave(folder, {"row": row, "decision": decision})


def leave(folder: Path, left: Mapping[str, Json]) -> None:
    """Put a decision into the folder that the worker looks at."""
    write_text(folder / FOLDER / f"{time.time_ns()}.json", json.dumps(left))


def decisions_left(folder: Path) -> dict[str, str]:
    """Row id -> the newest decision that the worker has not taken yet."""
    return {row: str(left["decision"]) for row, left in all_left(folder).items()}


def all_left(folder: Path) -> dict[str, dict[str, Json]]:
    """Row id -> all that was left with its newest decision that the worker has not taken yet."""
    return {str(left["row"]): left for path in sorted(folder.joinpath(FOLDER).glob("*.json")) if (left := _read(path))}


def take_decisions(session: Session) -> None:
    """Journal what was left; a decision that a crash left behind is journaled twice, and means the same."""
    for path in sorted(session.folder.joinpath(FOLDER).glob("*.json")):
        left = _read(path)
        if left and left["decision"] == EDIT:
            take_edit(session, left)
        elif left:
            session.journal.event("row_decision", row=str(left["row"]), decision=str(left["decision"]))
        path.unlink()


def _read(path: Path) -> dict[str, Json]:
    """The decision of one file; empty when it was taken meanwhile, or is damaged."""
    try:
        left = json.loads(path.read_text(encoding="utf-8"))
        return left if isinstance(left, dict) and {"row", "decision"} <= left.keys() else {}
    except (OSError, ValueError):
        return {}


def decided(session: Session, number: int, rows: Sequence[Row], attempts: Sequence[int]) -> list[Row]:
    """The rows of round `number` as a person wants them.

    Args:
        attempts: whose rejected rows may be kept. One that is close to an evaluation item never is.
    """
    begun = next((found["started"] for found in session.journal.rounds() if found["number"] == number), math.inf)
    decisions, edits = session.journal.decisions(until=begun), session.journal.edits(until=begun)
    wanted = {row.id: row for row in rows if _wanted(row, decisions, edits)}
    kept = {row for row, decision in decisions.items() if decision == "keep"} - wanted.keys()
    return [*wanted.values(), *_kept(session, kept, attempts)]


def _wanted(row: Row, decisions: Mapping[str, str], edits: Mapping[str, str]) -> bool:
    """Whether to train on it: not on what was dropped or edited, nor on what came of an edit that counts no more."""
    if decisions.get(row.id) == "drop" or row.id in edits:
        return False
    source = row.meta.get(EDITED_FROM)
    return source is None or edits.get(str(source)) == row.id


def _kept(session: Session, ids: set[str], attempts: Sequence[int]) -> list[Row]:
    if not ids:
        return []
    firewall, found = session.firewall(), dict[str, Row]()
    for record in (one for attempt in attempts for one in session.journal.rows(status="rejected", attempt=attempt)):
        overruled = record["id"] in ids and record["reason"] in KEEPABLE
        if overruled and not firewall.check(record["input"]):
            row = Row(record["input"], record["output"], record["skill"], tuple(record["calls"]), record["meta"])
            found[row.id] = row
    return list(found.values())
