"""The llama.cpp student, as the run sees it."""

from __future__ import annotations

from pathlib import Path

from toolkit.models.gguf_lora import convert
from toolkit.models.llama_native import require
from toolkit.students.child_student import ChildStudent

LORA = "adapter.gguf"


def open_student(gguf: Path, adapter: Path | None = None, log: Path | None = None) -> ChildStudent:
    """A student that llama.cpp runs from the GGUF itself; an adapter is converted beside its own files, once.

    Raises ModelError without llama-cpp-python.
    """
    require("a llama_cpp student")
    lora = None
    if adapter is not None:
        lora = adapter / LORA
        if not lora.is_file():
            convert(adapter, gguf, lora)
    setup = {"model": str(gguf.resolve()), "lora": str(lora.resolve()) if lora else None}
    return ChildStudent("toolkit.students.llama_cpp_child", setup, log)
