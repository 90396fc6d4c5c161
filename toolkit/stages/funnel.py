"""What became of the questions to a teacher: asked, answered, of use, rows, valid, unique, trained."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from toolkit.journal import GIVEN, JournalReader
from toolkit.journal.reader import Record
from toolkit.models.reading import read
from toolkit.types import Completion, Request

REPEATED = ("duplicate", "near_duplicate", "same_meaning")


@dataclass(frozen=True, slots=True)
class Funnel:
    """Counts over a run. `problems` is why replies were of no use.

    Args:
        asked: different questions; what is asked and not answered is pending, or was when the run was killed.
        rows: submitted by data programs, from all replies.
        valid: rows that no check but that for repetition turned away; `unique` are those it did not.
        trained: different rows that some round was trained on.
    """

    asked: int
    answered: int
    usable: int
    rows: int
    valid: int
    unique: int
    trained: int
    problems: dict[str, int] = field(default_factory=dict)

    def words(self) -> str:
        """The funnel in a line."""
        reasons = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in self.problems.items())
        lost = f" ({reasons})" if reasons else ""
        return (
            f"teacher: {self.asked} asked, {self.answered} answered, {self.usable} of use{lost}"
            f" → {self.rows} rows → {self.valid} valid → {self.unique} unique → {self.trained} trained"
        )


def funnel(journal: JournalReader) -> Funnel:
    """The funnel of a run, read from its journal."""
    return GrowingFunnel().look(journal, journal.row_counts(), journal.rounds())


class GrowingFunnel:
    """The funnel of a run that goes on: each look reads only the replies that came since the last one."""

    def __init__(self) -> None:
        self._place = self._answered = self._event = 0
        self._asked: set[str] = set()
        self._problems: Counter[str] = Counter()
        self._rounds: list[int] = []
        self._trained = 0
        self.behind = False
        """Whether replies are left that no look has read."""

    def look(self, journal: JournalReader, counts: Record, rounds: Sequence[Record], most: float = math.inf) -> Funnel:
        """The funnel as it is now; `counts` and `rounds` are what the journal's `row_counts` and `rounds` gave.

        Args:
            most: about so many replies are read; the next look goes on there.
        """
        self._read_questions(journal)
        self._read_replies(journal, self._answered + most)
        self._count_trained(journal, [found for found in rounds if found["adapter"]])
        repeated = sum(counts["rejected"].get(reason, 0) for reason in REPEATED)
        return Funnel(
            asked=max(len(self._asked), self._answered),  # older journals have no word of asking
            answered=self._answered,
            usable=self._answered - self._problems.total(),
            rows=counts["accepted"] + sum(counts["rejected"].values()),
            valid=counts["accepted"] + repeated,
            unique=counts["accepted"],
            trained=self._trained,
            problems=dict(self._problems.most_common()),
        )

    def _read_questions(self, journal: JournalReader) -> None:
        for found in journal.asked(after=self._event):
            self._event = found["id"]
            self._asked.update(found["data"]["requests"])

    def _read_replies(self, journal: JournalReader, enough: float) -> None:
        while (replies := journal.replies(after=self._place)) and self._answered < enough:
            self._place = replies[-1]["place"]
            self._answered += len(replies)
            self._problems.update(filter(None, map(_problem, replies)))
        self.behind = bool(replies)

    def _count_trained(self, journal: JournalReader, rounds: Sequence[Record]) -> None:
        """Anew only when another round was trained."""
        if (numbers := [found["number"] for found in rounds]) != self._rounds:
            self._rounds = numbers
            given = {row["id"] for row in journal.rows(attempt=GIVEN)}
            self._trained = len({row for found in rounds for row in found["row_ids"]} - given)


def _problem(reply: Record) -> str:
    schema = json.loads(reply["schema"]) if reply["schema"] else None
    return read(Request((), schema=schema), Completion(reply["text"], reply["finish_reason"], 0, 0)).problem
