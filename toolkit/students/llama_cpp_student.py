"""The llama.cpp student, as the run sees it."""

from __future__ import annotations

from pathlib import Path

from toolkit.models.gguf_lora import convert
from toolkit.models.llama_native import require
from toolkit.recipe.schema import STUDENT_CONTEXT
from toolkit.students.child_student import ChildStudent

LORA = "adapter.gguf"


def open_student(
    gguf: Path, adapter: Path | None = None, log: Path | None = None, *, context: int = STUDENT_CONTEXT
) -> ChildStudent:
    """A student that llama.cpp runs from the GGUF itself; an adapter is converted beside its own files, once.

    Raises ModelError without llama-cpp-python.
    """
    require("a llama_cpp student")
    lora = None
    if adapter is not None:
        lora = adapter / LORA
        if not lora.is_file():
            convert(adapter, gguf, lora)
    return of_files(gguf, lora, log, context=context)


def of_files(gguf: Path, lora: Path | None, log: Path | None, *, context: int) -> ChildStudent:
    """A student from files that llama.cpp loads as they are; `lora` is a GGUF adapter."""
    setup = {"model": str(gguf.resolve()), "lora": str(lora.resolve()) if lora else None, "context": context}
    return ChildStudent("toolkit.students.llama_cpp_child", setup, log)
