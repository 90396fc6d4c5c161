"""The forecast: what is left, at the pace that this run has shown so far."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from typing import Any

from toolkit.budget import Forecast, Pace, Size, Spending, Work, forecast, shrink
from toolkit.budget.forecast import measured
from toolkit.errors import ModelError, RecipeError
from toolkit.evaluation.probe import probe_items
from toolkit.journal import JournalReader
from toolkit.models.catalog import entry
from toolkit.models.prices import price_of
from toolkit.paths import cache_dir, write_text
from toolkit.recipe import Recipe
from toolkit.stages.general import general_counts
from toolkit.stages.given import given_count
from toolkit.stages.session import Session

PACE_FILE = "pace.json"


def work_left(recipe: Recipe, journal: JournalReader | None, public: int, gate: int, private: int) -> Work:
    """What a run still has to do. Without a journal: all of it.

    Args:
        public, gate, private: the number of items in each split.
    """
    budget, epochs = recipe.file.budget, recipe.file.train.epochs
    rounds = journal.rounds() if journal else []
    done = sum(1 for found in rounds if found["ended"])
    accepted = journal.row_counts()["accepted"] if journal else 0
    rounds_wanted = 1 if recipe.file.engineer.mode != "iterative" else budget.rounds
    left = max(0, rounds_wanted - done)
    per_round = max(0, budget.rows - accepted) / max(1, left)
    carried = recipe.file.train.rows != "fresh"
    given = given_count(recipe)
    lessons = [given + accepted * carried + per_round * (number if carried else 1) for number in range(1, left + 1)]
    mixed = 1 + recipe.file.train.replay  # general rows are trained on as well
    scored = journal.scored() if journal else []
    baselines = 0 if ("few-shot", "gate") in scored else 2 * (public + gate)
    again = recipe.file.train.seeds - 1  # students of the best round that are trained with other seeds
    probe = len(probe_items()) if recipe.file.acceptance.probe != "off" else 0
    return Work(
        rows=max(0, budget.rows - accepted) if left else 0,
        example_epochs=round((sum(lessons) + again * (lessons or [accepted])[-1]) * mixed * epochs),
        answers=left * (public + gate + probe) + (1 + again) * private,
        baseline_answers=baselines + 2 * private,
        loads=2 * (left + again) + 2 + bool(baselines),
    )


USUAL_ITEMS = 120
"""A split's size is known only once the data is read; this is about that of the shipped recipes."""


def forecast_before(recipe: Recipe) -> Forecast:
    """Seconds by stage that a run of this recipe may take, at this machine's last known pace."""
    work = work_left(recipe, None, USUAL_ITEMS, USUAL_ITEMS, 3 * USUAL_ITEMS)
    return forecast(work, known_pace(recipe.file.teacher.model))


def before_run(recipe: Recipe) -> float:
    """Seconds that a run of this recipe may take."""
    return forecast_before(recipe).seconds_left


def spending_before(recipe: Recipe) -> Spending:
    """Tokens, disk and money that a run of this recipe may take; retried and engineer's calls are not in it."""
    pace, rows = known_pace(recipe.file.teacher.model), recipe.file.budget.rows
    prompt, completion = round(rows * pace.row_prompt_tokens), round(rows * pace.row_completion_tokens)
    price = price_of(recipe.file.teacher.model)
    rounds = 1 if recipe.file.engineer.mode != "iterative" else recipe.file.budget.rounds
    students = rounds + recipe.file.train.seeds - 1
    adapters = (students * COPIES + CHECKPOINTS) * _adapter_bytes(recipe)
    dollars = price.of(prompt, completion) if price else None
    return Spending(prompt, completion, adapters + rows * BYTES_PER_ROW, dollars)


COPIES = 2
"""An adapter is kept for peft and as GGUF."""

CHECKPOINTS = 6
"""Until a training has ended, two checkpoints stand, each with the adapter and two moments of the optimizer."""

BYTES_PER_ROW = 4096
"""A row, its share of a call, and its steps in the journal."""


def _adapter_bytes(recipe: Recipe) -> int:
    """float32 LoRA on all linear layers: 4.9 million of SmolLM2's 134.5 with r=16, less of larger models."""
    try:
        parameters = entry(recipe.file.student.model).parameters
    except ModelError:  # weights outside of the catalog
        parameters = 500_000_000
    return round(4 * parameters * 0.0023 * recipe.file.train.lora_r)


def fitted(recipe: Recipe, seconds: float) -> list[str]:
    """Overrides with which the recipe is forecast to end within `seconds`.

    Raises RecipeError when not even one round on the fewest rows does.
    """
    budget = recipe.file.budget

    def seconds_of(size: Size) -> float:
        changed = budget.model_copy(update={"rounds": size.rounds, "rows": size.rows})
        return before_run(replace(recipe, file=recipe.file.model_copy(update={"budget": changed})))

    least = min(budget.rows, max(budget.min_rows, 2 * len(recipe.file.task.labels)))
    size = shrink(Size(budget.rounds, budget.rows), least, seconds, seconds_of)
    if size is None:
        shortest = seconds_of(Size(1, least)) / 60
        raise RecipeError(
            f"not even one round on {least} rows is forecast to end within {seconds / 60:.0f} minutes",
            f"write --within {shortest + 1:.0f}m, or use a smaller student or fewer items",
        )
    calls = max(1, round(budget.teacher_calls * size.rows / budget.rows))
    changed = {"rounds": size.rounds, "rows": size.rows, "teacher_calls": calls, "minutes": round(seconds / 60, 2)}
    return [f"budget.{key}={value}" for key, value in changed.items()]


def pace_of(recipe: Recipe, journal: JournalReader) -> Pace:
    """The pace that a journal shows; what it does not show yet is this machine's last known pace."""
    seconds = stage_seconds(journal)
    rows = journal.row_counts()["accepted"]
    general = general_counts(journal)
    trained = [found for found in journal.rounds() if found["adapter"]]
    examples = sum(len(found["row_ids"]) + general.get(found["number"], 0) for found in trained)
    epochs = recipe.file.train.epochs
    spent = journal.call_totals("teacher")
    enough = rows > 20
    return measured(
        known_pace(recipe.file.teacher.model),
        row_seconds=seconds.get("generate", 0) / rows if enough else None,
        row_prompt_tokens=spent["prompt_tokens"] / rows if enough else None,
        row_completion_tokens=spent["completion_tokens"] / rows if enough else None,
        example_seconds=seconds.get("train", 0) / (examples * epochs) if examples else None,
    )


TEACHERS_OWN = ("row_seconds", "row_prompt_tokens", "row_completion_tokens")
"""The speeds that belong to a teacher; the others belong to the machine."""


def known_pace(teacher: str = "") -> Pace:
    """The pace of this machine's last finished run, with that of the teacher's last one; or the default."""
    stored = _stored_pace()
    own = stored.get("teachers", {}).get(teacher, {})
    speeds = {name: own.get(name, stored.get(name)) for name in asdict(Pace())}
    return measured(Pace(), **speeds)


def remember_pace(recipe: Recipe, journal: JournalReader) -> None:
    """Keep this run's pace for the forecasts of later runs."""
    found = asdict(pace_of(recipe, journal))
    teachers = _stored_pace().get("teachers", {})
    teachers[recipe.file.teacher.model] = {name: found[name] for name in TEACHERS_OWN}
    write_text(cache_dir() / PACE_FILE, json.dumps({**found, "teachers": teachers}))


def _stored_pace() -> dict[str, Any]:
    try:
        found = json.loads((cache_dir() / PACE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def stage_seconds(journal: JournalReader) -> dict[str, float]:
    """Wall clock by stage name; a running stage counts up to now."""
    now = time.time()
    seconds: dict[str, float] = {}
    for stage in journal.stages():
        lasted = (stage["ended"] or now) - stage["started"]
        seconds[stage["name"]] = seconds.get(stage["name"], 0.0) + lasted
    return seconds


def announce_forecast(session: Session) -> Forecast:
    """Journal what is left and when it will be done."""
    data = session.data
    work = work_left(session.recipe, session.journal, len(data.public), len(data.gate), data.sealed.count)
    found = forecast(work, pace_of(session.recipe, session.journal))
    session.journal.event(
        "forecast", seconds_left=found.seconds_left, stages=found.stages, ends_at=time.time() + found.seconds_left
    )
    return found
