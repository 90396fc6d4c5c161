"""The tree of attempts, read from a journal by the feed's thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from tui.attempts import Tree, in_tree
from tui.feed import file_stamp
from tui.runs import Runs
from tui.state import Record, Status

if TYPE_CHECKING:
    from toolkit.journal import JournalReader

SECONDS = 1.0
NOT_PLANNED = ("changes", "problem", "dropped")
"""Keys of a journaled plan that say how it came to be; they are shown elsewhere."""


class AttemptsNews(Message):
    """The tree as it now is."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree


class AttemptsSource:
    """A run's attempts; news when the journal or the run's status changed."""

    seconds = SECONDS

    def __init__(self, runs: Runs, folder: Path) -> None:
        self._runs, self._folder = runs, folder
        self._reader: JournalReader | None = None
        self._seen: object = None
        self._plans: dict[int, str] = {}

    def look(self) -> Message | None:
        stamp, status = file_stamp(self._folder), self._runs.status(self._folder)
        if (stamp, status) == self._seen:
            return None
        tree = self._read(status)
        self._seen = (stamp, status)
        return AttemptsNews(tree)

    def close(self) -> None:
        self._seen = None
        if self._reader:
            self._reader.close()
            self._reader = None

    def _read(self, status: Status) -> Tree:
        from toolkit.engineer.tree import failures, mats
        from toolkit.journal import JournalReader

        self._reader = reader = self._reader or JournalReader(self._folder)
        records = reader.attempts()
        for record in records:  # an attempt's plan never changes
            if record["id"] not in self._plans:
                self._plans[record["id"]] = _plan_text(record)
        attempts = in_tree(records, reader.rounds(), reader.attempt_counts(), self._plans)
        return Tree(status, attempts, mats(records), tuple(failures(records).items()))


def _plan_text(record: Record) -> str:
    from toolkit.recipe.yaml_text import dump

    shown = {key: value for key, value in record["plan"].items() if key not in NOT_PLANNED}
    return dump(shown) if shown else ""
