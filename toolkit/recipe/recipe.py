"""A recipe as the rest of the program sees it: checked values and where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from toolkit.recipe.schema import JUDGED, RecipeFile
from toolkit.recipe.yaml_text import dump
from toolkit.types import Json, digest


@dataclass(frozen=True)
class Recipe:
    """A checked recipe.

    Args:
        folder: what paths in it are relative to.
        path: the YAML file, as errors name it.
        file: the effective values, overrides included.
        text: the YAML as it was written.
    """

    folder: Path
    path: Path
    file: RecipeFile
    text: str

    @classmethod
    def load(cls, path_or_name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
        """The recipe of a folder or a name, with overrides such as `train.lr=2e-4`. Raises RecipeError."""
        from toolkit.recipe.load import load_recipe  # the loader makes recipes: it cannot be imported before them

        return load_recipe(path_or_name, overrides)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the effective values: equal recipes do equal work. 64 hex digits."""
        return digest(self.values())

    @property
    def labels(self) -> dict[str, str]:
        """The labels in use, with their descriptions: task.labels narrowed by data.labels."""
        known, chosen = self.file.task.labels, self.file.data.labels
        if chosen == "all":
            return dict(known)
        names = list(known)[:chosen] if isinstance(chosen, int) else [name for name in known if name in chosen]
        return {name: known[name] for name in names}

    @property
    def closed_answers(self) -> tuple[str, ...]:
        """The only answers that a student can give; empty when it writes freely."""
        closed = self.file.student.closed and self.file.task.answer == "label"
        return tuple(self.labels) if closed else ()

    @property
    def judge(self) -> str | None:
        """`backend/name` of who judges answers, the teacher's where none is named; None where a scorer does it."""
        task = self.file.task
        if task.judge is None or task.scored_by != JUDGED:
            return None
        return task.judge.model or self.file.teacher.model

    def values(self) -> dict[str, Json]:
        """The effective values, defaults included."""
        values: dict[str, Json] = self.file.model_dump(mode="json")
        return values

    def dump(self) -> str:
        """The effective recipe as YAML; `recipe_from_text` reads it back to an equal one."""
        return dump(self.values())
