"""Opening a run's students for a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.errors import JournalError
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.models.weights import weights_path
from toolkit.recipe import Recipe, recipe_from_text
from toolkit.students.student import Student, open_student

if TYPE_CHECKING:
    from toolkit.run.run import Run


def run_recipe(run: Run) -> Recipe:
    """The recipe that a run was begun with."""
    from pathlib import Path

    folder = Path(run.reader.meta("recipe_folder"))
    return recipe_from_text(run.reader.meta("recipe"), folder, folder / "recipe.yaml")


def run_prompts(run: Run) -> TaskPrompts:
    """The prompts that a run's students know."""
    recipe = run_recipe(run)
    return TaskPrompts(recipe.file.task.system, recipe.labels, recipe.file.task.answer)


def open_trained(run: Run, round_number: int | None, *, trained: bool) -> Student:
    """Raises JournalError when the run has no trained student yet, or no longer has its weights."""
    file = run_recipe(run).file
    adapter = None
    if trained:
        rounds = [found for found in run.rounds if found["adapter"]]
        number = round_number or run.best_round or (rounds[-1]["number"] if rounds else None)
        chosen = next((found for found in rounds if found["number"] == number), None)
        if chosen is None:
            raise JournalError(f"{run.name} has no trained student yet", f"schoolhouse resume {run.name}")
        adapter = run.folder / chosen["adapter"]
        if not adapter.is_dir():  # a run that was copied or committed without its weights
            raise JournalError(
                f"{run.name} is here without its trained weights: {adapter} is missing",
                f"put that folder back, or train anew: schoolhouse run {file.name}",
            )
    weights, log = weights_path(file.student.model), run.folder / "student.log"
    return open_student(file.student.backend, weights, adapter, log, context=file.student_context)
