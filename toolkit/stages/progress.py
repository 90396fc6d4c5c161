"""The forecast: what is left, at the pace that this run has shown so far."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from toolkit.budget import Forecast, Pace, Work, forecast
from toolkit.budget.forecast import measured
from toolkit.evaluation.probe import probe_items
from toolkit.journal import JournalReader
from toolkit.paths import cache_dir, write_text
from toolkit.recipe import Recipe
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
    lessons = [accepted * carried + per_round * (number if carried else 1) for number in range(1, left + 1)]
    scored = journal.scored() if journal else []
    baselines = 0 if ("few-shot", "gate") in scored else 2 * (public + gate)
    again = recipe.file.train.seeds - 1  # students of the best round that are trained with other seeds
    probe = len(probe_items()) if recipe.file.acceptance.probe != "off" else 0
    return Work(
        rows=max(0, budget.rows - accepted) if left else 0,
        example_epochs=round((sum(lessons) + again * (lessons or [accepted])[-1]) * epochs),
        answers=left * (public + gate + probe) + (1 + again) * private,
        baseline_answers=baselines + 2 * private,
        loads=2 * (left + again) + 2 + bool(baselines),
    )


USUAL_ITEMS = 120
"""A split's size is known only once the data is read; this is about that of the shipped recipes."""


def before_run(recipe: Recipe) -> float:
    """Seconds that a run of this recipe may take, at this machine's last known pace."""
    work = work_left(recipe, None, USUAL_ITEMS, USUAL_ITEMS, 3 * USUAL_ITEMS)
    return forecast(work, known_pace()).seconds_left


def pace_of(recipe: Recipe, journal: JournalReader) -> Pace:
    """The pace that a journal shows; what it does not show yet is this machine's last known pace."""
    seconds = stage_seconds(journal)
    rows = journal.row_counts()["accepted"]
    examples = sum(len(found["row_ids"]) for found in journal.rounds() if found["adapter"])
    epochs = recipe.file.train.epochs
    return measured(
        known_pace(),
        row_seconds=seconds.get("generate", 0) / rows if rows > 20 else None,
        example_seconds=seconds.get("train", 0) / (examples * epochs) if examples else None,
    )


def known_pace() -> Pace:
    """The pace of this machine's last finished run, or the default one."""
    path = cache_dir() / PACE_FILE
    if not path.is_file():
        return Pace()
    speeds = json.loads(path.read_text(encoding="utf-8"))
    return measured(Pace(), **{name: speeds.get(name) for name in asdict(Pace())})


def remember_pace(recipe: Recipe, journal: JournalReader) -> None:
    """Keep this run's pace for the forecasts of later runs."""
    write_text(cache_dir() / PACE_FILE, json.dumps(asdict(pace_of(recipe, journal))))


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
