"""What became of a teacher's replies: answered, of use, rows, valid, unique, trained."""

from __future__ import annotations

from collections import Counter
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
        rows: submitted by data programs, from all replies.
        valid: rows that no check but that for repetition turned away; `unique` are those it did not.
        trained: different rows that some round was trained on.
    """

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
            f"replies: {self.answered} answered, {self.usable} of use{lost} → {self.rows} rows → {self.valid} valid"
            f" → {self.unique} unique → {self.trained} trained"
        )


def funnel(journal: JournalReader) -> Funnel:
    """The funnel of a run, read from its journal."""
    calls = [call for call in journal.calls(limit=-1) if call["role"] == "teacher"]
    problems = Counter(problem for call in calls if (problem := _problem(call)))
    counts = journal.row_counts()
    repeated = sum(counts["rejected"].get(reason, 0) for reason in REPEATED)
    given = {row["id"] for row in journal.rows(attempt=GIVEN)}
    trained = {row for found in journal.rounds() if found["adapter"] for row in found["row_ids"]} - given
    return Funnel(
        answered=len(calls),
        usable=len(calls) - problems.total(),
        rows=counts["accepted"] + sum(counts["rejected"].values()),
        valid=counts["accepted"] + repeated,
        unique=counts["accepted"],
        trained=len(trained),
        problems=dict(problems.most_common()),
    )


def _problem(call: Record) -> str:
    request = Request((), schema=call["request"].get("schema"))
    return read(request, Completion(call["text"], call["finish_reason"], 0, 0)).problem
