"""What a run's rows may be filtered by, read from a journal by the feed's thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from tui.feed import file_stamp
from tui.rows import Facets
from tui.runs import Runs

if TYPE_CHECKING:
    from toolkit.journal import JournalReader

SECONDS = 1.0


class FacetsNews(Message):
    """What there is to filter by now."""

    def __init__(self, facets: Facets) -> None:
        super().__init__()
        self.facets = facets


class RowsSource:
    """A run's rows; news when their number, the decisions or the run's status changed."""

    seconds = SECONDS

    def __init__(self, runs: Runs, folder: Path) -> None:
        self._runs, self._folder = runs, folder
        self._reader: JournalReader | None = None
        self._seen: object = None
        self._facets: Facets | None = None

    def look(self) -> Message | None:
        seen = (file_stamp(self._folder), _stamp(self._folder / "decisions"), self._runs.status(self._folder))
        if seen == self._seen:
            return None
        from toolkit.journal import JournalReader

        self._reader = self._reader or JournalReader(self._folder)
        facets = self._runs.facets(self._reader, seen[2])
        self._seen = seen
        if facets == self._facets:
            return None
        self._facets = facets
        return FacetsNews(facets)

    def close(self) -> None:
        self._seen = self._facets = None
        if self._reader:
            self._reader.close()
            self._reader = None


def _stamp(folder: Path) -> int:
    return folder.stat().st_mtime_ns if folder.exists() else 0
