"""What a run still has to do, less what its journal has already."""

from __future__ import annotations

from collections import Counter

from toolkit.budget import Work
from toolkit.evaluation.probe import probe_items
from toolkit.journal import JournalReader, Record
from toolkit.recipe import Recipe
from toolkit.stages.given import given_count
from toolkit.stages.session import SEED
from toolkit.types import BASELINES

Asked = Counter[tuple[str, str]]
"""(student, split) -> how many items were answered."""


def work_left(recipe: Recipe, journal: JournalReader | None, public: int, gate: int, private: int) -> Work:
    """What a run still has to do. Without a journal: all of it.

    Args:
        public, gate, private: the number of items in each split.
    """
    budget, settings = recipe.file.budget, recipe.file.train
    rounds = journal.rounds() if journal else []
    accepted = journal.row_counts()["accepted"] if journal else 0
    wanted = 1 if recipe.file.engineer.mode != "iterative" else budget.rounds
    enough = bool(journal and journal.meta("stopped"))  # the exam is all that follows
    left = 0 if enough else max(0, wanted - sum(1 for found in rounds if found["ended"]))
    under_way = next((found for found in rounds if not found["ended"]), None)  # all of its rows are written
    planned = max(0, left - bool(under_way))
    rows = max(0, budget.rows - accepted) if planned else 0
    lessons = _lessons(recipe, accepted, rows, planned)
    again = settings.seeds - 1  # students of the best round that are trained with other seeds
    seeds = seeds_of(journal) if journal else {}
    repeated = max(0.0, again - sum(map(_share, seeds.values()))) * (lessons or [given_count(recipe) + accepted])[-1]
    rest = _share_left(journal, under_way) * len(under_way["row_ids"]) if journal and under_way else 0.0
    mixed = 1 + settings.replay  # general rows are trained on as well
    probe = len(probe_items()) if recipe.file.acceptance.probe != "off" else 0
    asked = Asked({(one["student"], one["split"]): one["n"] for one in journal.answer_times()} if journal else {})
    baselines = _untrained(asked, public, gate)
    return Work(
        rows=rows,
        example_epochs=round((rest + sum(lessons) + repeated) * mixed * settings.epochs),
        answers=max(0, left * (public + gate + probe) + (1 + again) * private - _given(asked, under_way))
        + max(0, probe - asked["zero-shot", "probe"]),
        baseline_answers=baselines + max(0, 2 * private - _both(asked, "private")),
        loads=2 * (left + again)
        + 2
        + bool(baselines)
        - _loaded(journal, under_way, asked)
        - sum(1 + bool(asked[student, "private"]) for student in seeds),
    )


def _lessons(recipe: Recipe, accepted: int, rows: int, planned: int) -> list[float]:
    """How many rows each of the rounds trains on that have none yet."""
    carried = recipe.file.train.rows != "fresh"
    known = given_count(recipe) + accepted * carried
    return [known + rows / planned * (number if carried else 1) for number in range(1, planned + 1)]


def _share_left(journal: JournalReader, under_way: Record) -> float:
    """The share of a round's training that is still to come."""
    if under_way["adapter"]:
        return 0.0
    taken = journal.training_times().get(under_way["number"])
    return 1 - _share(taken) if taken else 1.0


def _share(training: Record) -> float:
    """The share of a training's steps that were taken."""
    return float(training["step"] / training["steps"])


def seeds_of(journal: JournalReader) -> dict[str, Record]:
    """The trainings with other seeds that have begun, by student, as `JournalReader.further_times` tells of them."""
    return {student: one for student, one in journal.further_times().items() if SEED in student}


def _given(asked: Asked, under_way: Record | None) -> int:
    """Answers of trained students that later rounds do not bring: of the round under way, and in the exam."""
    name = f"round-{under_way['number']}" if under_way else ""
    return sum(
        n
        for (student, split), n in asked.items()
        if student not in BASELINES and (split == "private" or student == name)
    )


def _both(asked: Asked, split: str) -> int:
    return sum(asked[name, split] for name in BASELINES)


def _untrained(asked: Asked, public: int, gate: int) -> int:
    """Answers of untrained students before the first round. Some public items are shown to few-shot, not asked."""
    before_gate = 0 if _both(asked, "gate") else max(0, 2 * public - _both(asked, "public"))
    return before_gate + max(0, 2 * gate - _both(asked, "gate"))


def _loaded(journal: JournalReader | None, under_way: Record | None, asked: Asked) -> int:
    """How many of the round's two processes, to train and to answer, have been started already."""
    if journal is None or under_way is None:
        return 0
    trains = bool(under_way["adapter"]) or under_way["number"] in journal.training_times()
    return trains + bool(asked[f"round-{under_way['number']}", "public"])
