"""The forecast: what is left, at the pace that this run has shown so far."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from toolkit.budget import Forecast, Pace, Size, Spending, forecast, shrink
from toolkit.budget.forecast import measured
from toolkit.data.prepare import prepare
from toolkit.data.sources import read_examples
from toolkit.data.splits import make_splits
from toolkit.errors import ModelError, RecipeError
from toolkit.journal import JournalReader, Record
from toolkit.models.catalog import entry
from toolkit.models.prices import Price, price_of
from toolkit.paths import cache_dir, write_text
from toolkit.recipe import Recipe
from toolkit.stages.general import general_counts
from toolkit.stages.session import SEEDS, Session
from toolkit.stages.work_left import seeds_of, work_left
from toolkit.types import BASELINES

PACE_FILE = "pace.json"
FEW_ROWS = 20
"""From so few rows a teacher's pace cannot be told."""


USUAL_ITEMS = 120
"""A split's size is known only once the data is read; this is about that of the shipped recipes."""

Items = tuple[int, int, int]
"""How many items `public`, `gate` and `private` have."""


def items_of(recipe: Recipe, folder: Path | None = None) -> Items:
    """How many items a run is measured with: counted in its folder, else what the recipe and habit let expect."""
    if folder:
        data = prepare(recipe, folder)
        return len(data.public), len(data.gate), data.sealed.count
    found: dict[str, int] = {"public": USUAL_ITEMS, "gate": USUAL_ITEMS, "private": 3 * USUAL_ITEMS}
    if recipe.labels:
        found |= {split: most * len(recipe.labels) for split, most in recipe.file.data.per_label.items()}
    return found["public"], found["gate"], found["private"]


def forecast_before(recipe: Recipe, items: Items | None = None) -> Forecast:
    """Seconds by stage that a run of this recipe may take, at this machine's last known pace."""
    work = work_left(recipe, None, *(items or items_of(recipe)))
    return forecast(work, known_pace(recipe.file.teacher.model))


def before_run(recipe: Recipe, items: Items | None = None) -> float:
    """Seconds that a run of this recipe may take."""
    return forecast_before(recipe, items).seconds_left


def dearer(recipe: Recipe) -> list[str]:
    """Who else is asked, of engineer and judge, at a price that is not in what the teacher takes."""
    planner, teacher = recipe.file.engineer, recipe.file.teacher.model
    models = {"engineer": planner.model if planner.asks else None, "judge": recipe.judge}
    return [role for role, model in models.items() if model not in (None, teacher) and price_of(str(model)) != Price()]


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

    Raises RecipeError when not even one round on the fewest rows does, DataError when the data cannot be used.
    """
    budget = recipe.file.budget
    splits = make_splits(read_examples(recipe), recipe).items
    items = len(splits["public"]), len(splits["gate"]), len(splits["private"])

    def seconds_of(size: Size) -> float:
        changed = budget.model_copy(update={"rounds": size.rounds, "rows": size.rows})
        return before_run(replace(recipe, file=recipe.file.model_copy(update={"budget": changed})), items)

    least = min(budget.rows, max(budget.min_rows, 2 * len(recipe.labels)))
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
    return measured(
        known_pace(recipe.file.teacher.model),
        **teachers_pace(journal),
        **_training_pace(recipe, journal),
        **_answering_pace(journal),
    )


def teachers_pace(journal: JournalReader) -> dict[str, float]:
    """What a row has cost the teacher so far, by the names of `TEACHERS_OWN`; empty while there are few rows."""
    rows = journal.row_counts()["accepted"]
    if rows <= FEW_ROWS:
        return {}
    spent = journal.call_totals("teacher")
    return {
        "row_seconds": stage_seconds(journal).get("generate", 0) / rows,
        "row_prompt_tokens": spent["prompt_tokens"] / rows,
        "row_completion_tokens": spent["completion_tokens"] / rows,
    }


def _training_pace(recipe: Recipe, journal: JournalReader) -> dict[str, float | None]:
    """From the journaled steps: those of a training that is going on count as well, its start does not."""
    general, epochs = general_counts(journal), recipe.file.train.epochs
    sizes = {one["number"]: len(one["row_ids"]) + general.get(one["number"], 0) for one in journal.rounds()}
    stages = [stage for stage in journal.stages() if stage["name"] in ("train", SEEDS)]
    trainings = [*journal.training_times().values(), *seeds_of(journal).values()]
    taken = [(sizes[one["round"]], one) for one in trainings if one["round"] in sizes]
    examples = sum(size * epochs * (one["step"] - one["begun"]) / one["steps"] for size, one in taken)
    seconds = sum(_worked(stages, one["first"], one["last"]) for _, one in taken)
    spans = [(stage["started"], stage["ended"] or time.time()) for stage in stages]
    starts = [one["first"] - begun for _, one in taken for begun, ended in spans if begun <= one["first"] <= ended]
    return {
        "example_seconds": seconds / examples if examples else None,
        "load_seconds": sum(starts) / len(starts) if starts else None,
    }


def _answering_pace(journal: JournalReader) -> dict[str, float | None]:
    """From the journaled answers; the first of a sitting, for which the student was loaded, do not count."""
    stages, answers = journal.stages(), Counter[str]()
    seconds: dict[str, float] = defaultdict(float)
    for one in journal.answer_times():
        untrained = one["student"] in BASELINES
        if not (untrained and one["split"] == "probe"):
            kind = "baseline_seconds" if untrained else "answer_seconds"
            seconds[kind] += _worked(stages, one["first"], one["last"])
            answers[kind] += one["later"]
    return {kind: seconds[kind] / answers[kind] for kind in answers if answers[kind]}


def _worked(stages: Sequence[Record], first: float, last: float) -> float:
    """Seconds from the first to the last in which the stages were going on, without the pauses between."""
    now = time.time()
    return float(sum(max(0.0, min(last, one["ended"] or now) - max(first, one["started"])) for one in stages))


TEACHERS_OWN = ("row_seconds", "row_prompt_tokens", "row_completion_tokens")
"""The speeds that belong to a teacher; the others belong to the machine."""


def known_pace(teacher: str = "") -> Pace:
    """The pace of this machine's last finished run, with that of the teacher's last one; or the default."""
    stored = _stored_pace()
    own = stored.get("teachers", {}).get(teacher, {})
    speeds = {name: own.get(name, stored.get(name)) for name in asdict(Pace())}
    return measured(Pace(), **speeds)


def remember_pace(recipe: Recipe, journal: JournalReader) -> None:
    """Keep this run's pace for the forecasts of later runs; a teacher's only if this run shows it."""
    stored, teacher = _stored_pace(), recipe.file.teacher.model
    found, shown = asdict(pace_of(recipe, journal)), teachers_pace(journal)
    teachers = stored.get("teachers", {})
    if shown:
        teachers[teacher] = shown
    if not shown or teacher.startswith("replay/"):  # answers from a file say nothing of the next teacher
        found |= {name: stored.get(name) for name in TEACHERS_OWN}
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
