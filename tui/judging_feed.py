"""What lies on a run's labelling desk, read by the feed's thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from tui.feed import file_stamp
from tui.judging import Desk
from tui.runs import Runs

if TYPE_CHECKING:
    from toolkit.journal import JournalReader

SECONDS = 1.0
LABELS = "judge.jsonl"


class DeskNews(Message):
    """The desk as it now is."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk


class DeskSource:
    """A run's desk; news when the journal, the labels or the run's status changed."""

    seconds = SECONDS

    def __init__(self, runs: Runs, folder: Path) -> None:
        self._runs, self._folder = runs, folder
        self._reader: JournalReader | None = None
        self._seen: object = None
        self._shown: Desk | None = None

    def look(self) -> Message | None:
        status = self._runs.status(self._folder)
        seen = (file_stamp(self._folder), _stamp(self._folder / LABELS), status)
        if seen == self._seen:
            return None
        from toolkit.journal import JournalReader

        self._reader = self._reader or JournalReader(self._folder)
        desk = self._runs.desk(self._reader, status)
        self._seen = seen
        if desk == self._shown:
            return None
        self._shown = desk
        return DeskNews(desk)

    def close(self) -> None:
        self._seen = self._shown = None
        if self._reader:
            self._reader.close()
            self._reader = None


def _stamp(path: Path) -> tuple[int, int]:
    if not path.exists():
        return 0, 0
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size
