"""What a person and a run ask of each other: files that wait for approval, steering notes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.text import clean

ASKS_NO_MODEL = ("fixed", "bandit")
"""Engineers that read no notes, since they ask no model."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A plan or a program that runs only once a person has looked at it; `problem` is why it was sent back."""

    path: Path
    problem: str = ""

    @property
    def what(self) -> str:
        return "program" if self.path.suffix == ".py" else "plan"

    @property
    def attempt(self) -> str:
        return clean(self.path.stem.removeprefix("attempt-"), 10)

    def __str__(self) -> str:
        return f"{self.what} of attempt {self.attempt}"


@dataclass(frozen=True, slots=True)
class Note:
    """A wish for the engineer. Taken: the engineer has it; `attempt` is the first one planned with it."""

    text: str
    taken: bool = False
    attempt: int | None = None


def waiting_for(paths: Iterable[Path], events: Iterable[dict[str, Any]]) -> tuple[Waiting, ...]:
    """Files that wait, with what the newest event about each says is wrong with it."""
    problems = {Path(str(e["data"].get("path", ""))).name: str(e["data"].get("problem") or "") for e in events}
    return tuple(Waiting(path, clean(problems.get(path.name, ""), 300)) for path in paths)


def notes_of(
    taken: Sequence[tuple[float, str]], left: Sequence[str], attempts: Iterable[tuple[int, float]]
) -> tuple[Note, ...]:
    """All notes, oldest first.

    Args:
        taken: when the worker took each note, and its text.
        left: texts that lie in the run's folder still.
        attempts: number and start of each attempt.
    """
    begun = sorted(attempts, key=lambda pair: pair[1])
    used = [
        Note(clean(text, 500), True, next((number for number, at in begun if at >= when), None)) for when, text in taken
    ]
    return (*used, *(Note(clean(text, 500)) for text in left))
