"""The one thread that reads journals. Screens say what to look at and get messages; they never read."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from textual.message import Message
from textual.message_pump import MessagePump

from toolkit.errors import SchoolhouseError
from toolkit.types import exam_was_sat
from tui.runs import Runs
from tui.state import SAMPLES_KEPT, News, Record, RunLine, Status, Yield

if TYPE_CHECKING:
    from toolkit.journal import JournalReader
    from toolkit.stages.funnel import GrowingFunnel

RUN_SECONDS = 0.3
RUNS_SECONDS = 2.0
CALLS_FOR_PACE = 12
REPLIES_A_LOOK = 2000
"""Of a long run's replies: the screen opens before all of them were read."""
LOOKS_PER_STATUS = 5
LOOKS_PER_LIST = 15
QUEUE_LIMIT = 8
STEERING, APPROVAL = "steering", "approval"
"""Folders of a run in which notes and plans wait."""
LAST_ROUND = "last-round"
"""A file of a run: a person wants no round after the one under way."""


class RunsListed(Message):
    """The list of runs, the live ones first."""

    def __init__(self, runs: list[RunLine]) -> None:
        super().__init__()
        self.runs = runs


class RunNews(Message):
    """Something happened in the run that is looked at."""

    def __init__(self, news: News) -> None:
        super().__init__()
        self.news = news


class FeedFailed(Message):
    """The last look did not work; the next one may."""

    def __init__(self, error: str) -> None:
        super().__init__()
        self.error = error


class Source(Protocol):
    """Something to look at every `seconds`. `look` returns None when there is nothing new."""

    seconds: float

    def look(self) -> Message | None: ...
    def close(self) -> None: ...


class RunsSource:
    """The list of runs; news when it changed, and now and then because ages go on."""

    seconds = RUNS_SECONDS

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._shown: list[RunLine] | None = None
        self._looks = 0

    def look(self) -> Message | None:
        found = self._runs.runs()
        self._looks += 1
        if found == self._shown and self._looks % LOOKS_PER_LIST:
            return None
        self._shown = found
        return RunsListed(found)

    def close(self) -> None:
        self._shown = None


class RunSource:
    """One run's journal, read from where the last look ended."""

    seconds = RUN_SECONDS

    def __init__(self, runs: Runs, folder: Path) -> None:
        self._runs, self._folder = runs, folder
        self._reader: JournalReader | None = None
        self._stamp: Stamp = ()
        self._looks = 0
        self._status: Status = "paused"
        self._event = 0
        self._row_at = 0.0
        self._call = 0
        self._counts: Record = {}
        self._totals: Counter[str] = Counter()
        self._funnel: GrowingFunnel | None = None
        self._unread = False

    def look(self) -> Message | None:
        stamp, status = file_stamp(self._folder), self._status
        if self._looks % LOOKS_PER_STATUS == 0 or stamp != self._stamp:
            status = self._runs.status(self._folder)
        self._looks += 1
        behind = self._funnel is not None and self._funnel.behind
        opened = self._unread and self._reader is not None and self._runs.was_read(self._reader)
        if stamp == self._stamp and status == self._status and not behind and not opened:
            return None
        news = self._read(status)
        self._stamp, self._status = stamp, status  # only now: a look that failed is repeated
        return RunNews(news)

    def close(self) -> None:
        if self._unread:
            self._stamp = ()  # while one looks elsewhere the verdict may be opened: that writes nothing here
        if self._reader:
            self._reader.close()
            self._reader = None

    def _read(self, status: Status) -> News:
        from toolkit.journal import JournalReader  # imported here: the first frame does without it

        first = self._reader is None
        self._reader = reader = self._reader or JournalReader(self._folder)
        events, rounds = _all_events(reader, self._event), reader.rounds()
        rows = reader.newest_rows(SAMPLES_KEPT, after=self._row_at)
        if rows or first:
            self._counts = reader.row_counts()
        self._count_calls(reader)
        news = News(
            status=status,
            events=events,
            stages=reader.stages(),
            rows=rows,
            counts=self._counts,
            totals=dict(self._totals),
            recent_calls=reader.calls(limit=CALLS_FOR_PACE),
            steps=_newest_steps(reader, rounds),
            verdict=reader.meta("verdict"),
            read=self._runs.was_read(reader),
            limits=self._runs.limits(reader) if first else None,
            attempts=[(record["id"], record["started"]) for record in reader.attempts()],
            notes_left=_texts(self._folder / STEERING),
            waiting=self._waiting() if status == "paused" else (),
            gained=self._gained(reader, self._counts, rounds),
            last_round=(self._folder / LAST_ROUND).exists(),
        )
        self._unread = exam_was_sat(news.verdict) and not news.read
        self._event = max((event["id"] for event in events), default=self._event)
        self._row_at = max((row["at"] for row in rows), default=self._row_at)
        return news

    def _count_calls(self, reader: JournalReader) -> None:
        """Add the calls that came since the last look: there may be 50,000, and none of them changes."""
        new = reader.call_totals(after=self._call)
        self._call = new["place"]
        self._totals.update({name: new[name] for name in ("calls", "completion_tokens")})

    def _gained(self, reader: JournalReader, counts: Record, rounds: list[Record]) -> Yield:
        from toolkit.stages.funnel import GrowingFunnel

        self._funnel = self._funnel or GrowingFunnel()
        found = self._funnel.look(reader, counts, rounds, REPLIES_A_LOOK)
        return Yield(found.asked, found.answered, found.usable, found.rows, found.valid, found.unique, found.trained)

    def _waiting(self) -> list[Path]:
        found = sorted((self._folder / APPROVAL).glob("attempt-*"))
        return [path for path in found if path.suffix in (".py", ".yaml")]


Stamp = tuple[tuple[int, int], ...]


def file_stamp(folder: Path) -> Stamp:
    """Changes with every write to a journal: SQLite appends to the WAL, or writes the WAL's pages back.

    It changes too when a note is left, or a file comes to wait for approval.
    """
    from toolkit.journal import DATABASE

    stats = []
    for path in (
        folder / DATABASE,
        folder / f"{DATABASE}-wal",
        folder / STEERING,
        folder / APPROVAL,
        folder / LAST_ROUND,
    ):
        if path.exists():
            stat = path.stat()
            stats.append((stat.st_mtime_ns, stat.st_size))
    return tuple(stats)


def _texts(folder: Path) -> list[str]:
    """The notes that lie in a folder; one that the worker takes meanwhile is left out."""
    texts = []
    for path in sorted(folder.glob("*.txt")):
        with suppress(FileNotFoundError):
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
    return texts


def _all_events(reader: JournalReader, after: int) -> list[Record]:
    events: list[Record] = []
    while found := reader.events(after=after):
        events += found
        after = found[-1]["id"]
    return events


def _newest_steps(reader: JournalReader, rounds: list[Record]) -> list[Record]:
    for record in reversed(rounds):
        if steps := reader.training_steps(record["number"]):
            return steps
    return []


def _words(error: Exception) -> str:
    if isinstance(error, SchoolhouseError):
        return f"{error.message}  Fix: {error.fix}" if error.fix else error.message
    return f"{type(error).__name__}: {error}"


class Feed:
    """Looks at one source at a time and posts what it finds to the screen that asked."""

    def __init__(self) -> None:
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._receiver: MessagePump | None = None

    def follow(self, source: Source, receiver: MessagePump) -> None:
        """From now on look at `source` for `receiver`. Returns at once."""
        with self._lock:
            self._source, self._receiver = source, receiver
        self._changed.set()

    def work(self, is_cancelled: Callable[[], bool]) -> None:
        """The thread's body: look, post, wait; until cancelled."""
        current: Source | None = None
        while not is_cancelled():
            self._changed.clear()
            with self._lock:
                source, receiver = self._source, self._receiver
            if current is not None and source is not current:
                current.close()
            current = source
            if source and receiver and receiver.message_queue_size < QUEUE_LIMIT:
                self._post(source, receiver)
            self._wait(source.seconds if source else RUN_SECONDS, is_cancelled)
        if current is not None:
            current.close()

    def _post(self, source: Source, receiver: MessagePump) -> None:
        try:
            message = source.look()
        except Exception as error:  # the thread must live on: a folder may vanish and come back
            message = FeedFailed(_words(error))
        if message and self._receiver is receiver:
            receiver.post_message(message)

    def _wait(self, seconds: float, is_cancelled: Callable[[], bool]) -> None:
        """Wait in short steps, so that a new source or the end of the app is noticed."""
        while seconds > 0 and not is_cancelled():
            if self._changed.wait(min(seconds, RUN_SECONDS)):
                return
            seconds -= RUN_SECONDS
