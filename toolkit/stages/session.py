"""What all stages of a run share: the recipe, the data, the journal, the teacher, the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from toolkit.budget import Limits, Spent
from toolkit.data.firewall import Firewall
from toolkit.data.meanings import Meanings, read_meanings
from toolkit.data.prepare import FOLDER, RunData, prepare_for_work
from toolkit.errors import Paused
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.evaluation.scorers import Scorer
from toolkit.hardware import PeakMemory
from toolkit.journal import Journal
from toolkit.models.chat import ChatModel, open_chat_model
from toolkit.models.journaled import JournaledModel
from toolkit.models.server import ServerSettings
from toolkit.models.servers import server_settings
from toolkit.models.weights import weights_path
from toolkit.recipe import Recipe
from toolkit.stages.judging import release_scorer, scorer_of

PAUSE_FILE = "pause"
LAST_ROUND_FILE = "last-round"
"""Stands in a run's folder when a person wants no further round after the one that is under way."""
LEAVE_OUT = "leave-out"
"""The stage in which the best round is trained again without a batch of its rows."""
SEEDS, SEED = "seeds", "-seed-"
"""The stage in which it is trained again with other seeds, and what stands before the seed in a student's name."""
TICK_SECONDS = 10.0


@dataclass
class Session:
    """One process working on one run."""

    recipe: Recipe
    folder: Path
    journal: Journal
    memory: PeakMemory = field(default_factory=PeakMemory)
    pausing: bool = False
    tick: Callable[[], object] = lambda: None
    """Called at safe points, at most every few seconds, to renew the forecast."""
    _ticked: float = 0.0
    data: RunData = field(init=False)
    scorer: Scorer = field(init=False)
    teacher: JournaledModel = field(init=False)
    engineer: JournaledModel = field(init=False)
    """The teacher itself, when both are the same weights."""

    def __post_init__(self) -> None:
        self.folder.joinpath(PAUSE_FILE).unlink(missing_ok=True)
        self.scorer = scorer_of(self)
        with self.stage("prepare"):
            self.data = prepare_for_work(self.recipe, self.folder)
        if self.data.doubts:
            self.note_once(self.data.doubts)
        teacher, planner = self.recipe.file.teacher, self.recipe.file.engineer
        shared = planner.model in (None, teacher.model)
        # one set of weights is loaded once; a longer context changes no answer
        context = max(teacher.context, planner.context) if shared and planner.asks else teacher.context
        asked = server_settings(self.recipe)
        self.teacher = self._model("teacher", teacher.model, context, asked["teacher"])
        self.engineer = (
            self.teacher if shared else self._model("engineer", str(planner.model), planner.context, asked["engineer"])
        )

    def _model(self, role: str, name: str, context: int, server: ServerSettings) -> JournaledModel:
        def opener() -> ChatModel:
            return open_chat_model(name, context=context, server=server)

        return JournaledModel(name, role, self.journal, opener, self.safe_point)

    @property
    def prompts(self) -> TaskPrompts:
        task = self.recipe.file.task
        return TaskPrompts(task.system, self.data.labels, task.answer)

    @property
    def student_gguf(self) -> Path:
        """The student's base weights. Raises ModelError when they are not there."""
        return weights_path(self.recipe.file.student.model)

    @property
    def one_shot(self) -> bool:
        """Whether the first valid submission is the only one, and sits the exam."""
        return self.recipe.file.engineer.mode != "iterative"

    @property
    def human(self) -> bool:
        """Whether people wrote the rows."""
        return self.recipe.file.engineer.mode == "human"

    @property
    def arm(self) -> str:
        """Which way of carrying the recipe out this run is."""
        series = self.journal.meta("series")
        return str(series["arm"]) if series else self.recipe.file.engineer.mode

    @property
    def limits(self) -> Limits:
        budget = self.recipe.file.budget
        rounds = 1 if self.one_shot else budget.rounds
        return Limits(rounds, budget.rows, budget.teacher_calls, budget.minutes * 60)

    def spent(self) -> Spent:
        """What the journal says was used, in this and in earlier processes."""
        done = [record for record in self.journal.rounds() if record["ended"]]
        totals = self.journal.call_totals("teacher")
        rows = self.journal.row_counts()["accepted"]
        return Spent(len(done), rows, totals["calls"], self.seconds())

    def seconds(self) -> float:
        """Wall clock of all stages so far, which do not overlap; what a person asked for beside them does not count."""
        now, stages = time.time(), [stage for stage in self.journal.stages() if stage["name"] != LEAVE_OUT]
        return float(sum((stage["ended"] or now) - stage["started"] for stage in stages))

    def firewall(self) -> Firewall:
        sealed = self.data.sealed.fingerprints()
        return Firewall(self.data.public, self.data.gate, sealed, meanings=self.meanings)

    @cached_property
    def meanings(self) -> Meanings | None:
        """What the evaluation items mean; None in a run that began without sentence embeddings."""
        return read_meanings(self.folder / FOLDER)

    @contextmanager
    def stage(self, name: str, round: int | None = None) -> Iterator[None]:
        """Time a stage and note its peak memory."""
        self.memory.reset()
        with self.journal.stage(name, round):
            try:
                yield
            finally:
                self.journal.memory(self.memory.peak)

    def safe_point(self) -> None:
        """A place where the run may stop without losing anything. Raises Paused when asked to."""
        if time.monotonic() - self._ticked > TICK_SECONDS:
            self._ticked = time.monotonic()
            self.tick()
        if self.pausing or self.folder.joinpath(PAUSE_FILE).exists():
            self.journal.event("paused")
            raise Paused("paused; everything so far is kept", f"schoolhouse resume {self.folder.name}")

    def note_once(self, text: str) -> None:
        """Say something in the log, once in a run however often it comes up."""
        noted = self.journal.meta("noted", [])
        if text not in noted:
            self.journal.set_meta("noted", [*noted, text])
            self.journal.event("log", text=text)

    def release(self) -> None:
        """Give the chat models' memory back; they are opened again when they are asked."""
        release_scorer(self)
        for name in ("teacher", "engineer"):
            if hasattr(self, name):
                getattr(self, name).release()

    def close(self) -> None:
        self.release()
        self.memory.close()
