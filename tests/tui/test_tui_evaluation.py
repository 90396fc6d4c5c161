from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from answered import LABELS, SECRET, answered
from made_up import app_of, make_app
from piloting import shown, until
from recorded import Recorder
from textual.pilot import Pilot

from toolkit.types import Outcome
from tui.app import SchoolhouseApp
from tui.evaluation import (
    OTHER,
    Evaluation,
    Given,
    ItemLine,
    chosen_items,
    confusion,
    in_order,
    item_lines,
    skill_lines,
)
from tui.evaluation_feed import EvaluationNews, EvaluationSource
from tui.runs import Runs
from tui.screens.evaluation import EvaluationScreen
from tui.screens.run import RunScreen
from tui.widgets.evaluation import confusion_matrix, item_in_full


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    found = answered(tmp_path / "quickstart-live")
    yield found
    found.__exit__()


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Recorder]:
    found = answered(tmp_path / "quickstart-done", exam=True)
    yield found
    found.__exit__()


def look(recorder: Recorder, split: str) -> Evaluation:
    message = EvaluationSource(make_app(recorder.folder.parent, 0.0).runs, recorder.folder, split).look()
    assert isinstance(message, EvaluationNews)
    return message.evaluation


def item(*rights: bool, students: tuple[str, ...] = ("zero-shot", "round-1", "round-2", "round-3")) -> ItemLine:
    given = tuple(Given(name, "x", float(right)) for name, right in zip(students, rights, strict=False))
    return ItemLine("1", "late", given)


# -- without a terminal ------------------------------------------------------------------------


def test_what_became_of_an_item_and_since_when() -> None:
    one = item(False, False, True, True)
    assert one.kind("zero-shot", "round-3") == "fixed"
    assert one.turned("zero-shot", "round-3") == "round-2"
    assert item(False, True, True, True).turned("zero-shot", "round-3") == "round-1"
    assert one.kind("zero-shot", "round-1") == "wrong"
    assert item(True, False).kind("zero-shot", "round-1") == "broken"
    assert item(True).kind("zero-shot", "round-1") is None
    assert one.turned("zero-shot", "few-shot") == ""
    assert item(True, True, True, True).turned("zero-shot", "round-3") == "", "it never changed"
    assert item(True, False, True, True).turned("zero-shot", "round-3") == "round-2"


def test_flipped_items_come_first(recorder: Recorder) -> None:
    found = look(recorder, "public")
    kinds = [one.kind("zero-shot", "round-2") for one in chosen_items(found, "zero-shot", "round-2", None)]
    assert kinds == ["fixed"] * 18 + ["wrong"] * 6
    assert len(chosen_items(found, "zero-shot", "round-2", "wrong")) == 6
    assert chosen_items(found, "zero-shot", "round-2", "broken") == []


def test_scores_by_skill_the_weakest_first_and_all_together_last(recorder: Recorder) -> None:
    lines = skill_lines(look(recorder, "public"), "zero-shot", "round-2", Runs().interval)
    assert [line.trained.score for line in lines[:-1]] == sorted(line.trained.score for line in lines[:-1])
    assert {line.skill for line in lines[:-1]} == set(LABELS)
    whole = lines[-1]
    assert (whole.skill, whole.base.score, whole.trained.score, whole.trained.n) == ("", 0.0, 0.75, 24)
    assert whole.trained.low < 0.75 < whole.trained.high


def test_confusions_and_answers_that_are_no_label(recorder: Recorder) -> None:
    recorder.journal._db.execute("DELETE FROM outcomes WHERE student = 'round-2' AND item_id = 'pu00-0'")
    recorder.journal.outcomes_of("round-2", "public", [Outcome("pu00-0", "hm [/", 0.0, LABELS[0])])
    found = confusion(look(recorder, "public"), "round-2")
    assert found.count(LABELS[0], OTHER) == 1
    assert found.count(LABELS[6], LABELS[7]) + found.count(LABELS[5], LABELS[6]) > 0
    assert sum(found.counts.values()) == 24
    assert all(right != said for right, said, _ in found.worst(9))


def test_labels_are_compared_as_the_data_have_them() -> None:
    long, other = (f"{'a very long label ' * 5}{end}\u202e" for end in ("one", "two"))
    outcomes = {"round-1": [Outcome("1", long, 1.0, long), Outcome("2", f" {other}\n", 0.0, long)]}
    view = Evaluation("public", students=("round-1",), items=item_lines(outcomes, {}), labels=(long, other))
    found = confusion(view, "round-1")
    assert found.counts == {(long, long): 1, (long, other): 1}
    assert "\u202e" not in confusion_matrix(found, 80).plain
    assert [line.skill for line in skill_lines(view, "zero-shot", "round-1", Runs().interval)] == [long, ""]
    hidden = item_lines(outcomes, {}, answers_shown=False)
    assert {one.said for line in hidden for one in line.answers} == {""}


def test_students_in_the_order_asked_without_other_seeds() -> None:
    names = ["round-10", "round-2", "few-shot", "round-2-seed-1", "zero-shot"]
    assert in_order(names) == ["zero-shot", "few-shot", "round-2", "round-10"]


def test_nothing_of_gate_or_private_is_read_before_the_exam(recorder: Recorder) -> None:
    gate = look(recorder, "gate")
    assert gate.items
    assert not gate.texts_shown
    assert {one.answer for line in gate.items for one in line.answers} == {""}
    recorder.journal.outcomes_of("round-2", "private", [Outcome("pr00-0", "x", 1.0, LABELS[0])])  # in the exam
    private = look(recorder, "private")
    assert private.items == ()
    assert "private" not in private.splits
    assert SECRET not in repr((gate, private))


def test_after_the_exam_gate_is_open_and_sealed_texts_stay_sealed(finished: Recorder) -> None:
    assert look(finished, "gate").texts_shown
    private = look(finished, "private")
    assert len(private.items) == 24
    assert SECRET not in repr(private)
    assert (private.opened, private.sealed) == (1, 24)
    assert len(finished.journal.openings("private")) == 1  # looking here opens nothing
    for _ in range(2):
        finished.journal.opened("private", "to learn")
    assert look(finished, "private").opened == 3, "each look counts, not each reason"


def test_answers_of_the_chosen_students_stand_side_by_side_where_there_is_room() -> None:
    given = (Given("zero-shot", "one " * 9, 0.0), Given("round-1", "two", 0.0), Given("round-2", "three " * 9, 1.0))
    lines = item_in_full(ItemLine("1", "late", given, "text"), "zero-shot", "round-2", 43).plain.split("\n")
    assert [line.rstrip() for line in lines[3:6]] == [
        "✗ zero-shot          │ ✓ round 2",
        "one one one one one  │ three three three",
        "one one one one      │ three three three",
    ]
    assert lines[-1] == "✗ round 1    two"
    below = item_in_full(ItemLine("1", "late", given, "text"), "zero-shot", "round-2").plain
    assert [line[:9] for line in below.split("\n")[-3:]] == ["✗ zero-sh", "✗ round 1", "✓ round 2"]


# -- with a terminal ---------------------------------------------------------------------------


async def opened(pilot: Pilot[None], app: SchoolhouseApp) -> EvaluationScreen:
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, EvaluationScreen) and app.screen.view.students)
    assert isinstance(app.screen, EvaluationScreen)
    return app.screen


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_skills_confusion_and_items_by_keys(recorder: Recorder, size: tuple[int, int]) -> None:
    app = app_of(recorder)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "zero-shot against round 2" in shown(app))
        assert "all together" in shown(app)
        assert "75 %" in shown(app)
        await pilot.press("2")
        await until(pilot, lambda: "most frequent mistakes" in shown(app))
        await pilot.press("3")
        await until(pilot, lambda: "wrong before, right now, since round" in shown(app))
        await pilot.press("f", "down", "down", "down", "enter")
        await until(pilot, lambda: len(screen.items) == 6)
        await pilot.press("b")
        await until(pilot, lambda: "few-shot against round 2" in shown(app))
        await pilot.press("r", "home", "enter")
        await until(pilot, lambda: "few-shot against round 1" in shown(app))


async def test_gate_shows_scores_only_before_the_exam(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: screen.view.split == "gate" and "all together" in shown(app))
        for key, words in (("2", "it chooses the rounds"), ("3", "shown after the exam"), ("4", "The exam is sealed.")):
            await pilot.press(key)
            await until(pilot, lambda: words in shown(app))  # noqa: B023
            assert SECRET not in shown(app)
        assert "24 items that no model" in shown(app)
        await pilot.press("v")
        assert not screen.revealed


async def test_the_verdict_is_revealed_on_purpose(finished: Recorder) -> None:
    app = app_of(finished)
    app.runs.opened = False  # type: ignore[attr-defined]
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("v")
        await until(pilot, lambda: "Press v to read the verdict" in shown(app))
        assert not screen.revealed, "the first press only leads to the exam"
        assert "Helped" not in shown(app)
        await pilot.press("s", "s")
        assert screen.view.split != "private"
        await pilot.press("v")
        await until(pilot, lambda: "Helped: round-2 is +59.4 points" in shown(app))
        await until(pilot, lambda: "0.0 % → 75.0 % on 24 sealed items" in shown(app))
        assert "opened once" in shown(app)
        await pilot.press("3")
        await until(pilot, lambda: "item pr00-0, not shown" in shown(app))
        assert SECRET not in shown(app)


async def test_a_run_without_answers_says_so(tmp_path: Path) -> None:
    with Recorder(tmp_path / "new") as recorder:
        recorder.begin()
        app = app_of(recorder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            await pilot.press("e")
            await until(pilot, lambda: "no answers yet" in shown(app))
            await pilot.press("2", "3", "s", "b", "r", "v", "4")
            await until(pilot, lambda: "The exam is sealed." in shown(app))
