"""The seam for students: prompts in, answers out, from the base weights or with an adapter.

Other packages add theirs through the entry point group `schoolhouse.students`: an entry's
value is a function `open_student(gguf, adapter, log) -> Student`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from toolkit.errors import ModelError
from toolkit.models.hf_folder import is_whole_model
from toolkit.recipe.schema import STUDENT_CONTEXT
from toolkit.types import Message

ENTRY_POINTS = "schoolhouse.students"

BACKENDS = {
    "torch": "toolkit.students.torch_student",
    "llama_cpp": "toolkit.students.llama_cpp_student",
}
"""Backend -> the module whose `open_student` opens it."""


ONLY_TORCH = "write `student.backend: torch`"


class Student(Protocol):
    """Answers greedily, in a process of its own. Not for use from several threads at once."""

    peak_bytes: int
    """The most memory that its process has held, in bytes; known after each `answer`."""

    def answer(
        self, prompts: Sequence[Sequence[Message]], *, max_new_tokens: int = 24, choices: Sequence[str] = ()
    ) -> Iterator[tuple[int, str]]:
        """Index and answer of each prompt, as they come, in any order.

        Args:
            choices: where the format is closed, the only answers there are; the length of an answer is then theirs.

        An answer stops at the end token, carries no special tokens and no white space around it.
        An iterator that is left early leaves the student usable.
        Raises ChildError when the process ends, ModelError when a prompt does not fit.
        """
        ...

    def close(self) -> None:
        """End the process; its memory is free when this returns."""
        ...


@runtime_checkable
class StreamingStudent(Protocol):
    """A student that also shows an answer while it grows. A backend may leave this out: see `growing`."""

    def stream(
        self, prompt: Sequence[Message], *, max_new_tokens: int = 24, choices: Sequence[str] = ()
    ) -> Iterator[str]:
        """The answer so far, each time that it has grown; the last one is whole, and what `answer` gives."""
        ...


def growing(
    student: Student, prompt: Sequence[Message], *, max_new_tokens: int = 24, choices: Sequence[str] = ()
) -> Iterator[str]:
    """The answer so far, each time that it has grown; a student that only gives whole answers gives one.

    Raises as `Student.answer` does.
    """
    if isinstance(student, StreamingStudent):
        yield from student.stream(prompt, max_new_tokens=max_new_tokens, choices=choices)
        return
    for _, text in student.answer([prompt], max_new_tokens=max_new_tokens, choices=choices):
        yield text


def open_student(
    backend: str,
    gguf: Path,
    adapter: Path | None = None,
    log: Path | None = None,
    *,
    context: int = STUDENT_CONTEXT,
) -> Student:
    """The student of that backend; `auto` is torch. The model is loaded at the first question.

    Args:
        gguf: the base weights.
        adapter: a folder that a trainer made.
        log: a file that gets what the libraries print.
        context: tokens that prompt and answer may take together; torch takes what comes.

    Raises ModelError for an unknown backend and for weights or an adapter that cannot be used.
    """
    name = "torch" if backend == "auto" else backend
    whole = adapter is not None and is_whole_model(adapter)
    if adapter is not None and not whole and not (adapter / "adapter_config.json").is_file():
        raise ModelError(f"{adapter} is not an adapter folder", "schoolhouse resume last")
    if whole and name == "llama_cpp":
        raise ModelError("llama.cpp cannot answer as a student that was trained in full", ONLY_TORCH)
    if module := BACKENDS.get(name):
        more = {"context": context} if name == "llama_cpp" else {}
        return cast("Student", importlib.import_module(module).open_student(gguf, adapter, log, **more))
    for plugin in entry_points(group=ENTRY_POINTS):
        if plugin.name == name:
            return cast("Student", plugin.load()(gguf, adapter, log))
    raise ModelError(f"there is no student backend {backend!r}", f"use one of these: auto, {', '.join(BACKENDS)}")
