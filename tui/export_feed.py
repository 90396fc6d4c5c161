"""A run's exports, looked at by the feed's thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from tui.exporting import Exports
from tui.runs import Runs

if TYPE_CHECKING:
    from toolkit.journal import JournalReader

SECONDS = 0.5


class ExportNews(Message):
    """The exports as they now are."""

    def __init__(self, exports: Exports) -> None:
        super().__init__()
        self.exports = exports


class ExportSource:
    """News when anything about a run's exports changed."""

    seconds = SECONDS

    def __init__(self, runs: Runs, folder: Path) -> None:
        self._runs, self._folder = runs, folder
        self._reader: JournalReader | None = None
        self._shown: Exports | None = None

    def look(self) -> Message | None:
        from toolkit.journal import JournalReader

        self._reader = self._reader or JournalReader(self._folder)
        found = self._runs.exports(self._reader, self._runs.status(self._folder))
        if found == self._shown:
            return None
        self._shown = found
        return ExportNews(found)

    def close(self) -> None:
        self._shown = None
        if self._reader:
            self._reader.close()
            self._reader = None
