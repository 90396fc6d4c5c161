"""The labelling desk: what lies on it, labels that are saved at once, and what is said of the judge."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from judged import AGREEMENT, ANSWERS, JUDGED, judged, public_items
from made_up import MadeUpRuns, app_of, make_app
from piloting import shown, until
from recorded import Recorder
from textual.pilot import Pilot

from toolkit.errors import DiskFullError
from toolkit.evaluation.judge import Label, keep_labels, read_labels
from toolkit.recipe import recipe_from_text
from toolkit.stages.desk import DeskAnswer, desk_answer, desk_answers, leave_answers, spread
from toolkit.stages.judging import LABELS_FILE, agreement_key, labels_of
from toolkit.types import Item, Outcome
from tui.app import SchoolhouseApp
from tui.judging import Card, Desk, agreement_lines, card, first_open, next_open, progress_lines, with_labels
from tui.judging_feed import LABELS, DeskNews, DeskSource
from tui.screens.evaluation import EvaluationScreen
from tui.screens.label import LabelScreen
from tui.screens.run import RunScreen


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    found = judged(tmp_path / "polite-1")
    yield found
    found.__exit__()


def label_all(recorder: Recorder, count: int = 30) -> list[Label]:
    """Labels of the first answers on the desk, every second one right."""
    answers = desk_answers(recorder.journal)[:count]
    labels = [Label(*one.key, n % 2 == 0, one.reference) for n, one in enumerate(answers)]
    keep_labels(recorder.folder / LABELS_FILE, labels)
    return labels


def measured(recorder: Recorder) -> None:
    """What the worker notes when it has asked the judge."""
    folder = recorder.folder / "recipe"
    recipe = recipe_from_text(JUDGED, folder, folder / "recipe.yaml")
    key = agreement_key(recipe, labels_of(recipe, recorder.folder))
    recorder.journal.set_meta("judge", {**AGREEMENT, "key": key})


# -- the file of labels ------------------------------------------------------------------------


def test_a_label_takes_the_place_of_an_earlier_one_and_other_lines_stay(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    own = '{"item": "q", "answer": "by hand", "label": "yes", "note": "mine"}'
    path.write_text(f"\ufeff{own}\n\nnot json\n", encoding="utf-8")
    keep_labels(path, [Label("q", "a", True), Label("q", "b", False, "the reference")])
    keep_labels(path, [Label("q", "a", False)])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == [own, "not json"]
    path.write_text("\n".join(line for line in lines if line != "not json"), encoding="utf-8")
    assert {label.answer: label.right for label in read_labels([path])} == {"by hand": True, "a": False, "b": False}
    assert [label.reference for label in read_labels([path])] == ["", "the reference", ""]


@pytest.mark.parametrize("text", ["a\nb", "\ud800", "\u2028 x", "\x1b[2J", '"', "ä" * 4000])
def test_any_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    keep_labels(tmp_path / "judge.jsonl", [Label(text, text, True, text)])
    assert read_labels([tmp_path / "judge.jsonl"]) == [Label(text, text, True, text)]


def test_labels_of_two_windows_at_once_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"

    def write(window: int) -> None:
        for number in range(12):
            keep_labels(path, [Label(f"{window}", f"{number}", True)])

    threads = [threading.Thread(target=write, args=(window,)) for window in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_labels([path])) == 36


# -- what lies on the desk ---------------------------------------------------------------------


def test_what_a_judge_is_never_asked_about_is_not_on_the_desk() -> None:
    item = Item("1", "public", "q", "Right so.")
    assert desk_answer(item, "  right SO. ") is None
    assert desk_answer(item, "<think>hm</think> ") is None
    found = desk_answer(item, "<think>hm</think> " + "x" * 9000)
    assert found and found.answer == "x" * 4000


def test_answers_are_mixed_and_each_is_there_once(recorder: Recorder) -> None:
    items = public_items(8)
    for student, score in (("zero-shot", 0.0), ("round-1", 1.0)):
        outcomes = [Outcome(item.id, f"{student} says {n}", score, "") for n, item in enumerate(items)]
        recorder.journal.outcomes_of(student, "public", outcomes)
    recorder.journal.outcomes_of("round-1", "gate", [Outcome("g", "of the gate", 1.0, "")])
    left = [DeskAnswer(items[0].input, "zero-shot says 0", items[0].output, "zero-shot")]
    leave_answers(recorder.folder, left)
    found = desk_answers(recorder.journal)
    assert len(found) == 16
    assert [one.group for one in found[:4]] == ["0.0 zero-shot", "1.0 round-1"] * 2
    assert found == desk_answers(recorder.journal)
    assert not any("gate" in one.answer for one in found)
    (recorder.folder / "judge-answers.jsonl").write_text("{damaged", encoding="utf-8")
    assert len(desk_answers(recorder.journal)) == 16


def test_answers_for_the_desk_come_from_all_over_the_split() -> None:
    items = public_items(200)
    assert len(spread(items)) <= 60
    assert spread(items)[-1].id != "pu59"
    assert spread(items[:30]) == items[:30]


# -- plain values ------------------------------------------------------------------------------


def desk(*labels: bool | None, needed: int = 3) -> Desk:
    cards = tuple(card("q", f"a{number}", "r") for number in range(len(labels)))
    known = {one.key: label for one, label in zip(cards, labels, strict=True) if label is not None}
    return Desk(cards=cards, labels=known, needed=needed)


def test_the_next_answer_is_one_without_a_label() -> None:
    half = desk(True, None, False, None)
    assert first_open(half) == 1
    assert next_open(half, 1) == 3
    assert next_open(half, 3) == 1
    assert next_open(desk(True, False), 1) == 1
    assert (first_open(desk()), next_open(desk(), 0)) == (0, 0)
    assert with_labels(half, {half.cards[1]: True}).done == 3


def words_of(lines: list[tuple[str, str]]) -> str:
    return " ".join(text for _, text in lines)


def test_what_is_missing_is_said() -> None:
    assert "at least 3 labels" in words_of(progress_lines(desk(True, None)))  # type: ignore[arg-type]
    assert "none is called wrong" in words_of(progress_lines(desk(True, True, True)))  # type: ignore[arg-type]
    enough = desk(True, False, True)
    assert enough.enough and not desk(False, False, False).enough
    assert "Press g" in words_of(progress_lines(enough))  # type: ignore[arg-type]
    assert "is run again" in words_of(progress_lines(replace(enough, status="finished")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "The judge counts. Agreement: it says what you say of 27 of 30 answers."),
        ({}, "Cohen's kappa 0.80 [0.61, 0.92]"),
        ({}, "a liking for the first"),
        ({}, "it likes long answers"),
        ({}, "2 % of its replies had no verdict"),
        ({"first_chosen": 0.3, "longer": -0.2}, "a liking for the last"),
        ({"longer": -0.2}, "it likes short answers"),
        ({"first_chosen": 0.5, "longer": 0.05}, "no liking for length"),
        ({"judge_right": 0.9}, "milder than you"),
        ({"judge_right": 0.1}, "stricter than you"),
        ({"passes": False}, "The judge does not count."),
        ({"passes": False}, "Make task.judge.rubric clearer"),
    ],
)
def test_what_was_measured_is_said_in_plain_words(changes: Mapping[str, object], words: str) -> None:
    found = Desk(agreement={**AGREEMENT, **changes}, measured_now=True)
    assert words in words_of(agreement_lines(found))  # type: ignore[arg-type]


def test_older_measurements_say_so() -> None:
    assert agreement_lines(Desk()) == []
    assert "before the newest" in words_of(agreement_lines(Desk(agreement=AGREEMENT)))  # type: ignore[arg-type]


def test_the_desk_follows_the_journal_and_the_labels(recorder: Recorder) -> None:
    runs = make_app(recorder.folder.parent, 0.0).runs
    assert LABELS == LABELS_FILE
    source = DeskSource(runs, recorder.folder)
    news = source.look()
    assert isinstance(news, DeskNews) and (len(news.desk.cards), news.desk.done) == (40, 0)
    assert source.look() is None
    label_all(recorder)
    news = source.look()
    assert isinstance(news, DeskNews) and news.desk.enough and not news.desk.measured_now
    measured(recorder)
    news = source.look()
    assert isinstance(news, DeskNews) and news.desk.measured_now
    source.close()


# -- with a terminal ---------------------------------------------------------------------------


async def opened(pilot: Pilot[None], app: SchoolhouseApp) -> LabelScreen:
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, EvaluationScreen) and app.screen.view.judged)
    await pilot.press("j")
    await until(pilot, lambda: isinstance(app.screen, LabelScreen) and app.screen.desk)
    assert isinstance(app.screen, LabelScreen)
    return app.screen


def saved(recorder: Recorder) -> list[Label]:
    return read_labels([recorder.folder / LABELS_FILE])


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_labels_are_saved_at_once_and_one_comes_back_to_where_one_was(
    recorder: Recorder, size: tuple[int, int]
) -> None:
    app = app_of(recorder, "broken")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "0 of 30" in shown(app) and "Is it right by the rubric?" in shown(app))
        assert "It is polite, names the parcel" in shown(app)
        first = screen.desk.cards[0]  # type: ignore[union-attr]
        await pilot.press("y")
        await until(pilot, lambda: len(saved(recorder)) == 1)
        assert saved(recorder) == [Label(*first.key, True, first.expected)]
        await pilot.press("n", "s", "y")
        await until(pilot, lambda: len(saved(recorder)) == 3 and "3 of 30" in shown(app))
        await pilot.press("b", "b", "b")
        await until(pilot, lambda: "you said wrong" in shown(app))
        await pilot.press("y")
        await until(pilot, lambda: [label.right for label in saved(recorder)].count(True) == 3)
        await pilot.press("escape")
    app = app_of(recorder, "broken")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "3 of 30" in shown(app))
        assert screen.place == 2  # the one that was skipped


async def test_every_key_of_a_fast_person_counts(recorder: Recorder) -> None:
    app = app_of(recorder, "broken")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        cards = screen.desk.cards  # type: ignore[union-attr]
        await pilot.press(*"ynyyynnynyyynnnyynyynynnyynyyn")
        await until(pilot, lambda: len(saved(recorder)) == 30)
        expected = {one.key: key == "y" for one, key in zip(cards, "ynyyynnynyyynnnyynyynynnyynyyn", strict=False)}
        assert {label.key: label.right for label in saved(recorder)} == expected
        await until(pilot, lambda: "Enough. Press g" in shown(app))
        await pilot.press("g")
        runs = app.runs
        assert isinstance(runs, MadeUpRuns)
        await until(pilot, lambda: "resume" in runs.asked)
        assert not screen.check_action("go_on", ())
        measured(recorder)
        await until(pilot, lambda: "The judge counts." in shown(app))
        assert "Position:" in shown(app) and "Length:" in shown(app)


async def test_a_label_that_cannot_be_written_is_told_and_kept_for_the_next_try(recorder: Recorder) -> None:
    app = app_of(recorder, "broken")
    runs = app.runs
    real = runs.save_labels

    def full(folder: Path, labels: Mapping[Card, bool]) -> None:
        raise DiskFullError(folder / LABELS_FILE)

    runs.save_labels = full  # type: ignore[method-assign]
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await opened(pilot, app)
        await pilot.press("y")
        await until(pilot, lambda: "the label is not saved: the disk is full" in shown(app))
        runs.save_labels = real  # type: ignore[method-assign]
        await pilot.press("n")
        await until(pilot, lambda: len(saved(recorder)) == 2)


async def test_damaged_labels_are_named_with_their_line(recorder: Recorder) -> None:
    (recorder.folder / LABELS_FILE).write_text('{"item": 1}\n', encoding="utf-8")
    app = app_of(recorder, "broken")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EvaluationScreen) and app.screen.view.judged)
        await pilot.press("j")
        await until(pilot, lambda: "label is missing" in " ".join(shown(app).split()))
        await pilot.press("y", "n", "s", "b", "g", "escape")
        await until(pilot, lambda: isinstance(app.screen, EvaluationScreen))
    assert (recorder.folder / LABELS_FILE).read_text(encoding="utf-8") == '{"item": 1}\n'


async def test_a_run_without_answers_and_one_without_a_judge(tmp_path: Path) -> None:
    recorder = judged(tmp_path / "polite-new", answers=False)
    app = app_of(recorder, "broken")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "No answers to label yet." in shown(app))
        await pilot.press("y", "n", "s", "b", "g")
    recorder.journal.set_meta("recipe", "name: x\n")
    app = app_of(recorder, "broken")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EvaluationScreen) and "no answers yet" in shown(app))
        await pilot.press("j")
        assert isinstance(app.screen, EvaluationScreen)
    recorder.__exit__()
    assert not (recorder.folder / LABELS_FILE).exists()


async def test_a_hostile_answer_is_shown_literally(tmp_path: Path) -> None:
    recorder = judged(tmp_path / "polite-evil", 1, answers=False)
    evil = "[b + [/ [@click=app.quit]x \x1b]52;c;ZXZpbA==\x07\x1b[2J\u202egnp"
    leave_answers(recorder.folder, [DeskAnswer(evil, evil + "!", evil)])
    app = app_of(recorder, "broken")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "[b + [/ [@click=app.quit]x" in shown(app))
        assert "\x1b" not in shown(app) and "\u202e" not in shown(app)
        await pilot.press("y")
        await until(pilot, lambda: saved(recorder))
    recorder.__exit__()
    assert saved(recorder)[0].answer == evil + "!"  # as the judge will read it
    assert json.loads((recorder.folder / LABELS_FILE).read_text())["label"] == "right"
    assert ANSWERS
