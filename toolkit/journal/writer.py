"""The one writer of a run's journal."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from toolkit.errors import DiskFullError, JournalError
from toolkit.journal.reader import DATABASE, JournalReader, says_full
from toolkit.journal.schema import ADDED, TABLES, VERSION
from toolkit.types import Completion, Json, Operation, Outcome, Request, Row

MOST_VERIFIED = 2_000
"""Characters kept of each text that was verified."""


def _create(path: Path, first: Mapping[str, Json]) -> None:
    """Write tables and first meta under another name: a reader, or a kill, never leaves a journal without them."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(temporary)) as database:
            database.executescript(TABLES)
            with database:
                database.executemany("INSERT INTO meta VALUES (?, ?)", [(key, _json(first[key])) for key in first])
        temporary.replace(path)
    except sqlite3.OperationalError as error:
        if says_full(error):
            raise DiskFullError(path) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


class Journal(JournalReader):
    """Writes and reads a run's journal; holds the run's lock while it is open.

    Every write is durable when its method returns (`synchronous=FULL`). Writes are
    idempotent by key, so a killed run can be carried out again from its start.
    """

    def __init__(self, folder: Path, first: Mapping[str, Json] | None = None) -> None:
        """Open the journal of a folder, or make it with `first` as its meta. Raises JournalError."""
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "run.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise JournalError(
                f"{folder} is being worked on by another process", f"schoolhouse show {folder.name}"
            ) from None
        self.folder = folder
        try:
            self._open(first or {})
        except BaseException:
            with suppress(AttributeError):  # not connected yet
                self._db.close()
            self._lock.release()
            raise

    def _open(self, first: Mapping[str, Json]) -> None:
        path = self.folder / DATABASE
        if not path.exists():
            _create(path, {**first, "journal_version": VERSION})
        self._db = sqlite3.connect(path, timeout=30, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        with self._full_disk_said():
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
        found = self.meta("journal_version", VERSION)
        if found != VERSION:
            message = f"{self.folder} was written by journal version {found}, this is {VERSION}"
            raise JournalError(message, "start a new run")
        for statement in ADDED:
            self._write(statement)

    def close(self) -> None:
        super().close()
        self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the run as a whole ------------------------------------------------------------------

    def set_meta(self, key: str, value: Json) -> None:
        self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, _json(value))

    def event(self, kind: str, round: int | None = None, /, **data: Json) -> None:
        """Note that something happened; `kind` is one lower-case word."""
        self._write(
            "INSERT INTO events (at, kind, round, data) VALUES (?, ?, ?, ?)",
            time.time(),
            kind,
            round,
            _json(data),
        )

    @contextmanager
    def stage(self, name: str, round: int | None = None) -> Iterator[None]:
        """Time a stage. A stage that a crash left open is closed by `close_open_stages`."""
        cursor = self._write("INSERT INTO stages (name, round, started) VALUES (?, ?, ?)", name, round, time.time())
        try:
            yield
        finally:
            self._write("UPDATE stages SET ended = ? WHERE id = ?", time.time(), cursor.lastrowid)

    def close_open_stages(self) -> None:
        """After a crash: stages end when the last sign of life was written."""
        self._write("UPDATE stages SET ended = max(started, ?) WHERE ended IS NULL", self.last_activity())

    def memory(self, peak_bytes: int) -> None:
        """Note the peak memory of the stages that are going on."""
        self._write(
            "UPDATE stages SET peak_memory_bytes = max(coalesce(peak_memory_bytes, 0), ?) WHERE ended IS NULL",
            peak_bytes,
        )

    def note(self, number: int, text: str) -> bool:
        """Keep what a person asked for; `number` is when, in nanoseconds. False when it is known already."""
        cursor = self._write("INSERT OR IGNORE INTO notes VALUES (?, ?, ?)", number, number / 1e9, text)
        return cursor.rowcount > 0

    def opened(self, split: str, reason: str) -> None:
        """Note that sealed items were read. Called before they are."""
        self._write("INSERT INTO openings (at, split, reason) VALUES (?, ?, ?)", time.time(), split, reason)

    def artifact(self, path: str, kind: str, sha256: str, round: int | None = None) -> None:
        self._write("INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?)", path, kind, round, sha256, time.time())

    # -- attempts, calls, rows ---------------------------------------------------------------

    def attempt(
        self, number: int, *, operation: Operation, program: str, plan: Json, parent: int | None = None
    ) -> None:
        """Begin an attempt; begun again after a crash it stays as it was."""
        self._write(
            "INSERT OR IGNORE INTO attempts (id, parent, operation, program, plan, status, started)"
            " VALUES (?, ?, ?, ?, ?, 'running', ?)",
            number,
            parent,
            operation,
            program,
            _json(plan),
            time.time(),
        )

    def end_attempt(self, number: int, status: str, error_class: str = "", error: str = "") -> None:
        self._write(
            "UPDATE attempts SET status = ?, error_class = ?, error = ?, ended = ? WHERE id = ?",
            status,
            error_class or None,
            error or None,
            time.time(),
            number,
        )

    def drop_rows(self, attempt: int, reason: str) -> None:
        """Turn away the valid rows of an attempt that failed as a whole; who reads what is new meets them again."""
        sql = "UPDATE rows SET status = 'rejected', reason = ?, at = ? WHERE attempt = ? AND status = 'accepted'"
        self._write(sql, reason, time.time(), attempt)

    def call(self, request: Request, reply: Completion, *, role: str, model: str, attempt: int | None = None) -> None:
        self.calls_answered([(request, reply)], role=role, model=model, attempt=attempt)

    def calls_answered(
        self, answered: Sequence[tuple[Request, Completion]], *, role: str, model: str, attempt: int | None = None
    ) -> None:
        """Write replies that came together in one transaction: one wait for the disk."""
        now = time.time()
        with self._full_disk_said(), self._db:
            self._db.executemany(
                "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        request.hash,
                        role,
                        model,
                        attempt,
                        _json(request.to_json()),
                        reply.text,
                        reply.finish_reason,
                        reply.prompt_tokens,
                        reply.completion_tokens,
                        reply.cached_tokens,
                        reply.backend_id,
                        reply.seconds,
                        now,
                    )
                    for request, reply in answered
                ],
            )

    def row(
        self,
        attempt: int,
        seq: int,
        row: Row,
        *,
        status: str = "accepted",
        reason: str = "",
        detail: str = "",
    ) -> None:
        """The `seq`-th row that an attempt submitted, with the verdict of the checks."""
        self._write(
            "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            attempt,
            seq,
            row.id,
            row.input,
            row.output,
            row.skill,
            _json(list(row.calls)),
            _json(dict(row.meta)),
            status,
            reason,
            detail,
            time.time(),
        )

    def verified(
        self, key: str, attempt: int, kind: str, texts: Sequence[str], *, agrees: bool, seconds: float
    ) -> None:
        """What a data program had verified; `texts`: the answer, the expected one, and what else the scorer had."""
        answer, expected, more = (text[:MOST_VERIFIED] for text in texts)
        self._write(
            "INSERT OR IGNORE INTO verifications VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            key,
            attempt,
            kind,
            answer,
            expected,
            more,
            agrees,
            seconds,
            time.time(),
        )

    # -- rounds, training, outcomes ----------------------------------------------------------

    def round(self, number: int, *, attempt: int, arm: str, row_ids: Sequence[str]) -> None:
        self._write(
            "INSERT OR IGNORE INTO rounds (number, attempt, arm, row_ids, started) VALUES (?, ?, ?, ?, ?)",
            number,
            attempt,
            arm,
            _json(list(row_ids)),
            time.time(),
        )

    def round_adapter(self, number: int, adapter: str) -> None:
        self._write("UPDATE rounds SET adapter = ? WHERE number = ?", adapter, number)

    def end_round(self, number: int, decision: str, reason: str) -> None:
        self._write(
            "UPDATE rounds SET decision = ?, reason = ?, ended = ? WHERE number = ?",
            decision,
            reason,
            time.time(),
            number,
        )

    def training_step(
        self, round: int, step: int, *, steps: int, loss: float, lr: float, tokens_per_second: float
    ) -> None:
        figures = {"step": step, "loss": loss, "lr": lr, "tokens_per_second": tokens_per_second}
        self.steps_of(round, [figures], steps=steps)

    def steps_of(
        self, round: int, taken: Sequence[Mapping[str, float]], *, steps: int, student: str | None = None
    ) -> None:
        """Write steps that were told of together, each with its `step`, `loss`, `lr`, `tokens_per_second`, in one
        transaction; `ago` is how many seconds ago it was, if it was not now.

        Args:
            student: whose they are, when it is not the round's own.
        """
        now, names = time.time(), ("loss", "lr", "tokens_per_second")
        whose = (round,) if student is None else (student, round)
        table = "training_steps" if student is None else "further_steps"
        with self._full_disk_said(), self._db:
            self._db.executemany(
                f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * (len(whose) + 6))})",
                [
                    (*whose, int(one["step"]), steps, *(float(one[name]) for name in names), now - one.get("ago", 0.0))
                    for one in taken
                ],
            )

    def outcomes_of(self, student: str, split: str, outcomes: Sequence[Outcome]) -> None:
        """Write a batch of outcomes in one transaction."""
        now = time.time()
        with self._full_disk_said(), self._db:
            self._db.executemany(
                "INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(student, split, o.item_id, o.answer, o.score, o.skill, now) for o in outcomes],
            )

    def _write(self, sql: str, *values: object) -> sqlite3.Cursor:
        with self._full_disk_said(), self._db:
            return self._db.execute(sql, values)

    @contextmanager
    def _full_disk_said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if says_full(error):
                raise JournalError(
                    f"the disk that holds {self.folder} is full; everything up to here is kept",
                    f"free some space, then `schoolhouse resume {self.folder.name}`",
                ) from error
            raise
