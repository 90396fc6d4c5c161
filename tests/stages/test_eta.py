"""The forecast during a run, from a journal written at made-up times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.budget import forecast
from toolkit.journal import Journal
from toolkit.recipe import Recipe, load_recipe
from toolkit.stages import progress
from toolkit.stages.progress import pace_of
from toolkit.stages.work_left import work_left
from toolkit.types import Outcome

ITEMS = (20, 20, 60)
STEPS = 40


class Clock:
    now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    clock = Clock()
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    for module in ("toolkit.journal.writer.time", "toolkit.stages.progress.time"):
        monkeypatch.setattr(module, clock)
    return clock


@pytest.fixture
def journal(clock: Clock, tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "run") as opened:
        yield opened


@pytest.fixture
def recipe() -> Recipe:
    values = ["budget.rounds=1", "train.epochs=2", "train.examples=false", "acceptance.probe=off"]
    return load_recipe("quickstart", [*values, "budget.rows=100", "budget.min_rows=10"])


@contextmanager
def stage(journal: Journal, clock: Clock, name: str, loading: float) -> Iterator[None]:
    with journal.stage(name, 1):
        clock.now += loading
        yield


def answer(journal: Journal, clock: Clock, student: str, split: str, count: int, seconds: float) -> None:
    """In batches of ten, as they are journaled."""
    for begin in range(0, count, 10):
        clock.now += 10 * seconds
        batch = [Outcome(f"{split} {index}", "x", 1.0) for index in range(begin, begin + 10)]
        journal.outcomes_of(student, split, batch)


def baselines(journal: Journal, clock: Clock) -> None:
    with stage(journal, clock, "baseline", 30):
        for split in ("public", "gate"):
            for name in ("zero-shot", "few-shot"):
                answer(journal, clock, name, split, 20, 0.5)


def step(journal: Journal, number: int) -> None:
    journal.training_step(1, number, steps=STEPS, loss=1.0, lr=0.1, tokens_per_second=1.0)


def left(recipe: Recipe, journal: Journal) -> float:
    return forecast(work_left(recipe, journal, *ITEMS), pace_of(recipe, journal)).seconds_left


def test_an_untouched_run_has_everything_before_it(recipe: Recipe, journal: Journal) -> None:
    assert work_left(recipe, journal, *ITEMS) == work_left(recipe, None, *ITEMS)


def test_answers_that_were_given_are_not_awaited(recipe: Recipe, journal: Journal, clock: Clock) -> None:
    before = work_left(recipe, journal, *ITEMS)
    with stage(journal, clock, "baseline", 30):
        answer(journal, clock, "zero-shot", "public", 10, 0.5)
    assert before.baseline_answers - work_left(recipe, journal, *ITEMS).baseline_answers == 10


def test_speeds_are_measured_without_loading_and_pauses(recipe: Recipe, journal: Journal, clock: Clock) -> None:
    baselines(journal, clock)
    journal.round(1, attempt=1, arm="iterative", row_ids=["a"] * 100)
    with stage(journal, clock, "train", 25):
        for number in range(1, 21):
            step(journal, number)
            clock.now += 4
    clock.now += 7200  # the run was paused
    with stage(journal, clock, "train", 25):
        for number in range(21, STEPS + 1):
            clock.now += 4
            step(journal, number)
    journal.round_adapter(1, "adapters/round-1")
    with stage(journal, clock, "evaluate", 30):
        answer(journal, clock, "round-1", "public", 20, 0.25)
    pace = pace_of(recipe, journal)
    assert pace.baseline_seconds == pytest.approx(0.5)
    assert pace.answer_seconds == pytest.approx(0.25)
    assert pace.load_seconds == pytest.approx(25)
    assert pace.example_seconds == pytest.approx((40 * 4 + 25) / (100 * 2 * 39 / 40)), "25: it was loaded again"


def test_the_time_left_counts_down_in_each_stage(recipe: Recipe, journal: Journal, clock: Clock) -> None:
    baselines(journal, clock)
    journal.round(1, attempt=1, arm="iterative", row_ids=["a"] * 100)
    journal.row_counts = lambda: {"accepted": 100, "rejected": {}}  # type: ignore[method-assign]
    seen = []
    with stage(journal, clock, "train", 10):
        for number in range(1, STEPS + 1):
            clock.now += 4
            step(journal, number)
            if number in (10, 20, 30):
                seen.append(left(recipe, journal))
    assert seen[0] - seen[1] == pytest.approx(40) and seen[1] - seen[2] == pytest.approx(40)
    journal.round_adapter(1, "adapters/round-1")
    assert work_left(recipe, journal, *ITEMS).example_epochs == 0
    with stage(journal, clock, "evaluate", 10):
        for split in ("public", "gate"):
            answer(journal, clock, "round-1", split, 20, 0.25)
            seen.append(left(recipe, journal))
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == len(seen)
    journal.end_round(1, "accepted", "")
    assert work_left(recipe, journal, *ITEMS).answers == ITEMS[2]
    with stage(journal, clock, "exam", 10):
        answer(journal, clock, "zero-shot", "private", 60, 0.5)
        answer(journal, clock, "round-1", "private", 30, 0.25)
    rest = work_left(recipe, journal, *ITEMS)
    assert (rest.rows, rest.example_epochs, rest.answers, rest.baseline_answers) == (0, 0, 30, 60)


def test_trainings_with_other_seeds_count_down_too(recipe: Recipe, journal: Journal, clock: Clock) -> None:
    train = recipe.file.train.model_copy(update={"seeds": 3})
    recipe = replace(recipe, file=recipe.file.model_copy(update={"train": train}))
    journal.round(1, attempt=1, arm="iterative", row_ids=["a"] * 100)
    journal.row_counts = lambda: {"accepted": 100, "rejected": {}}  # type: ignore[method-assign]
    with stage(journal, clock, "train", 10):
        for number in range(1, STEPS + 1):
            clock.now += 4
            step(journal, number)
    journal.round_adapter(1, "adapters/round-1")
    journal.end_round(1, "accepted", "")
    before = work_left(recipe, journal, *ITEMS)
    assert before.example_epochs == 2 * 100 * 2, "two more students, two epochs"
    seen = []
    for seed in (1, 2):
        with stage(journal, clock, "seeds", 10):
            for number in range(1, STEPS + 1):
                clock.now += 2  # faster than the round's own training
                figures = {"step": number, "loss": 1.0, "lr": 0.1, "tokens_per_second": 1.0}
                journal.steps_of(1, [figures], steps=STEPS, student=f"round-1-seed-{seed}")
                seen.append(work_left(recipe, journal, *ITEMS).example_epochs)
    assert seen[STEPS // 2 - 1] == 300 and seen == sorted(seen, reverse=True) and seen[-1] == 0
    assert before.loads - work_left(recipe, journal, *ITEMS).loads == 2
    pace, steps = pace_of(recipe, journal), STEPS - 1
    assert pace.example_seconds == pytest.approx(steps * (4 + 2 + 2) / (3 * 100 * 2 * steps / STEPS))
    assert pace.load_seconds == pytest.approx((14 + 12 + 12) / 3)


def test_a_training_without_a_batch_is_not_the_runs(recipe: Recipe, journal: Journal) -> None:
    journal.round(1, attempt=1, arm="iterative", row_ids=["a"] * 100)
    before = work_left(recipe, journal, *ITEMS)
    figures = {"step": 20, "loss": 1.0, "lr": 0.1, "tokens_per_second": 1.0}
    journal.steps_of(1, [figures], steps=STEPS, student="round-1-without-label-x-abcdef")
    assert work_left(recipe, journal, *ITEMS) == before


def test_the_pace_is_kept_for_later_runs(recipe: Recipe, journal: Journal, clock: Clock) -> None:
    baselines(journal, clock)
    progress.remember_pace(recipe, journal)
    assert progress.known_pace().baseline_seconds == pytest.approx(0.5)


def test_a_teachers_pace_is_its_own(
    recipe: Recipe, journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(model: str, shown: dict[str, float]) -> None:
        monkeypatch.setattr(progress, "teachers_pace", lambda _: shown)
        teacher = recipe.file.teacher.model_copy(update={"model": model})
        own = replace(recipe, file=recipe.file.model_copy(update={"teacher": teacher}))
        progress.remember_pace(own, journal)

    ended("replay/answers.jsonl", {"row_seconds": 0.01})
    ended("llama_cpp/small", {})  # too few rows to tell
    usual = progress.known_pace("llama_cpp/another").row_seconds
    assert progress.known_pace("llama_cpp/small").row_seconds == usual > 0.1
    ended("llama_cpp/small", {"row_seconds": 3.0})
    assert [progress.known_pace(f"llama_cpp/{name}").row_seconds for name in ("small", "another")] == [3.0, 3.0]
    ended("replay/answers.jsonl", {"row_seconds": 0.01})
    assert progress.known_pace("replay/answers.jsonl").row_seconds == 0.01
    assert progress.known_pace("llama_cpp/another").row_seconds == 3.0
