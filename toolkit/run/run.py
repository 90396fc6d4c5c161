"""A run, as the command line, the terminal UI and notebooks see it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from toolkit.errors import JournalError
from toolkit.journal import DATABASE, JournalReader, Record
from toolkit.paths import runs_dir
from toolkit.process import start_command
from toolkit.types import Item, Outcome

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.evaluation.verdict import Verdict
    from toolkit.export.export import Target
    from toolkit.recipe import Recipe
    from toolkit.run.export import Done
    from toolkit.students.student import Student

Status = Literal["running", "finished", "paused", "broken"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list of runs.

    Args:
        best: the best round's score, 0 to 1: the exam's, or `gate` before it.
        unread: it sat its exam, and nobody here has read the verdict.
    """

    name: str
    folder: Path
    recipe: str
    status: Status
    started: float
    best: float | None
    unread: bool = False


class Run:
    """A run folder. Reading it never disturbs the process that works on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        return self.folder.name

    # -- finding and making runs -------------------------------------------------------------

    @classmethod
    def create(cls, recipe: Recipe, folder: Path | None = None) -> Run:
        """A new run of a recipe; nothing is carried out yet."""
        from toolkit.run.worker import begin

        return cls(begin(recipe, folder))

    @classmethod
    def open(cls, name: str | Path) -> Run:
        """A run by folder, by name, or `last`. Raises JournalError when there is none."""
        if str(name) == "last":
            found = _folders()
            if not found:
                raise JournalError(f"there are no runs in {runs_dir()}", "schoolhouse demo")
            return cls(found[0])
        for folder in (runs_dir() / str(name), Path(name)):
            if (folder / DATABASE).is_file():
                return cls(folder)
        raise JournalError(f"there is no run named {name} in {runs_dir()}", "schoolhouse runs")

    @classmethod
    def list(cls) -> list[RunSummary]:
        """All runs, the newest first."""
        found = []
        for folder in _folders():
            run = cls(folder)
            try:
                found.append(run.line())
            except JournalError:  # one damaged journal hides no other run
                found.append(RunSummary(folder.name, folder, "?", "broken", _created(folder), None))
            with suppress(JournalError):  # it may be gone meanwhile
                run.reader.close()
        return found

    @classmethod
    def start_detached(cls, recipe_path: str | Path, overrides: Sequence[str] = ()) -> Run:
        """Start a run in a process of its own, which outlives this one."""
        from toolkit.recipe import load_recipe

        run = cls.create(load_recipe(recipe_path, overrides))
        run.resume_detached()
        return run

    # -- carrying out ------------------------------------------------------------------------

    def carry_out(self) -> Verdict | None:
        """Work on the run in this process until it is finished or paused."""
        from toolkit.run.worker import work

        return work(self.folder)

    def resume_detached(self) -> None:
        """Work on the run in a process of its own; its output goes to `worker.log`.

        It has no terminal, so that the person's editor is not for it.
        """
        environment = {name: value for name, value in os.environ.items() if name not in ("VISUAL", "EDITOR")}
        with (self.folder / "worker.log").open("ab") as log:
            subprocess.Popen(
                start_command("toolkit.cli", "resume", str(self.folder.resolve())),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def pause(self) -> None:
        """Ask the worker to stop at the next safe point."""
        from toolkit.stages.session import PAUSE_FILE

        (self.folder / PAUSE_FILE).touch()

    def end_after_round(self, wanted: bool = True) -> None:
        """Begin no further round after the one under way, and sit the exam; or take that wish back."""
        from toolkit.stages.session import LAST_ROUND_FILE

        if self.status == "finished":
            raise JournalError(f"{self.folder.name} is finished", f"schoolhouse show {self.folder.name}")
        if not wanted and self.reader.openings("private"):
            message = f"{self.folder.name} has begun its exam: no further round may follow"
            raise JournalError(message, f"schoolhouse resume {self.folder.name}")
        path = self.folder / LAST_ROUND_FILE
        if wanted:
            path.touch()
        else:
            path.unlink(missing_ok=True)

    def steer(self, text: str) -> None:
        """Leave a note that the engineer sees when it plans next. Raises JournalError when the run is finished."""
        from toolkit.stages.steering import leave_note

        if self.status == "finished":
            message = f"{self.folder.name} is finished: its engineer reads no note any more"
            raise JournalError(message, "leave the note with a new run: schoolhouse run RECIPE --steer NOTE")
        leave_note(self.folder, text)

    def approve(self) -> None:
        """Let plans or programs that wait for approval run as their files now stand."""
        from toolkit.stages.approve import approve, waiting

        for path in waiting(self.folder):
            approve(path)

    def open_sealed(self, reason: str) -> Sequence[Item]:
        """The private items, after the exam only. Each look is journaled and makes later verdicts on them weaker."""
        from toolkit.run.worker import open_sealed

        return open_sealed(self.folder, reason)

    def examine_again(self, round_number: int, reason: str) -> Verdict:
        """Let another round sit on the private items; the run's own verdict stays."""
        from toolkit.run.worker import examine_again

        return examine_again(self.folder, round_number, reason)

    @property
    def is_running(self) -> bool:
        from toolkit.hardware.alive import is_alive

        return self.reader.meta("state") == "running" and is_alive(self.reader.meta("worker"))

    @property
    def status(self) -> Status:
        state = self.reader.meta("state")
        if state == "running":
            return "running" if self.is_running else "broken"
        return {"finished": "finished", "paused": "paused", "new": "paused"}.get(state, "broken")  # type: ignore[return-value]

    # -- what happened -----------------------------------------------------------------------

    @cached_property
    def reader(self) -> JournalReader:
        return JournalReader(self.folder)

    @property
    def rounds(self) -> Sequence[Record]:
        return self.reader.rounds()

    def line(self) -> RunSummary:
        """The run as one line of a list."""
        from toolkit.run.unread import was_read

        verdict = self.reader.meta("verdict") or {}
        examined = verdict.get("student")
        outcomes = self.reader.outcomes(examined or f"round-{self.best_round}", "private" if examined else "gate")
        best = sum(outcome.score for outcome in outcomes) / len(outcomes) if outcomes else None
        return RunSummary(
            self.name,
            self.folder,
            self.reader.meta("recipe_name", "?"),
            self.status,
            self.reader.meta("created", 0.0),
            best,
            bool(examined) and not was_read(self.reader),
        )

    def summary(self) -> dict[str, Any]:
        """Everything that `show --json` prints."""
        from toolkit.run.summary import summarise

        return summarise(self)

    def report(self) -> Path:
        """Write `report.html` and `report.md` into the run's folder; returns the path of the former."""
        from toolkit.run.report import write_report

        return write_report(self)

    def lineage(self) -> dict[str, Any]:
        """Which rows stood in which training, and what each skill's score did from round to round."""
        from toolkit.run.lineage import lineage

        return lineage(self)

    def leave_out(self, batch: str) -> dict[str, Any]:
        """Train the best round without a batch (`round=2`, `label=x`, `style=y`) and say what the batch was worth."""
        from toolkit.run.leave_out import leave_out

        return leave_out(self.folder, batch)

    def rows(self, status: str = "accepted") -> Dataset:
        """Rows as a `datasets.Dataset` with the columns of the journal."""
        from toolkit.data.export import as_dataset

        return as_dataset(self.reader.rows(status=status))

    def outcomes(self, student: str, split: str = "gate") -> Sequence[Outcome]:
        """Per-item outcomes of a student: `zero-shot`, `few-shot` or `round-N`."""
        return self.reader.outcomes(student, split)

    def student(self, round_number: int | None = None, *, trained: bool = True) -> Student:
        """The student of a round (the best one by default), ready to answer; close it after use."""
        from toolkit.run.students import open_trained

        return open_trained(self, round_number, trained=trained)

    def export(self, to: Target, **options: Any) -> Done:
        """Write the best student for other programs; `options` as in `toolkit.run.export.export_run`."""
        from toolkit.run.export import export_run

        return export_run(self, to, **options)

    @property
    def best_round(self) -> int | None:
        """The newest accepted round."""
        accepted = [found["number"] for found in self.rounds if found["decision"] == "accepted"]
        return accepted[-1] if accepted else None


def _folders() -> list[Path]:
    if not runs_dir().is_dir():
        return []
    found = [folder for folder in runs_dir().iterdir() if (folder / DATABASE).is_file()]
    return sorted(found, key=_created, reverse=True)


def _created(folder: Path) -> float:
    reader = JournalReader(folder)
    try:
        return float(reader.meta("created", 0.0))
    except JournalError:
        return folder.stat().st_mtime
    finally:
        reader.close()
