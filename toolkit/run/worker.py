"""The one process that works on a run."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from toolkit.data.prepare import FOLDER as DATA
from toolkit.data.prepare import prepare, writing
from toolkit.data.sealed import Sealed, require_exam, times_opened
from toolkit.errors import JournalError, Paused, SchoolhouseError
from toolkit.evaluation.own_answers import doubts_about
from toolkit.evaluation.verdict import Verdict
from toolkit.journal import Journal
from toolkit.loop import carry_out
from toolkit.models.chat import split_name
from toolkit.models.llama_native import require as require_llama_cpp
from toolkit.models.servers import check_servers
from toolkit.models.weights import weights_path
from toolkit.paths import runs_dir
from toolkit.recipe import Recipe, recipe_from_text
from toolkit.run.versions import versions
from toolkit.stages.exam import exam_again
from toolkit.stages.judging import check_scorer
from toolkit.stages.memory_needs import require_memory
from toolkit.stages.progress import remember_pace
from toolkit.stages.session import Session
from toolkit.training.trainer import require_method, require_trainer
from toolkit.types import Item, Json


def begin(
    recipe: Recipe, folder: Path | None = None, *, name: str = "", series: Json = None, data_of: Path | None = None
) -> Path:
    """Make a run folder that holds the recipe's data and a journal that knows its recipe; returns where it is.

    Args:
        folder: where it shall be; by default a new one among the runs.
        name: what that one's name begins with; by default the recipe's name.
        series: what the arms of one recipe know of each other.
        data_of: the folder of a run whose data, already split, this one shares.

    Raises SchoolhouseError when the scorer, weights, trainer or data cannot be used, when memory or disk are too
    small, or when the folder exists; then nothing is left behind.
    """
    trainer = _usable_trainer(recipe)
    with writing(folder or runs_dir()):
        folder = _claim(folder, name or recipe.file.name)
    first = {
        "recipe": recipe.dump(),
        "recipe_folder": str(recipe.folder.resolve()),
        "recipe_name": recipe.file.name,
        "fingerprint": recipe.fingerprint,
        "trainer": trainer,  # what `auto` means stays the same for the whole run
        "created": time.time(),
        "state": "new",
    }
    try:
        with writing(folder):
            if data_of:
                shutil.copytree(data_of / DATA, folder / DATA)
            prepare(recipe, folder, doubts_about)
            Journal(folder, {**first, "series": series} if series else first).close()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _claim(folder: Path | None, name: str) -> Path:
    """Make the folder that this run alone has: two runs that begin in the same second get two."""
    if folder:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise JournalError(f"{folder} exists already", "choose another folder for the run") from None
        return folder
    stamp = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder, number = runs_dir() / stamp, 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
            folder = runs_dir() / f"{stamp}-{number}"
        else:
            return folder


def _usable_trainer(recipe: Recipe) -> str:
    """The trainer's name, once all that a run of the recipe needs is here."""
    check_scorer(recipe)
    for name in weights_of(recipe):
        weights_path(name)
    check_servers(recipe)
    settings = recipe.file.train
    trainer = require_trainer(settings.backend, settings.python)
    require_method(trainer, settings.method, settings.python)
    require_memory(recipe)
    if recipe.file.student.backend == "llama_cpp":
        require_llama_cpp("student.backend: llama_cpp")
    return trainer


def weights_of(recipe: Recipe) -> list[str]:
    """The weights that a run of the recipe needs. Raises ModelError for an unknown backend."""
    planner = recipe.file.engineer
    judges = [recipe.judge] if recipe.judge else []
    models = [recipe.file.teacher.model, *judges, *([planner.model] if planner.asks and planner.model else [])]
    local = [name for backend, name in map(split_name, dict.fromkeys(models)) if backend == "llama_cpp"]
    return [recipe.file.student.model, *local]


def recipe_of(journal: Journal) -> Recipe:
    """The recipe as it was when the run began; later edits of the file do not matter."""
    folder = Path(journal.meta("recipe_folder"))
    return recipe_from_text(journal.meta("recipe"), folder, folder / "recipe.yaml")


def work(folder: Path) -> Verdict | None:
    """Carry a run out, from wherever its journal ends.

    Raises Paused, JournalError when another process works on it, and SchoolhouseError for
    expected failures; the journal has the state either way.
    """
    with Journal(folder) as journal, _state(journal):
        journal.close_open_stages()
        recipe = recipe_of(journal)
        again = journal.last_event("run_started") is not None
        names = {
            "recipe": recipe.file.name,
            "teacher": recipe.file.teacher.model,
            "student": recipe.file.student.model,
            "engineer": recipe.file.engineer.kind,
        }
        journal.event("resumed" if again else "run_started", **names)
        journal.set_meta("versions", versions())
        session = Session(recipe, folder, journal)
        try:
            with _pause_on_interrupt(session):
                found = carry_out(session)
            remember_pace(recipe, journal)
            return found
        finally:
            session.close()


def open_sealed(folder: Path, reason: str) -> list[Item]:
    """Look at the private items of a run that has sat its exam. The look is journaled, counted and announced.

    Raises JournalError before the exam or while another process works on the run, ValueError without a reason.
    """
    with Journal(folder) as journal:
        items = Sealed(folder / DATA).open(journal, reason)
        journal.event("log", text=f"the sealed items were opened, time {times_opened(journal)}: {reason}")
        return items


def examine_again(folder: Path, number: int, reason: str) -> Verdict:
    """Let round `number` sit on the items that the exam has spent. Raises as `open_sealed` does."""
    with Journal(folder) as journal:
        require_exam(journal)
        journal.close_open_stages()
        session = Session(recipe_of(journal), folder, journal)
        try:
            return exam_again(session, number, reason)
        finally:
            session.close()


@contextmanager
def _state(journal: Journal) -> Iterator[None]:
    """Keep `state` true: running (with the process), finished, paused, or failed with the reason."""
    me = psutil.Process()
    journal.set_meta("worker", {"pid": me.pid, "created": me.create_time()})
    journal.set_meta("state", "running")
    try:
        yield
    except (Paused, KeyboardInterrupt):
        journal.set_meta("state", "paused")
        raise
    except SchoolhouseError as error:
        journal.set_meta("state", "failed")
        journal.event("failed", error=error.message, fix=error.fix)
        raise
    except Exception as error:
        journal.set_meta("state", "failed")
        journal.event(
            "failed", error=f"{type(error).__name__}: {error}", fix=f"schoolhouse resume {journal.folder.name}"
        )
        raise
    journal.set_meta("state", "finished")
    journal.set_meta("ended", time.time())
    journal.event("run_ended", reason="finished")


@contextmanager
def _pause_on_interrupt(session: Session) -> Iterator[None]:
    """The first Ctrl-C pauses at the next safe point, the second stops now; both can be resumed."""

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        if session.pausing:
            raise KeyboardInterrupt
        session.pausing = True
        session.journal.event("log", text="pausing at the next safe point; Ctrl-C again stops now")

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
