"""Verdicts that wait until a person opens them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tui.state import RunLine

if TYPE_CHECKING:
    from toolkit.journal import JournalReader
    from toolkit.run import RunSummary


class VerdictsDoor:
    """What the screens ask before they show what an exam found. Every method may block."""

    def was_read(self, reader: JournalReader) -> bool:
        """Whether a person has opened the run's verdict, here or with `schoolhouse show`."""
        from toolkit.run.unread import was_read

        return reader.folder.resolve() in self._opened() or was_read(reader)

    def keep_read(self, folder: Path) -> None:
        """Note that a person has opened it; where nothing can be written, for as long as this program is open."""
        from toolkit.journal import JournalReader
        from toolkit.run.unread import keep_read

        self._opened().add(folder.resolve())
        with closing(JournalReader(folder)) as reader:
            keep_read(reader)

    def unread_among(self, folders: Sequence[Path]) -> tuple[Path, ...]:
        """Those that sat their exam and whose verdict nobody has opened; of one alone, of all arms of its series."""
        from toolkit.journal import JournalReader
        from toolkit.run import Run
        from toolkit.run.arms import siblings
        from toolkit.types import exam_was_sat

        if len(folders) == 1:
            folders = [run.folder for run in siblings(Run(folders[0])).values()] or folders
        found = []
        for folder in folders:
            with closing(JournalReader(folder)) as reader:
                if exam_was_sat(reader.meta("verdict")) and not self.was_read(reader):
                    found.append(folder)
        return tuple(found)

    def _line(self, found: RunSummary) -> RunLine:
        unread = found.unread and found.folder.resolve() not in self._opened()
        return RunLine(found.name, found.folder, found.recipe, found.status, found.started, found.best, unread)

    def _opened(self) -> set[Path]:
        """The folders of verdicts that were opened since this program began."""
        found: set[Path] = self.__dict__.setdefault("_verdicts", set())
        return found
