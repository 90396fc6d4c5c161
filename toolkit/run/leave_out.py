"""Train the best round again without a batch of its rows, to see what the batch was worth."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import JournalError, SchoolhouseError
from toolkit.evaluation.statistics import Paired, holm, in_words, paired
from toolkit.evaluation.verdict import SIGNIFICANCE
from toolkit.journal import Journal
from toolkit.run.lineage import TracedRow, measured, sources_of, trace
from toolkit.run.worker import recipe_of
from toolkit.stages.evaluate import sit, trained_sitting
from toolkit.stages.session import LEAVE_OUT, Session
from toolkit.stages.train import train_apart
from toolkit.types import SplitName, digest

EXAMPLES = '--leave-out "round=2", "attempt=3", "label=x", "style=y" or, to compare with, "random=24"'
CAVEAT = (
    "Public and gate items, one training with one seed, on fewer rows: how much a score moves by the seed alone is in "
    'the difference too (`train.seeds`). To compare with: --leave-out "random={count}".'
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Which rows to leave out: `key` is round, attempt, label, random, or a mark of the rows such as style."""

    key: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Batch:
        """Of `key=value`. Raises SchoolhouseError for anything else."""
        key, sign, value = (part.strip() for part in text.partition("="))
        numeric = key in ("round", "attempt", "random")
        if not sign or not key or not value or (numeric and not value.isdigit()):
            raise SchoolhouseError(f"{text!r} names no batch of rows", f"write {EXAMPLES}")
        return cls(key, value)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"

    def of(self, rows: Sequence[TracedRow]) -> set[str]:
        """The ids of the rows that are meant, among these."""
        if self.key == "random":
            ids = sorted(one.row.id for one in rows)
            return set(random.Random(0).sample(ids, min(int(self.value), len(ids))))
        return {one.row.id for one in rows if self._holds(one)}

    def _holds(self, one: TracedRow) -> bool:
        if self.key in ("round", "attempt"):
            return bool(getattr(one, self.key) == int(self.value))
        if self.key in ("label", "skill"):
            return self.value in (one.row.skill, one.row.output)
        return str(one.row.meta.get(self.key)) == self.value


def leave_out(folder: Path, text: str) -> dict[str, Any]:
    """Train, score on public and gate, compare with the whole round; what was found is kept with the run.

    Asked again for the same batch it trains nothing. Raises SchoolhouseError when no row, or every row, is of
    the batch; JournalError when no round was trained, or while another process works on the run.
    """
    batch = Batch.parse(text)
    with Journal(folder) as journal:
        record = best_record(journal)
        trained = [one for one in trace(journal) if record["number"] in one.trainings]
        without = _chosen(batch, trained, record["number"])
        journal.close_open_stages()
        session = Session(recipe_of(journal), folder, journal)
        try:
            return _carry_out(session, record, batch, trained, without)
        finally:
            session.close()


def best_record(journal: Journal) -> dict[str, Any]:
    """The round that sat the exam, or the newest accepted one, or the newest. Raises JournalError without one."""
    rounds = [found for found in journal.rounds() if found["adapter"] and found["decision"]]
    if not rounds:
        raise JournalError(
            f"{journal.folder.name} has no trained and scored round yet", f"schoolhouse resume {journal.folder.name}"
        )
    examined = (journal.meta("verdict") or {}).get("student")
    sat = [found for found in rounds if f"round-{found['number']}" == examined]
    accepted = [found for found in rounds if found["decision"] == "accepted"]
    return (sat or accepted or rounds)[-1]


def _chosen(batch: Batch, trained: Sequence[TracedRow], number: int) -> set[str]:
    found = batch.of(trained)
    if not found:
        marks = sorted({key for one in trained for key in one.row.meta})
        known = (
            f"rows of round {number} have rounds {_values(trained, 'round')}, attempts {_values(trained, 'attempt')}"
        )
        known += f", labels {', '.join(sorted({one.row.skill for one in trained}))}"
        known += f" and the marks {', '.join(marks)}" if marks else ""
        raise SchoolhouseError(f"no row that round {number} was trained on is of {batch}", f"{known}; write {EXAMPLES}")
    if len(found) == len(trained):
        message = f"all {len(trained)} rows of round {number} are of {batch}: nothing would be left to train on"
        raise SchoolhouseError(message, f"leave less out, for example {EXAMPLES}")
    return found


def _values(trained: Sequence[TracedRow], name: str) -> str:
    return ", ".join(str(value) for value in sorted({getattr(one, name) or 0 for one in trained}))


def _carry_out(
    session: Session, record: dict[str, Any], batch: Batch, trained: Sequence[TracedRow], without: set[str]
) -> dict[str, Any]:
    number, whole = record["number"], f"round-{record['number']}"
    student = f"{whole}-without-{_slug(batch)}-{digest(sorted(without))[:6]}"
    rows = {one.row.id: one.row for one in trained}
    kept = [rows[row_id] for row_id in record["row_ids"] if row_id in rows and row_id not in without]
    session.journal.event("log", text=f"round {number} is trained again without {batch}, {len(without)} rows")
    adapter = train_apart(session, number, student, kept)
    splits: list[tuple[SplitName, Any]] = [("public", session.data.public), ("gate", session.data.gate)]
    with session.stage(LEAVE_OUT, number):
        sit(session, [trained_sitting(session, student, split, items) for split, items in splits], adapter)
    journal = session.journal
    worth = paired(measured(journal, whole), measured(journal, student), sources_of(journal))
    return _kept(session.journal, _found(batch, number, student, len(without), len(kept), worth))


def _found(batch: Batch, number: int, student: str, left_out: int, kept: int, worth: Paired) -> dict[str, Any]:
    return {
        "batch": str(batch),
        "round": number,
        "student": student,
        "left_out": left_out,
        "kept": kept,
        "worth": worth.difference,
        "low": worth.low,
        "high": worth.high,
        "n": worth.n,
        "discordant": worth.wins + worth.losses,
        "p_value": worth.p_value,
        "caveat": CAVEAT.format(count=left_out),
    }


def _kept(journal: Journal, found: dict[str, Any]) -> dict[str, Any]:
    """Keep what was found; all of a run's leave-outs are corrected together, so older words may change."""
    earlier = [one for one in journal.meta("leave_outs", []) if one["student"] != found["student"]]
    together = [*earlier, found]
    for one, adjusted in zip(together, holm([one["p_value"] for one in together]), strict=True):
        one["p_adjusted"] = adjusted
        one["sentence"] = sentence(one)
    journal.set_meta("leave_outs", together)
    return found


def sentence(one: dict[str, Any]) -> str:
    """What a batch was worth, in words."""
    points = f"{100 * one['worth']:+.1f} points [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"
    rows = f"{one['left_out']} of {one['left_out'] + one['kept']} rows"
    text = f"with {one['batch']} ({rows}) round {one['round']} is {points} against itself without, on {one['n']} items"
    if one["p_adjusted"] < SIGNIFICANCE:
        return f"{'It helped' if one['worth'] > 0 else 'It hurt'}: {text}."
    return f"Cannot tell: {text}; {in_words(one['n'], max(one['discordant'], 1) / max(one['n'], 1))}."


def _slug(batch: Batch) -> str:
    return re.sub(r"[^a-z0-9]+", "-", str(batch).lower()).strip("-")[:32] or "batch"
