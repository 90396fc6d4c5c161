"""Whether a recipe fits into this machine's memory, asked before anything begins.

Only what runs on this machine counts, and only what its files tell: weights that cannot be read,
servers, and what goes into a graphics card are left out.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from toolkit.budget.memory import (
    PROCESS_BYTES,
    MemoryPlan,
    ModelSize,
    Training,
    generating_bytes,
    largest_that_fits,
    training_bytes,
)
from toolkit.errors import ModelError
from toolkit.hardware.memory import available_bytes
from toolkit.models.catalog import CATALOG
from toolkit.models.chat import split_name
from toolkit.models.gguf_header import read_header
from toolkit.models.llama_cpp import CELLS_PER_SLOT, SLOTS
from toolkit.models.weights import present, weights_path
from toolkit.recipe import Recipe

LEAST_CONTEXT = 1024
LOCAL = "llama_cpp"


def memory_plan(recipe: Recipe) -> MemoryPlan:
    """What each stage of a run is estimated to take."""
    teachers = [_teacher_bytes(name, context) for name, context in _contexts(recipe).items()]
    student = _size(recipe.file.student.model)
    return MemoryPlan(
        teacher=PROCESS_BYTES + sum(teachers) if any(teachers) else 0,
        training=PROCESS_BYTES + training_bytes(student, _training(recipe)) if student else 0,
    )


def require_memory(recipe: Recipe, free: int | None = None) -> None:
    """Raises ModelError with what would fit when a stage needs more than the `free` bytes (this machine's).

    With a graphics card nothing is refused: its own memory is not looked at.
    """
    if shutil.which("nvidia-smi"):
        return
    free = available_bytes() if free is None else free
    plan = memory_plan(recipe)
    if plan.teacher > free:
        raise _too_large(f"writing rows with {recipe.file.teacher.model}", plan.teacher, free, _teachers(recipe, free))
    if plan.training > free:
        raise _too_large(f"training {recipe.file.student.model}", plan.training, free, _trainings(recipe, free))


def gigabytes(count: int) -> str:
    """For example `2.2 GB`."""
    return f"{count / 1e9:.1f} GB"


def _too_large(what: str, needed: int, free: int, fits: list[str]) -> ModelError:
    others = "close other programs" if fits else "close other programs, or use a machine with more memory"
    return ModelError(
        f"{what} would take about {gigabytes(needed)} of memory, and {gigabytes(free)} are free",
        ", or ".join([*fits, others]),
    )


# -- what would fit -----------------------------------------------------------------------------


def _teachers(recipe: Recipe, free: int) -> list[str]:
    """Overrides with which the rows could be written: a shorter context, then a smaller teacher."""

    def needed(context: int) -> int:
        return memory_plan(_changed(recipe, "teacher", context=context)).teacher

    found = []
    context = largest_that_fits(recipe.file.teacher.context, LEAST_CONTEXT, free, needed)
    if context:
        found.append(f"--set teacher.context={context}")
    for entry in sorted(CATALOG, key=lambda entry: -entry.size):
        name = f"{LOCAL}/{entry.name}"
        other = _changed(recipe, "teacher", model=name)
        if name != recipe.file.teacher.model and present(entry.name) and memory_plan(other).teacher <= free:
            return [*found, f"--teacher {name}"]
    return [*found, "--teacher openai/NAME@URL (a server on another machine)"]


def _trainings(recipe: Recipe, free: int) -> list[str]:
    """Overrides with which the student could be trained: a batch in parts, then a smaller student."""
    batch = recipe.file.train.batch_size

    def parts(rows: int) -> int:
        return -(-batch // rows)

    def needed(rows: int) -> int:
        return memory_plan(_changed(recipe, "train", accumulation=parts(rows))).training

    rows = largest_that_fits(batch, 1, free, needed)
    found = [f"--set train.accumulation={parts(rows)}"] if rows else []
    if recipe.file.train.method == "full" and memory_plan(_changed(recipe, "train", method="lora")).training <= free:
        found.append("--set train.method=lora")
    for entry in sorted(CATALOG, key=lambda entry: -entry.size):
        other = _changed(recipe, "student", model=entry.name)
        if entry.name != recipe.file.student.model and present(entry.name) and memory_plan(other).training <= free:
            return [*found, f"--set student.model={entry.name}"]
    return found


def _changed(recipe: Recipe, section: str, **values: object) -> Recipe:
    changed = getattr(recipe.file, section).model_copy(update=values)
    return replace(recipe, file=recipe.file.model_copy(update={section: changed}))


# -- figures ------------------------------------------------------------------------------------


def _contexts(recipe: Recipe) -> dict[str, int]:
    """The models that are loaded while rows are written, with their context; as `Session` opens them."""
    teacher, planner = recipe.file.teacher, recipe.file.engineer
    found = {teacher.model: teacher.context}
    if planner.asks:
        name = planner.model or teacher.model
        found[name] = max(planner.context, found.get(name, 0))
    return found


def _teacher_bytes(name: str, context: int) -> int:
    backend, rest = split_name(name)
    size = _size(rest) if backend == LOCAL else None
    cells = max(context, SLOTS * min(context, CELLS_PER_SLOT))
    return generating_bytes(size, cells) if size else 0


def _training(recipe: Recipe) -> Training:
    settings = recipe.file.train
    rows = -(-settings.batch_size // settings.accumulation)
    return Training(rows, settings.max_length, 0 if settings.method == "full" else settings.lora_r)


def _size(name: str) -> ModelSize | None:
    """The size that the weights' file tells; None when it cannot be read."""
    try:
        path = weights_path(name)
        return _read_size(path, path.stat().st_mtime_ns)
    except ModelError:  # missing or odd weights have an error of their own
        return None


@lru_cache
def _read_size(path: Path, _changed: int) -> ModelSize:
    found = read_header(path)
    return ModelSize(
        bytes=path.stat().st_size,
        parameters=found.parameters,
        layers=found.layers,
        width=found.width,
        inner_width=found.inner_width,
        vocabulary=found.vocabulary,
        cache_width=found.cache_width,
    )
