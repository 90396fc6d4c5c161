"""The run's scorer. A judge is opened when it is first needed, and has to agree with a person before it counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.errors import SchoolhouseError
from toolkit.evaluation.judge import LEAST_LABELS, Agreement, Judge, Label, measure, read_labels
from toolkit.evaluation.judge.labels import EXAMPLE
from toolkit.evaluation.scorers import Scorer, open_scorer
from toolkit.models.chat import ChatModel, open_chat_model
from toolkit.models.servers import server_settings
from toolkit.recipe import JUDGED, Recipe
from toolkit.types import Completion, Item, Json, Request, digest

if TYPE_CHECKING:
    from toolkit.stages.session import Session

LABELS_FILE = "judge.jsonl"
"""In the run's folder; labels there count as those of the recipe's file do."""


def check_scorer(recipe: Recipe) -> None:
    """Raises SchoolhouseError when the recipe's scorer cannot be used. A judge is looked at when it is needed."""
    if recipe.file.task.scored_by != JUDGED:
        open_scorer(recipe.file.task.scored_by)


def scorer_of(session: Session) -> Scorer:
    """The scorer of the run's recipe."""
    name = session.recipe.file.task.scored_by
    return JudgeScorer(session) if name == JUDGED else open_scorer(name, session.note_once)


def release_scorer(session: Session) -> None:
    """Give a judge's memory back and note what it cost."""
    if isinstance(session.scorer, JudgeScorer):
        session.scorer.release()


class JudgeScorer:
    """The seam's scorer over a judge. What it is asked is not journaled: it holds gate and sealed items."""

    def __init__(self, session: Session) -> None:
        settings = session.recipe.file.task.judge
        if settings is None:  # the recipe's checks ask for it
            raise SchoolhouseError("a judged task needs task.judge", "write `judge: {rubric: …}` under task")
        self._session, self._model = session, None
        self._labels = [session.folder / LABELS_FILE, session.recipe.folder / settings.labels]
        self._judge = Judge(self._ask, settings.rubric, settings.mode)
        self._counts = False
        self._open: ChatModel | None = None

    def __call__(self, item: Item, answer: str) -> float:
        """Raises SchoolhouseError when the judge does not agree with a person, or nobody has labelled enough."""
        if answer == item.output:
            return 1.0  # what the data say is right needs no judge
        if not self._counts:
            self._require()
        return self._judge.score(item, answer)

    def release(self) -> None:
        if self._judge.calls:
            self._session.journal.event(
                "judged",
                calls=self._judge.calls,
                prompt_tokens=self._judge.prompt_tokens,
                completion_tokens=self._judge.completion_tokens,
                unreadable=self._judge.unreadable,
            )
            self._judge.calls = self._judge.prompt_tokens = self._judge.completion_tokens = self._judge.unreadable = 0
        if self._open is not None:
            self._open.close()
            self._open = None

    def _require(self) -> None:
        labels = self.enough_labels()
        key = agreement_key(self._session.recipe, labels)
        known: dict[str, Json] = self._session.journal.meta("judge") or {}
        if known.get("key") != key:
            found = measure(self._judge, labels)
            known = {"key": key, "model": self._session.recipe.judge, **found.to_json()}
            self._session.journal.set_meta("judge", known)
            self._session.journal.event("log", text=found.words)
        if not known["passes"]:
            fix = (
                "make task.judge.rubric clearer, name a stronger task.judge.model, or look at the labels in "
                f"{self._labels[-1]} again; then schoolhouse run the recipe again"
            )
            raise SchoolhouseError(f"the judge does not count: {known['words']}", fix)
        self._counts = True

    def enough_labels(self) -> list[Label]:
        """The labels of a person. Raises SchoolhouseError while they are too few, or all of one kind."""
        labels = read_labels(self._labels)
        places = " or ".join(dict.fromkeys(map(str, self._labels)))
        if len(labels) < LEAST_LABELS or len({label.right for label in labels}) < 2:
            message = (
                f"a judge counts only after its agreement with at least {LEAST_LABELS} answers that a person has "
                f"labelled, right ones and wrong ones; here are {len(labels)}"
            )
            fix = (
                "label answers at the desk (schoolhouse, the run, Evaluation, key j), or write lines such as "
                f"{EXAMPLE} to {places}; then schoolhouse resume {self._session.folder.name}"
            )
            raise SchoolhouseError(message, fix)
        if self._judge.mode == "pair" and not all(label.reference for label in labels):
            raise SchoolhouseError("in pairs every label needs a `reference`", f"add it to each line of {places}")
        return labels

    def _ask(self, requests: Sequence[Request]) -> list[Completion]:
        if self._open is None:
            recipe = self._session.recipe
            context, server = max(recipe.file.teacher.context, 4096), server_settings(recipe)["judge"]
            self._open = open_chat_model(str(recipe.judge), context=context, server=server)
        answers = {request.hash: reply for request, reply in self._open.complete(requests)}
        return [answers[request.hash] for request in requests]


def agreement_key(recipe: Recipe, labels: Sequence[Label]) -> str:
    """Equal for what gives the same agreement: the judge, its rubric, and a person's labels."""
    settings = recipe.file.task.judge
    rubric, mode = (settings.rubric, settings.mode) if settings else ("", "")
    return digest([recipe.judge, rubric, mode, sorted(map(str, labels))])


def labels_of(recipe: Recipe, run_folder: Path) -> list[Label]:
    """The labels that a judge of this run is held against. Raises DataError."""
    settings = recipe.file.task.judge
    return read_labels([run_folder / LABELS_FILE, *([recipe.folder / settings.labels] if settings else [])])


__all__ = [
    "JUDGED",
    "LABELS_FILE",
    "Agreement",
    "JudgeScorer",
    "agreement_key",
    "check_scorer",
    "labels_of",
]
