"""The arms of one series: runs beside each other, found by what their journals say."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from toolkit.errors import JournalError
from toolkit.journal.reader import DATABASE, JournalReader


def arms_beside(journal: JournalReader) -> dict[str, Path]:
    """Arm -> folder, of the begun arms of a run's series, itself included, in the order wanted; empty without one.

    A run whose journal cannot be read is no arm: one damaged folder stops no series.
    """
    series = journal.meta("series")
    if not series:
        return {}
    found: dict[str, Path] = {}
    for database in sorted(journal.folder.resolve().parent.glob(f"*/{DATABASE}")):
        with suppress(JournalError), closing(JournalReader(database.parent)) as reader:
            theirs = reader.meta("series") or {}
            if theirs.get("id") == series["id"]:
                found[theirs["arm"]] = database.parent
    return {arm: found[arm] for arm in series["arms"] if arm in found}
