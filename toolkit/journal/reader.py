"""Questions that anybody may ask a run, while it is going or long after."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import DiskFullError, JournalError
from toolkit.types import Completion, Json, Outcome, Row

DATABASE = "run.db"

GIVEN = 0
"""The attempt whose rows nobody generated: the recipe's own examples."""

Record = dict[str, Any]
"""One table row as a dictionary; columns that hold JSON are decoded."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows to look at; None for any.

    Args:
        ids: only rows with these ids; text: only those whose input or output holds it.
    """

    status: str | None = None
    reason: str | None = None
    skill: str | None = None
    attempt: int | None = None
    text: str = ""
    ids: tuple[str, ...] | None = None

    def where(self) -> tuple[str, list[object]]:
        """As an SQL condition with its values."""
        named = {"status": self.status, "reason": self.reason, "skill": self.skill, "attempt": self.attempt}
        parts = [f"{name} = ?" for name, value in named.items() if value is not None]
        values: list[object] = [value for value in named.values() if value is not None]
        if self.text:
            pattern = "%" + re.sub(r"([%_\\])", r"\\\1", self.text) + "%"
            parts.append("(input LIKE ? ESCAPE '\\' OR output LIKE ? ESCAPE '\\')")
            values += [pattern, pattern]
        if self.ids is not None:
            parts.append("id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(self.ids))
        return " AND ".join(parts) or "1", values


class JournalReader:
    """Read-only access to a run's journal. Any number may be open beside the writer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / DATABASE
        if not path.is_file():
            raise JournalError(f"{folder} is not a run: it has no {DATABASE}", "schoolhouse runs")
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10, check_same_thread=False)
        self._db.row_factory = sqlite3.Row

    def close(self) -> None:
        self._db.close()

    # -- the run as a whole ------------------------------------------------------------------

    def meta(self, key: str, default: Json = None) -> Json:
        found = self._one("SELECT value FROM meta WHERE key = ?", key)
        return json.loads(found["value"]) if found else default

    def events(self, after: int = 0, limit: int = 1000) -> list[Record]:
        """Events with an id above `after`, oldest first: id, at, kind, round, data."""
        return self._all("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT ?", after, limit)

    def last_event(self, *kinds: str) -> Record | None:
        """The newest event of these kinds."""
        marks = ",".join("?" * len(kinds))
        return self._one(f"SELECT * FROM events WHERE kind IN ({marks}) ORDER BY id DESC LIMIT 1", *kinds)

    def events_of(self, kind: str) -> list[Record]:
        """Events of a kind, oldest first."""
        return self._all("SELECT * FROM events WHERE kind = ? ORDER BY id", kind)

    def stages(self) -> list[Record]:
        """Stages in the order they began: name, round, started, ended, peak_memory_bytes."""
        return self._all("SELECT * FROM stages ORDER BY id")

    def last_activity(self) -> float:
        """When anything was last written, in seconds since the epoch; 0 for an empty journal."""
        tables = ["events", "calls", "rows", "outcomes", "training_steps", *self._further()]
        newest = " UNION ALL ".join(f"SELECT max(at) AS at FROM {table}" for table in tables)
        found = self._one(f"SELECT max(at) AS at FROM ({newest})")
        return float(found["at"]) if found and found["at"] else 0.0

    def notes(self) -> list[Record]:
        """What a person asked of the run, oldest first: id, at, text."""
        return self._all("SELECT * FROM notes ORDER BY id")

    def openings(self, split: str) -> list[Record]:
        return self._all("SELECT * FROM openings WHERE split = ? ORDER BY id", split)

    # -- attempts, calls, rows ---------------------------------------------------------------

    def attempts(self) -> list[Record]:
        return self._all("SELECT * FROM attempts ORDER BY id")

    def answered(self, request_hash: str) -> Completion | None:
        """The journaled reply to a request, if it was ever answered."""
        return self.answered_of([request_hash]).get(request_hash)

    def answered_of(self, hashes: Sequence[str]) -> dict[str, Completion]:
        """The journaled replies to those of the requests that were ever answered, by hash."""
        found = self._all(
            "SELECT hash, text, finish_reason, prompt_tokens, completion_tokens, cached_tokens, backend_id, seconds"
            " FROM calls WHERE hash IN (SELECT value FROM json_each(?))",
            json.dumps(hashes),
        )
        return {one.pop("hash"): Completion(**one) for one in found}

    def calls(self, limit: int = 100, after: float = 0.0) -> list[Record]:
        """The newest calls since `after`, newest first."""
        return self._all("SELECT * FROM calls WHERE at > ? ORDER BY rowid DESC LIMIT ?", after, limit)

    def call_totals(self, role: str | None = None, after: int = 0) -> Record:
        """Over all calls, or those of a role: calls, prompt_tokens, completion_tokens, cached_tokens, seconds.

        Args:
            after: only of calls that came after this place; the `place` of the newest one is told too.
        """
        sums = ", ".join(
            f"coalesce(sum({name}), 0) AS {name}"
            for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "seconds")
        )
        sql = f"SELECT count(*) AS calls, coalesce(max(rowid), ?2) AS place, {sums} FROM calls"
        return self._one(f"{sql} WHERE rowid > ?2 AND (?1 IS NULL OR role = ?1)", role, after) or {}

    def calls_of(self, attempt: int, role: str | None = None) -> int:
        """How many calls an attempt has had answered, by the model of a role if one is named."""
        sql = "SELECT count(*) AS n FROM calls WHERE attempt = ?1 AND (?2 IS NULL OR role = ?2)"
        found = self._one(sql, attempt, role)
        return int(found["n"]) if found else 0

    def calls_by(self, attempt: int, limit: int = 500) -> list[Record]:
        """An attempt's calls, oldest first: hash, role, model, finish_reason, completion_tokens, seconds, at, start.

        `start` is how the reply begins; attempt 0 stands for what was asked before the first one.
        """
        return self._all(
            "SELECT hash, role, model, finish_reason, completion_tokens, seconds, at, substr(text, 1, 200) AS start"
            " FROM calls WHERE coalesce(attempt, 0) = ? ORDER BY at, rowid LIMIT ?",
            attempt,
            limit,
        )

    def find_call(self, request_hash: str) -> Record | None:
        """One call with its whole request and reply."""
        return self._one("SELECT * FROM calls WHERE hash = ?", request_hash)

    def replies(self, after: int = 0, limit: int = 500) -> list[Record]:
        """The teacher's replies in the order in which they came, from place `after` on: place, text, finish_reason,
        and `schema`, the JSON schema that was asked for, or None.
        """
        return self._all(
            "SELECT rowid AS place, text, finish_reason, json_extract(request, '$.schema') AS schema FROM calls"
            " WHERE role = 'teacher' AND rowid > ? ORDER BY rowid LIMIT ?",
            after,
            limit,
        )

    def asked(self, after: int = 0) -> list[Record]:
        """Events after `after` that tell of questions to the teacher: id, data with the beginnings of hashes."""
        return self._all("SELECT id, data FROM events WHERE kind = 'asked' AND id > ? ORDER BY id", after)

    def attempt_counts(self) -> dict[int, Record]:
        """By attempt: rows `submitted` and `accepted`, `calls` to the teacher, `questions` to the engineer."""
        rows = self._all(
            "SELECT attempt, count(*) AS submitted, sum(status = 'accepted') AS accepted FROM rows GROUP BY attempt"
        )
        calls = self._all(
            "SELECT coalesce(attempt, 0) AS attempt, sum(role = 'teacher') AS calls,"
            " sum(role <> 'teacher') AS questions FROM calls GROUP BY 1"
        )
        found: dict[int, Record] = {}
        for record in (*rows, *calls):
            none = {"submitted": 0, "accepted": 0, "calls": 0, "questions": 0}
            found.setdefault(record.pop("attempt"), none).update(record)
        return found

    def rows(self, *, status: str | None = None, attempt: int | None = None, limit: int = -1) -> list[Record]:
        """Submitted rows, in order, with their verdict."""
        return self._all(
            "SELECT * FROM rows WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR attempt = ?2)"
            " ORDER BY attempt, seq LIMIT ?3",
            status,
            attempt,
            limit,
        )

    def newest_rows(self, limit: int, after: float = 0.0) -> list[Record]:
        """The newest rows that were written or changed since `after`, oldest first."""
        sql = "SELECT * FROM rows WHERE at > ? ORDER BY at DESC, attempt DESC, seq DESC LIMIT ?"
        return self._all(sql, after, limit)[::-1]

    def accepted_rows(self, attempt: int) -> list[Row]:
        """The submission of an attempt."""
        return [_as_row(record) for record in self.rows(status="accepted", attempt=attempt)]

    def row_counts(self) -> Record:
        """`{"accepted": n, "rejected": {reason: n}}` over the whole run, without the rows that were given."""
        counts = self._all(  # all rows from the index alone, less the few that were given
            "SELECT status, reason, sum(n) AS n FROM (SELECT status, reason, count(*) AS n FROM rows GROUP BY 1, 2"
            " UNION ALL SELECT status, reason, -count(*) FROM rows WHERE attempt = ? GROUP BY 1, 2)"
            " GROUP BY 1, 2 HAVING sum(n) > 0",
            GIVEN,
        )
        rejected = Counter({c["reason"]: c["n"] for c in counts if c["status"] != "accepted"})
        accepted = sum(c["n"] for c in counts if c["status"] == "accepted")
        return {"accepted": accepted, "rejected": dict(rejected.most_common())}

    def row_page(self, chosen: RowFilter, offset: int, limit: int) -> list[Record]:
        """Rows in order, from `offset` on; long texts are cut, without `calls` and `meta`."""
        where, values = chosen.where()
        return self._all(
            "SELECT attempt, seq, id, substr(input, 1, 300) AS input, substr(output, 1, 120) AS output, skill, status,"
            f" reason, substr(detail, 1, 200) AS detail FROM rows WHERE {where} ORDER BY attempt, seq LIMIT ? OFFSET ?",
            *values,
            limit,
            offset,
        )

    def row_total(self, chosen: RowFilter) -> int:
        where, values = chosen.where()
        found = self._one(f"SELECT count(*) AS n FROM rows WHERE {where}", *values)
        return int(found["n"]) if found else 0

    def row_groups(self, column: Literal["status", "reason", "skill", "attempt"]) -> list[tuple[Json, int]]:
        """The values of a column with their counts, by value."""
        found = self._all(f"SELECT {column} AS value, count(*) AS n FROM rows GROUP BY {column} ORDER BY {column}")
        return [(one["value"], one["n"]) for one in found]

    def find_row(self, attempt: int, seq: int) -> Record | None:
        """One row in full."""
        return self._one("SELECT * FROM rows WHERE attempt = ? AND seq = ?", attempt, seq)

    def row_with_input(self, text: str) -> Record | None:
        """The first accepted row with this input."""
        sql = "SELECT * FROM rows WHERE status = 'accepted' AND input = ? ORDER BY attempt, seq LIMIT 1"
        return self._one(sql, text)

    def decisions(self, until: float = math.inf) -> dict[str, str]:
        """Row id -> what a person decided last about it: `keep`, `drop` or `edit`."""
        return {row: str(data["decision"]) for row, data in self._decided(until).items()}

    def edits(self, until: float = math.inf) -> dict[str, str]:
        """Row id -> id of the row that a person made of it, where that is what was decided last."""
        return {row: str(data["into"]) for row, data in self._decided(until).items() if data["decision"] == "edit"}

    def _decided(self, until: float) -> dict[str, Record]:
        found = self._all("SELECT data FROM events WHERE kind = 'row_decision' AND at <= ? ORDER BY id", until)
        return {str(one["data"]["row"]): one["data"] for one in found}

    def verification(self, key: str) -> tuple[bool, float] | None:
        """Whether what has this hash agreed, and the seconds that took; None where it was never verified."""
        found = self._one("SELECT agrees, seconds FROM verifications WHERE hash = ?", key)
        return (bool(found["agrees"]), float(found["seconds"])) if found else None

    def verifications(self, attempt: int) -> list[Record]:
        """What an attempt was the first to verify: hash, kind, answer, expected, more, agrees, seconds, at."""
        return self._all("SELECT * FROM verifications WHERE attempt = ? ORDER BY rowid", attempt)

    # -- rounds, training, outcomes ----------------------------------------------------------

    def rounds(self) -> list[Record]:
        """Rounds by number: attempt, arm, row_ids, adapter, decision, reason, started, ended."""
        return self._all("SELECT * FROM rounds ORDER BY number")

    def training_steps(self, round_number: int) -> list[Record]:
        """A round's steps, each with the `seconds_left` after it at the pace of the ten before; None at the first."""
        return self._all(_STEPS.format("training_steps WHERE round = ?"), round_number)

    def further_steps(self, after: float) -> list[Record]:
        """The same of the student that took a step last, if that was `after` and the student is no round's own."""
        if not self._further():
            return []
        newest = "SELECT student FROM further_steps WHERE at > ? ORDER BY at DESC LIMIT 1"
        return self._all(_STEPS.format(f"further_steps WHERE student = ({newest})"), after)

    def outcomes(self, student: str, split: str) -> list[Outcome]:
        """Per-item outcomes of a student on a split, by item id."""
        found = self._all("SELECT * FROM outcomes WHERE student = ? AND split = ? ORDER BY item_id", student, split)
        return [Outcome(o["item_id"], o["answer"], o["score"], o["skill"]) for o in found]

    def scored(self) -> list[tuple[str, str]]:
        """The (student, split) pairs that have outcomes."""
        found = self._all("SELECT student, split FROM outcomes GROUP BY student, split ORDER BY min(at)")
        return [(o["student"], o["split"]) for o in found]

    def answer_times(self) -> list[Record]:
        """By student and split: `n` outcomes, when the `first` and the `last` was written, `later` ones than the first.

        Outcomes that were written together have the same time.
        """
        return self._all(
            "SELECT student, split, count(*) AS n, first, max(at) AS last, sum(at > first) AS later FROM"
            " (SELECT student, split, at, min(at) OVER (PARTITION BY student, split) AS first FROM outcomes)"
            " GROUP BY student, split"
        )

    def training_times(self) -> dict[int, Record]:
        """By round: its `steps`, when the `first` and the `last` was taken, and their numbers `begun` and `step`."""
        found = self._all(
            "SELECT round, max(steps) AS steps, min(at) AS first, max(at) AS last, min(step) AS begun,"
            " max(step) AS step FROM training_steps GROUP BY round"
        )
        return {one["round"]: one for one in found}

    def further_times(self) -> dict[str, Record]:
        """The same by student, for those that are no round's own, with the `round` that they repeat."""
        if not self._further():
            return {}
        found = self._all(
            "SELECT student, max(round) AS round, max(steps) AS steps, min(at) AS first, max(at) AS last,"
            " min(step) AS begun, max(step) AS step FROM further_steps GROUP BY student"
        )
        return {one["student"]: one for one in found}

    def _further(self) -> list[str]:
        """The table with the steps of students that are no round's own; earlier versions' journals have none."""
        name = "further_steps"
        return [name] if self._one("SELECT 1 FROM sqlite_master WHERE name = ?", name) else []

    # -- plumbing ----------------------------------------------------------------------------

    def _all(self, sql: str, *values: object) -> list[Record]:
        try:
            return [_decode(row) for row in self._db.execute(sql, values)]
        except sqlite3.DatabaseError as error:  # not a database, or damaged, or gone while it was read
            if says_full(error):
                raise DiskFullError(self.folder / DATABASE) from error
            where = f"{DATABASE} of {self.folder.name} cannot be read: {error}"
            raise JournalError(where, "put a copy of the run's folder in its place, or move the folder away") from error

    def _one(self, sql: str, *values: object) -> Record | None:
        return next(iter(self._all(sql, *values)), None)


_STEPS = (
    "SELECT *, (steps - step) * (at - first_value(at) OVER recent) / (step - first_value(step) OVER recent)"
    " AS seconds_left FROM {} WINDOW recent AS (ORDER BY step ROWS 10 PRECEDING) ORDER BY step"
)


def says_full(error: sqlite3.Error) -> bool:
    """Whether there was no room; SQLite has a word of its own where its shared memory file has none."""
    return "full" in str(error) or error.sqlite_errorname == "SQLITE_IOERR_SHMSIZE"


_JSON_COLUMNS = {"data", "plan", "request", "calls", "meta", "row_ids"}


def _decode(row: sqlite3.Row) -> Record:
    return {
        key: json.loads(row[key]) if key in _JSON_COLUMNS and isinstance(row[key], str) else row[key]
        for key in row.keys()  # noqa: SIM118 - a sqlite3.Row iterates over its values
    }


def _as_row(record: Record) -> Row:
    return Row(record["input"], record["output"], record["skill"], tuple(record["calls"]), record["meta"])
