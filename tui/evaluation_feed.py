"""A split's answers, read from a journal by the feed's thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from tui.evaluation import Evaluation
from tui.feed import file_stamp
from tui.runs import Runs

if TYPE_CHECKING:
    from toolkit.journal import JournalReader

SECONDS = 1.0


class EvaluationNews(Message):
    """The split as it now is."""

    def __init__(self, evaluation: Evaluation) -> None:
        super().__init__()
        self.evaluation = evaluation


class EvaluationSource:
    """A run's answers on one split; news when the journal or the run's status changed."""

    seconds = SECONDS

    def __init__(self, runs: Runs, folder: Path, split: str) -> None:
        self._runs, self._folder, self._split = runs, folder, split
        self._reader: JournalReader | None = None
        self._seen: object = None
        self._shown: Evaluation | None = None

    def look(self) -> Message | None:
        stamp, status = file_stamp(self._folder), self._runs.status(self._folder)
        if (stamp, status) == self._seen:
            return None
        from toolkit.journal import JournalReader

        self._reader = self._reader or JournalReader(self._folder)
        found = self._runs.evaluation(self._reader, status, self._split)
        self._seen = (stamp, status)
        if found == self._shown:
            return None
        self._shown = found
        return EvaluationNews(found)

    def close(self) -> None:
        self._seen = self._shown = None
        if self._reader:
            self._reader.close()
            self._reader = None
