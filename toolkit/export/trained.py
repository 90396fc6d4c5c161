"""What an export is made from: a trained student and everything that its card says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.evaluation.prompts import TaskPrompts
from toolkit.journal import GIVEN
from toolkit.models.catalog import CATALOG
from toolkit.recipe import Recipe
from toolkit.types import Item, Json, Score

Progress = Callable[[str, int, int], None]
"""What is being done, how many parts are done, and how many there are."""

UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The student of one round.

    Args:
        gguf: its base weights; `adapter`: the folder that the trainer made.
        rows: journal records of the rows it was trained on.
        scores: its scores in the run, by split.
        verdict: the exam's, in a sentence; empty when this student has not sat it.
        later_verdicts: those of later looks at the same items, each with `sentence` and `reason`.
        rejected: how many rows were turned away, by reason.
        firewall: how rows were compared with evaluation items.
    """

    run: str
    round: int
    recipe: Recipe
    gguf: Path
    adapter: Path
    rows: Sequence[Mapping[str, Json]]
    public: Sequence[Item]
    scores: Mapping[str, Score] = field(default_factory=dict)
    verdict: str = ""
    later_verdicts: Sequence[Mapping[str, str]] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    firewall: Sequence[str] = ()
    log: Path | None = None

    @property
    def name(self) -> str:
        """How the model is called elsewhere."""
        return f"{self.recipe.file.name}-{self.recipe.file.student.model.rpartition('/')[2].removesuffix('.gguf')}"

    @property
    def given(self) -> int:
        """How many of the rows are the recipe's own examples."""
        return sum(row["attempt"] == GIVEN for row in self.rows)

    @property
    def prompts(self) -> TaskPrompts:
        task = self.recipe.file.task
        return TaskPrompts(task.system, self.recipe.labels, task.answer)


def licence_of(model: str) -> str:
    """The licence of weights in the catalog, named with or without a backend."""
    name = model.rpartition("/")[2]
    return next((found.licence for found in CATALOG if found.name == name), UNKNOWN_LICENCE)
