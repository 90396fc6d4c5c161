"""Replay: a recorded run's journal grows again, faster, in a folder of its own; the screens read it as any other.

Times are moved as if the run had begun now; pauses between two sittings are as short as everything else.
"""

from __future__ import annotations

import heapq
import json
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from toolkit.errors import SchoolhouseError
from tui.runs import Runs
from tui.state import RunLine, Status

if TYPE_CHECKING:
    from toolkit.journal import JournalReader

TICK = 0.1
MOST_AT_ONCE = 2000
"""Records written in one transaction; more wait for the next tick."""
SHOWN = ("public.jsonl", "gate.jsonl", "prepared.json", "private.fingerprints.json")
"""Files of a run's data that a replay needs. The sealed items stay where they are."""
LATER = ("verdict", "later_verdicts", "state", "worker", "ended", "sources")
"""Metadata that is known only at the end."""

Step = tuple[float, int, str, tuple[Any, ...]]
"""When, an order among equal times, what to do in SQL, with its values."""

GROWING = (
    "events", "calls", "rows", "training_steps", "further_steps", "outcomes", "notes", "openings", "artifacts",
)  # fmt: skip
ENDING = {
    "stages": ("id", ("ended", "peak_memory_bytes"), "started"),
    "attempts": ("id", ("status", "error_class", "error", "ended"), "started"),
    "rounds": ("number", ("adapter", "decision", "reason", "ended"), "started"),
}
"""Table -> its key, the columns that are known only at its end, and when it began."""


def steps(database: sqlite3.Connection) -> Iterator[Step]:
    """Everything that was written into a journal, in the order of its times; read as it is needed."""
    tables = [_growing(database, table) for table in GROWING]
    lasting = (_lasting(database, table, *ENDING[table]) for table in ENDING)
    return heapq.merge(*tables, *lasting, key=lambda step: step[:2])


def _growing(database: sqlite3.Connection, table: str) -> Iterator[Step]:
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        return  # a recording of an earlier version
    cursor = database.execute(f"SELECT * FROM {table} ORDER BY at, rowid")
    names = [column[0] for column in cursor.description]
    place = names.index("at")
    sql = f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(names))})"
    for row in cursor:
        yield row[place], 1, sql, row


def _lasting(
    database: sqlite3.Connection, table: str, key: str, known_later: tuple[str, ...], started: str
) -> Iterator[Step]:
    cursor = database.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    insert = f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(names))})"
    update = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in known_later)} WHERE {key} = ?"
    found: list[Step] = []
    for row in cursor:
        record = dict(zip(names, row, strict=True))
        begun = {**record, **dict.fromkeys(known_later), **({"status": "running"} if "status" in record else {})}
        found.append((record[started], 0, insert, tuple(begun.values())))
        if record["ended"] is not None:
            values = (*(record[name] for name in known_later), record[key])
            found.append((record["ended"], 2, update, values))
    yield from sorted(found, key=lambda step: step[:2])


class Player:
    """Writes a recorded run again, `speed` times as fast.

    Args:
        source: the recorded run's folder, which is only read.
        folder: where the replayed run is made.
    """

    def __init__(self, source: Path, folder: Path, speed: float) -> None:
        self.source, self.folder, self.speed = source, folder, speed
        self.finished = False
        self.playing = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._now = 0.0
        self._prepare()

    @property
    def now(self) -> float:
        """The time in the recording."""
        return self._now

    def start(self) -> None:
        self.playing.set()
        self._thread = threading.Thread(target=self._play, name="replay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self.playing.set()
        if self._thread:
            self._thread.join(timeout=5)

    # -- the copy ------------------------------------------------------------------------------

    def _prepare(self) -> None:
        from toolkit.journal import DATABASE
        from toolkit.journal.schema import TABLES

        self.folder.mkdir(parents=True)
        for name in SHOWN:
            if (self.source / "data" / name).is_file():
                (self.folder / "data").mkdir(exist_ok=True)
                shutil.copy(self.source / "data" / name, self.folder / "data" / name)
        with closing(_reading(self.source)) as old, closing(sqlite3.connect(self.folder / DATABASE)) as new:
            new.executescript(TABLES)
            new.execute("PRAGMA journal_mode = WAL")
            for key, value in old.execute("SELECT key, value FROM meta").fetchall():
                if key not in LATER:
                    new.execute("INSERT INTO meta VALUES (?, ?)", (key, value))
            new.execute("INSERT INTO meta VALUES ('state', ?)", (json.dumps("running"),))
            new.commit()
            first = next(steps(old), None)
        self._now = first[0] if first else time.time()

    def _play(self) -> None:
        from toolkit.journal import DATABASE

        with closing(_reading(self.source)) as old, closing(sqlite3.connect(self.folder / DATABASE)) as new:
            new.execute("PRAGMA synchronous = OFF")  # a replay that is lost is begun again
            waiting = steps(old)
            following = next(waiting, None)
            while following and not self._stop.is_set():
                began = time.monotonic()
                self.playing.wait()
                following = self._write_due(new, following, waiting)
                self._stop.wait(max(0.0, TICK - (time.monotonic() - began)))
                self._now += TICK * self.speed
            if not self._stop.is_set():
                self._end(old, new)

    def _write_due(self, new: sqlite3.Connection, following: Step | None, waiting: Iterator[Step]) -> Step | None:
        written = 0
        with new:
            while following and following[0] <= self._now and written < MOST_AT_ONCE:
                self._end_verdict(new, following)
                new.execute(following[2], following[3])
                following, written = next(waiting, None), written + 1
        if following and not written and following[0] > self._now + 60:
            self._now = following[0]  # nobody waits through a night between two sittings
        return following

    def _end_verdict(self, new: sqlite3.Connection, step: Step) -> None:
        """The verdict is known once its event is written."""
        if step[2].startswith("INSERT OR REPLACE INTO events") and "verdict" in step[3]:
            with closing(_reading(self.source)) as old:
                for key, value in old.execute("SELECT key, value FROM meta WHERE key IN ('verdict', 'sources')"):
                    new.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _end(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        with new:
            for key, value in old.execute("SELECT key, value FROM meta").fetchall():
                new.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
        self.finished = True


def _reading(folder: Path) -> sqlite3.Connection:
    from toolkit.journal import DATABASE

    path = (folder / DATABASE).resolve().as_uri()
    return sqlite3.connect(f"{path}?mode=ro", uri=True, check_same_thread=False)


class ReplayRuns(Runs):
    """The door to one run that is being replayed: it can be looked at, paused and gone on with, and nothing else."""

    def __init__(self, player: Player) -> None:
        self.player = player

    def now(self) -> float:
        return self.player.now

    def status(self, folder: Path) -> Status:
        if self.player.finished:
            return super().status(folder)
        return "running" if self.player.playing.is_set() else "paused"

    def runs(self) -> list[RunLine]:
        folder = self.player.folder
        return [RunLine(folder.name, folder, "a replay", self.status(folder), self.player.now, None)]

    def find(self, name: str) -> Path:
        return self.player.folder

    def was_read(self, reader: JournalReader) -> bool:
        """Each replay has its own moment: who read the recorded verdict does not count."""
        return reader.folder.resolve() in self._opened()

    def keep_read(self, folder: Path) -> None:
        self._opened().add(folder.resolve())

    def pause(self, folder: Path) -> None:
        self.player.playing.clear()

    def resume(self, folder: Path) -> None:
        self.player.playing.set()


def _refused(self: ReplayRuns, *_args: object, **_named: object) -> NoReturn:
    raise SchoolhouseError("this is a recording: it can be watched, not changed", "open the run itself: schoolhouse")


REFUSED = (
    "start", "steer", "approve", "end_after_round", "read", "save", "edit", "submit_draft", "decide", "row_text",
    "edit_row", "save_labels", "converse", "example_place", "example_preview", "add_example", "start_export",
    "stop_export",
)  # fmt: skip
"""What would be lost with the replay, or needs weights that are not in it. An editor does not even open."""
for name in REFUSED:
    setattr(ReplayRuns, name, _refused)


def replay(name: str, speed: float, show: Callable[[ReplayRuns, Path], None]) -> None:
    """Play the run `name` again while `show` has the screens. Raises JournalError when there is no such run."""
    if not 0 < speed <= 100_000:
        raise SchoolhouseError(f"a run cannot be replayed at speed {speed:g}", "write for example --speed 20")
    source = Runs().find(name)
    with tempfile.TemporaryDirectory(prefix="schoolhouse-replay-", ignore_cleanup_errors=True) as place:
        player = Player(source, Path(place) / source.name, speed)
        player.start()
        try:
            show(ReplayRuns(player), player.folder)
        finally:
            player.close()
