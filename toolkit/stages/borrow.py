"""Borrow: what another arm of the same recipe has asked the same untrained student is not asked again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from toolkit.errors import JournalError
from toolkit.journal import JournalReader
from toolkit.recipe import recipe_from_text
from toolkit.stages.session import Session
from toolkit.stages.sitting import Sitting
from toolkit.types import Json, Outcome

DECISIVE = ("task", "data", "student")
"""The sections of a recipe that decide what an untrained student is asked, and what it answers."""


def borrow(session: Session, sitting: Sitting) -> int:
    """Copy journaled outcomes of an untrained student from earlier arms; returns how many were new here."""
    known = {outcome.item_id for outcome in session.journal.outcomes(sitting.student, sitting.split)}
    wanted = {item.id for item in sitting.items} - known
    taken = 0
    for name, outcomes in _lenders(session, sitting):
        found = [outcome for outcome in outcomes if outcome.item_id in wanted]
        if found:
            session.journal.outcomes_of(sitting.student, sitting.split, found)
            text = f"{sitting.student} on {sitting.split}: {len(found)} answers taken over from {name}"
            session.journal.event("log", text=text)
        wanted -= {outcome.item_id for outcome in found}
        taken += len(found)
    return taken


def _lenders(session: Session, sitting: Sitting) -> Iterator[tuple[str, list[Outcome]]]:
    """The earlier arms beside this run whose untrained student is the same, with its outcomes."""
    mine = _decisive(session.journal)
    for name in (session.journal.meta("series") or {}).get("shares", []):
        folder = session.folder.resolve().parent / name
        # moved, deleted or damaged: the question is put again
        with suppress(JournalError), closing(JournalReader(folder)) as reader:
            if _decisive(reader) == mine:
                yield name, reader.outcomes(sitting.student, sitting.split)


def _decisive(journal: JournalReader) -> dict[str, Json]:
    folder = Path(journal.meta("recipe_folder"))
    values = recipe_from_text(journal.meta("recipe"), folder, folder / "recipe.yaml").values()
    return {section: values[section] for section in DECISIVE}
