"""Arms: one recipe carried out in several ways, one run after another, so that they can be compared.

All arms have the same data, items and untrained students. What the journals say is enough to
go on with a series that was stopped: the next arm is the first one that is not finished.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.data.prepare import prepare
from toolkit.errors import RecipeError
from toolkit.journal import GIVEN, arms_beside
from toolkit.recipe import Recipe, recipe_from_text
from toolkit.run.run import Run
from toolkit.run.students import run_recipe
from toolkit.run.worker import begin

ARMS: Mapping[str, tuple[str, ...]] = {
    "iterative": ("engineer.mode=iterative",),
    "control": ("engineer.mode=iterative", "engineer.kind=fixed", "engineer.feedback=bit"),
    "one-shot": ("engineer.mode=one-shot",),
    "human": ("engineer.mode=human", "engineer.kind=fixed"),
}
"""Arm -> what it sets in the recipe. `control` plans without feedback, `human` trains on labelled rows of people."""

Series = dict[str, Any]


def parse_arms(text: str) -> list[str]:
    """The arms of a comma-separated list. Raises RecipeError for an unknown one, or one named twice."""
    arms = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in arms if name not in ARMS]
    if unknown or not arms or len(set(arms)) < len(arms):
        wrong = f"there is no arm {unknown[0]!r}" if unknown else "each arm is named once"
        raise RecipeError(wrong, f"--arms {','.join(ARMS)}", key="--arms")
    return arms


def begin_series(recipe: Recipe, arms: Sequence[str]) -> Run:
    """Begin the first arm; `next_arm` begins the others.

    Raises RecipeError when two arms would be the same, or when people wrote too few rows for `human`.
    """
    if {"iterative", "control"} <= set(arms) and recipe.file.engineer.kind == "fixed":
        fix = "write another engineer, for example --engineer bandit, or leave one of the two arms out"
        raise RecipeError("control is the engineer `fixed`, and so is iterative here", fix, key="engineer.kind")
    series = {
        "id": secrets.token_hex(8),
        "arms": list(arms),
        "recipe": recipe.dump(),
        "folder": str(recipe.folder.resolve()),
    }
    first = _begin(series, arms[0], {})
    if "human" in arms:
        _require_human_rows(recipe, first)
    return first


def next_arm(run: Run) -> Run | None:
    """The arm of a run's series that is to be carried out next; None when all are finished, or it has no series."""
    series: Series | None = run.reader.meta("series")
    if not series:
        return None
    begun = siblings(run)
    for arm in series["arms"]:
        if arm not in begun:
            return _begin(series, arm, begun)
        if begun[arm].status != "finished":
            return begun[arm]
    return None


def siblings(run: Run) -> dict[str, Run]:
    """The arms of a run's series that were begun, itself included, in the order wanted; empty without a series."""
    return {arm: Run(folder) for arm, folder in arms_beside(run.reader).items()}


def _begin(series: Series, arm: str, earlier: Mapping[str, Run]) -> Run:
    folder = Path(series["folder"])
    overrides = [*ARMS[arm]]
    if arm == "control" and "iterative" in earlier:
        overrides += _as_much_as(earlier["iterative"])
    recipe = recipe_from_text(series["recipe"], folder, folder / "recipe.yaml", overrides)
    own = {**series, "arm": arm, "shares": [other.folder.name for other in earlier.values()]}
    shared = next((other.folder for other in earlier.values()), None)
    return Run(begin(recipe, name=f"{recipe.file.name}-{arm}", series=own, data_of=shared))


def _as_much_as(run: Run) -> list[str]:
    """The calls of a run, and the rows and rounds that its examined student learnt from, as another one's budget.

    All rows and rounds where none sat the exam. Rows of rounds that the student did not learn from made no score.
    """
    if not run.rounds:
        return []
    examined = (run.reader.meta("verdict") or {}).get("student")
    learnt = next((set(found["row_ids"]) for found in run.rounds if f"round-{found['number']}" == examined), None)
    written = [row for row in run.reader.rows(status="accepted") if row["attempt"] != GIVEN]
    rows = [row for row in written if learnt is None or row["id"] in learnt]
    rounds = len(run.rounds) if learnt is None else len({row["attempt"] for row in rows})
    most = len(rows) // run_recipe(run).file.budget.min_rows  # a person may have dropped some: each round needs enough
    rounds, calls = max(1, min(rounds, most)), run.reader.call_totals("teacher")["calls"]
    spent = [f"budget.rows={len(rows)}", f"budget.teacher_calls={calls}", f"budget.rounds={rounds}"]
    return [*spent, "budget.target=null", "budget.patience=null"]  # it shall spend all of that


def _require_human_rows(recipe: Recipe, run: Run) -> None:
    least, found = recipe.file.budget.min_rows, len(prepare(recipe, run.folder).extra)
    if found < least:
        shutil.rmtree(run.folder, ignore_errors=True)
        message = f"the arm human needs {least} labelled rows that no split takes, here are {found}"
        fix = "leave some over, for example data.splits={public: 0.2, gate: 0.2, private: 0.4}, or leave the arm out"
        raise RecipeError(message, fix, key="--arms")
