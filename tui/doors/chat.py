"""A conversation with a run's students: base and trained, each in a process of its own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Protocol


class Conversation(Protocol):
    """Two students that answer the same message. Every method blocks; call them from one thread at a time."""

    def ask(self, text: str) -> tuple[str, str]:
        """What the base and the trained student say, as they said it. Raises SchoolhouseError."""
        ...

    def close(self) -> None:
        """End both processes."""
        ...


class ChatDoor:
    """What the Chat screen asks."""

    def converse(self, folder: Path) -> Conversation:
        """Open the base and the best trained student. Raises JournalError when none is trained yet."""
        return Students(folder)


class Students:
    """The real conversation: the seam that `schoolhouse chat` uses."""

    def __init__(self, folder: Path) -> None:
        from toolkit.run import Run
        from toolkit.run.students import run_prompts, run_recipe

        run = Run.open(folder)
        self._stack = ExitStack()
        self._prompts, self._choices = run_prompts(run), run_recipe(run).closed_answers
        with ExitStack() as opening:
            self._trained = run.student()
            opening.callback(self._trained.close)
            self._base = run.student(trained=False)
            opening.callback(self._base.close)
            self._stack = opening.pop_all()

    def ask(self, text: str) -> tuple[str, str]:
        (_, base), *_ = self._base.answer([self._prompts.zero_shot(text)], choices=self._choices)
        (_, trained), *_ = self._trained.answer([self._prompts.trained(text)], choices=self._choices)
        return base, trained

    def close(self) -> None:
        self._stack.close()
