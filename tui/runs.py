"""The only door to the toolkit: recipes, runs and this machine. Every method may block: call them in a thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tui.state import Limits, RecipeLine, RunLine, Status
from tui.text import gibibytes

if TYPE_CHECKING:
    from toolkit.journal import JournalReader


class Runs:
    """What the screens ask of the toolkit. Tests put their own in its place."""

    def now(self) -> float:
        """The clock that ages and durations are counted against."""
        return time.time()

    def recipes(self) -> list[RecipeLine]:
        from toolkit.recipe import list_recipes

        return [RecipeLine(found.name, found.path, found.about, found.problem) for found in list_recipes()]

    def runs(self) -> list[RunLine]:
        """All runs, the live ones first, then the newest first."""
        from toolkit.run import Run

        lines = [
            RunLine(found.name, found.folder, found.recipe, found.status, found.started, found.best)
            for found in Run.list()
        ]
        return sorted(lines, key=lambda line: (line.status != "running", -line.started))

    def find(self, name: str) -> Path:
        """A run's folder. Raises JournalError when there is none."""
        from toolkit.run import Run

        return Run.open(name).folder

    def estimate(self, recipe: RecipeLine) -> str:
        """What a run of this recipe may take. Raises RecipeError."""
        from toolkit.recipe import load_recipe
        from toolkit.stages.progress import before_run

        loaded = load_recipe(recipe.path)
        budget = loaded.file.budget
        minutes = before_run(loaded) / 60
        rounds = f"{budget.rounds} round{'s' if budget.rounds > 1 else ''}"
        return f"About {minutes:.0f} minutes here, {budget.minutes:.0f} at most: {rounds}, {budget.rows} rows."

    def start(self, recipe: RecipeLine) -> Path:
        """Start a run in a process of its own; returns its folder. Raises SchoolhouseError."""
        from toolkit.run import Run

        return Run.start_detached(recipe.path, []).folder

    def pause(self, folder: Path) -> None:
        """Ask the run to stop at its next safe point."""
        from toolkit.run import Run

        Run.open(folder).pause()

    def resume(self, folder: Path) -> None:
        """Let the run go on, in a process of its own."""
        from toolkit.run import Run

        Run.open(folder).resume_detached()

    def status(self, folder: Path) -> Status:
        from toolkit.run import Run

        run = Run.open(folder)
        try:
            return run.status
        finally:
            run.reader.close()

    def limits(self, reader: JournalReader) -> Limits:
        """What the recipe of a journal allows; what cannot be read is left open."""
        from pydantic import ValidationError
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        from toolkit.recipe.schema import Budget

        try:
            found = YAML(typ="safe").load(reader.meta("recipe") or "") or {}
            budget = Budget.model_validate(found.get("budget") or {})
        except (ValidationError, YAMLError, AttributeError):
            return Limits()
        return Limits(budget.rounds, budget.rows, budget.teacher_calls)

    def machine(self) -> str:
        """This machine in one line."""
        from toolkit.hardware import machine
        from toolkit.paths import runs_dir

        here = machine(runs_dir())
        memory = f"{gibibytes(here.memory)} memory, {gibibytes(here.memory_free)} free"
        return f"{here.system} · {here.cores} cores · {memory} · {gibibytes(here.disk_free)} disk free"
