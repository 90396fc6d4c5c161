"""What a person decides about single rows: dropped ones are not trained on, kept ones are, whatever the checks said.

The journal has one writer, so a decision is left in a folder of the run; the worker takes it into the journal
before it trains. A round that has begun keeps the rows that it began with.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from toolkit.errors import SchoolhouseError
from toolkit.paths import write_text
from toolkit.stages.session import Session
from toolkit.types import Row

Decision = Literal["keep", "drop"]
FOLDER = "decisions"
KEEPABLE = ("duplicate", "near_duplicate", "label_in_text", "looks_like_template", "topic_share", "label_share")
"""Reasons that a person may overrule. A leak, a wrong answer or an unusable row is not among them."""


def leave_decision(folder: Path, row: str, decision: Decision) -> None:
    """Leave a decision about the row with this id. Raises SchoolhouseError for an unknown decision."""
    if decision not in get_args(Decision):
        raise SchoolhouseError(f"{decision!r} is no decision about a row", "write keep or drop")
    write_text(folder / FOLDER / f"{time.time_ns()}.json", json.dumps({"row": row, "decision": decision}))


def decisions_left(folder: Path) -> dict[str, str]:
    """Row id -> the newest decision that the worker has not taken yet."""
    found: dict[str, str] = {}
    for path in sorted(folder.joinpath(FOLDER).glob("*.json")):
        found |= _read(path)
    return found


def take_decisions(session: Session) -> None:
    """Journal what was left; a decision that a crash left behind is journaled twice, and means the same."""
    for path in sorted(session.folder.joinpath(FOLDER).glob("*.json")):
        for row, decision in _read(path).items():
            session.journal.event("row_decision", row=row, decision=decision)
        path.unlink()


def _read(path: Path) -> dict[str, str]:
    """The decision of one file; empty when it was taken meanwhile, or is damaged."""
    try:
        left = json.loads(path.read_text(encoding="utf-8"))
        return {str(left["row"]): str(left["decision"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def decided(session: Session, number: int, rows: Sequence[Row], attempts: Sequence[int]) -> list[Row]:
    """The rows of round `number` as a person wants them.

    Args:
        attempts: whose rejected rows may be kept. One that is close to an evaluation item never is.
    """
    begun = next((found["started"] for found in session.journal.rounds() if found["number"] == number), math.inf)
    decisions = session.journal.decisions(until=begun)
    if not decisions:
        return list(rows)
    wanted = {row.id: row for row in rows if decisions.get(row.id) != "drop"}
    kept = {row for row, decision in decisions.items() if decision == "keep"} - wanted.keys()
    return [*wanted.values(), *_kept(session, kept, attempts)]


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
