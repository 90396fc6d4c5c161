"""Steering notes: what a person asks of a run while it goes on.

The journal has one writer, so a note is left in a folder of the run; the worker takes it
into the journal when it plans next.
"""

from __future__ import annotations

import time
from pathlib import Path

from toolkit.errors import SchoolhouseError
from toolkit.paths import write_text
from toolkit.stages.session import Session

FOLDER = "steering"
MOST_CHARACTERS = 500


def leave_note(folder: Path, text: str) -> None:
    """Leave a note for the run in `folder`. Raises SchoolhouseError for an empty or a very long one."""
    text = " ".join(text.split())
    if not text or len(text) > MOST_CHARACTERS:
        message = "the note is empty" if not text else f"the note has {len(text)} characters, at most {MOST_CHARACTERS}"
        raise SchoolhouseError(message, f'schoolhouse steer {folder.name} "more two-part questions"')
    write_text(folder / FOLDER / f"{time.time_ns()}.txt", text)


def take_notes(session: Session, new: bool = True) -> tuple[str, ...]:
    """All notes so far, oldest first; new ones are journaled. A note that a crash left behind counts once.

    Args:
        new: whether notes that were left since are taken; if not, they wait for the next attempt.
    """
    for path in sorted(session.folder.joinpath(FOLDER).glob("*.txt")) if new else ():
        text = path.read_text(encoding="utf-8")
        if session.journal.note(int(path.stem), text):
            session.journal.event("steered", text=text)
        path.unlink()
    return tuple(note["text"] for note in session.journal.notes())
