"""The torch student, as the run sees it."""

from __future__ import annotations

from pathlib import Path

from toolkit.models.hf_folder import hf_folder, is_whole_model
from toolkit.models.torch_dtype import fast_dtype
from toolkit.students.child_student import ChildStudent


def open_student(
    gguf: Path, adapter: Path | None = None, log: Path | None = None, *, dtype: str | None = None
) -> ChildStudent:
    """A student that transformers runs, in the dtype that is fast here unless one is given.

    A folder of fully trained weights stands in for base and adapter.
    """
    whole = adapter if adapter and is_whole_model(adapter) else None
    setup = {
        "model": str(whole.resolve() if whole else hf_folder(gguf)),
        "adapter": str(adapter.resolve()) if adapter and not whole else None,
        "dtype": dtype or fast_dtype(),
    }
    return ChildStudent("toolkit.students.torch_child", setup, log)
