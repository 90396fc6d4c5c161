"""The only door to the toolkit: recipes, runs and this machine. Every method may block: call them in a thread."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tui.doors.chat import ChatDoor
from tui.doors.comparing import CompareDoor
from tui.doors.evaluation import EvaluationDoor
from tui.doors.examples import ExamplesDoor
from tui.doors.export import ExportDoor
from tui.doors.home import HomeDoor
from tui.doors.lint import LintDoor
from tui.doors.models import ModelsDoor
from tui.doors.recipes import RecipeDoor
from tui.doors.rows import RowsDoor
from tui.state import Limits, RecipeLine, RunLine, Status
from tui.text import gibibytes
from tui.weights import size

if TYPE_CHECKING:
    from toolkit.journal import JournalReader
    from tui.attempts import Call, CallLine


# the doors import what their screens show when it is asked for: the first frame needs none of it
class Runs(
    RowsDoor,
    EvaluationDoor,
    ExportDoor,
    ChatDoor,
    ExamplesDoor,
    RecipeDoor,
    LintDoor,
    CompareDoor,
    ModelsDoor,
    HomeDoor,
):
    """What the screens ask of the toolkit. Tests put their own in its place."""

    editor: str = ""
    """The command of the person's own editor."""

    def now(self) -> float:
        """The clock that ages and durations are counted against."""
        return time.time()

    def recipes(self) -> list[RecipeLine]:
        from toolkit.recipe import list_recipes

        return [RecipeLine(found.name, found.path, found.about, found.problem) for found in list_recipes()]

    def runs(self) -> list[RunLine]:
        """All runs, the live ones first, then the newest first."""
        from toolkit.run import Run

        return sorted(map(self._line, Run.list()), key=lambda line: (line.status != "running", -line.started))

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
        words = f"About {minutes:.0f} minutes here, {budget.minutes:.0f} at most: {rounds}, {budget.rows} rows."
        missing = sum(one.size for one in self.lacking(recipe))
        return f"{words} Fetches {size(missing)} of weights first." if missing else words

    def start(self, recipe: RecipeLine, arms: Sequence[str] = ()) -> Path:
        """Start a run in a process of its own; returns its folder. Raises SchoolhouseError.

        Args:
            arms: carry these out one after another instead; the first one's folder is returned.
        """
        from toolkit.recipe import load_recipe
        from toolkit.run import Run
        from toolkit.run.arms import begin_series

        if not arms:
            return Run.start_detached(recipe.path, []).folder
        first = begin_series(load_recipe(recipe.path), arms)
        first.resume_detached()
        return first.folder

    def pause(self, folder: Path) -> None:
        """Ask the run to stop at its next safe point."""
        from toolkit.run import Run

        Run.open(folder).pause()

    def end_after_round(self, folder: Path, wanted: bool) -> None:
        """Ask for no further round, or take that back. Raises JournalError when the run is finished."""
        from toolkit.run import Run

        Run.open(folder).end_after_round(wanted)

    def resume(self, folder: Path) -> None:
        """Let the run go on, in a process of its own."""
        from toolkit.run import Run

        Run.open(folder).resume_detached()

    def steer(self, folder: Path, text: str) -> None:
        """Leave a note for the engineer. Raises SchoolhouseError for an empty or a very long one."""
        from toolkit.run import Run

        Run.open(folder).steer(text)

    def save(self, path: Path, text: str) -> None:
        """Write a plan or a program that waits for approval. Raises SchoolhouseError when it waits no more."""
        from toolkit.errors import SchoolhouseError
        from toolkit.paths import write_text

        if not path.is_file():
            raise SchoolhouseError(f"{path.name} waits no more: it was approved elsewhere", "press escape")
        write_text(path, text)

    def read(self, path: Path) -> str:
        """A plan or a program that waits for approval. Raises RecipeError when it cannot be read."""
        from toolkit.recipe.load import read_source

        return read_source(path)

    def submit_draft(self, path: Path, text: str, before: str) -> str:
        """Save and approve what waits, as it now stands; what is wrong with it instead when it cannot run.

        Args:
            before: the text as it was.
        """
        from tui.drafts import problem

        self.save(path, text)
        if found := problem(path, text, before):
            return found
        self.approve(path.parent.parent)
        return ""

    def approve(self, folder: Path) -> None:
        """Let what waits for approval run as its files stand; the run goes on."""
        from toolkit.run import Run

        run = Run.open(folder)
        run.approve()
        run.resume_detached()

    def edit(self, path: Path) -> None:
        """Open a file in the person's own editor; the terminal must be free."""
        default = "notepad" if os.name == "nt" else "vi"
        subprocess.run([*shlex.split(self.editor or default), str(path)], check=False)

    def calls(self, folder: Path, attempt: int, limit: int) -> list[CallLine]:
        """The first `limit` calls of an attempt, oldest first."""
        from toolkit.journal import JournalReader
        from tui.attempts import call_line

        with closing(JournalReader(folder)) as reader:
            return [call_line(record) for record in reader.calls_by(attempt, limit)]

    def call(self, folder: Path, request_hash: str) -> Call:
        """A call with its whole prompt and reply. Raises JournalError when the journal has it not."""
        from toolkit.errors import JournalError
        from toolkit.journal import JournalReader
        from tui.attempts import whole_call

        with closing(JournalReader(folder)) as reader:
            record = reader.find_call(request_hash)
        if record is None:
            raise JournalError("the journal does not have this call", f"schoolhouse show {folder.name}")
        schema = record["request"].get("schema")
        return whole_call(record, json.dumps(schema, indent=2, ensure_ascii=False) if schema else "")

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
