"""A conversation with a run's students: base and trained, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from toolkit.evaluation.prompts import TaskPrompts
    from toolkit.students.student import Student
    from toolkit.types import Message

Told = Callable[[int, str], None]
"""Who speaks (0 the base, 1 the trained student), and what it has said so far. Called from any thread."""


class Conversation(Protocol):
    """Two students that answer the same message. Every method blocks; call them from one thread at a time."""

    def ask(self, text: str, told: Told) -> tuple[str, str]:
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
        recipe = run_recipe(run)
        with ExitStack() as opening:
            trained = run.student()
            opening.callback(trained.close)
            base = run.student(trained=False)
            opening.pop_all()
        self.hold(base, trained, run_prompts(run), recipe.closed_answers, recipe.file.student.max_new_tokens)

    def hold(self, base: Student, trained: Student, prompts: TaskPrompts, choices: Sequence[str], most: int) -> None:
        """Talk with these two.

        Args:
            choices: the only answers there are, if they are closed.
            most: tokens of an answer, as many as where it was scored.
        """
        self._base, self._trained, self._prompts = base, trained, prompts
        self._choices, self._most = choices, most
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="chat")

    def ask(self, text: str, told: Told) -> tuple[str, str]:
        asked = ((self._base, self._prompts.zero_shot(text)), (self._trained, self._prompts.trained(text)))
        waited = [self._pool.submit(self._answer, who, *pair, told) for who, pair in enumerate(asked)]
        base, trained = (future.result() for future in waited)
        return base, trained

    def _answer(self, who: int, student: Student, prompt: Sequence[Message], told: Told) -> str:
        from toolkit.students.student import growing

        said = ""
        for said in growing(student, prompt, max_new_tokens=self._most, choices=self._choices):
            told(who, said)
        return said

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._base.close()
        self._trained.close()
