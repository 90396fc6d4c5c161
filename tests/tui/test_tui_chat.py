from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up import MadeUpRuns, make_app
from piloting import shown, until
from recorded import Recorder
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from toolkit.errors import ChildError, SchoolhouseError
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.recipe import load_recipe
from tui.doors.chat import Students
from tui.runs import Runs
from tui.screens.chat import FRAME, ChatScreen, Teller
from tui.screens.choose import ChooseScreen
from tui.screens.run import RunScreen
from tui.screens.steer import SteerScreen
from tui.screens.sure import SureScreen
from tui.widgets.turns import Turn, turn_content

SHIPPED = Path(__file__).parents[2] / "recipes" / "quickstart"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """A run whose recipe is a copy of the shipped one."""
    shutil.copytree(SHIPPED, tmp_path / "mine")
    with Recorder(tmp_path / "runs" / "quickstart") as recorder:
        recorder.begin()
        recorder.journal.set_meta("recipe_folder", str(tmp_path / "mine"))
        yield recorder


# -- without a terminal ------------------------------------------------------------------------


def test_answers_stand_side_by_side_where_there_is_room() -> None:
    turn = Turn("hi", ("one [b]", "two"))
    wide = turn_content(turn, 80).plain.split("\n")
    assert any("one [b]" in line and "two" in line for line in wide)
    narrow = turn_content(turn, 40).plain.split("\n")
    assert not any("one [b]" in line and "two" in line for line in narrow)


def test_an_answer_grows() -> None:
    turn = Turn("hi").grown(1, "ref\x1b[2J")
    assert turn_content(turn, 80).plain.split("\n")[2].split() == ["…", "│", "ref▌"]
    assert turn_content(turn.answered(("a", "")), 80).plain.split("\n")[2].split() == ["a", "│", "(empty)"]


def test_a_teller_speaks_once_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, str]] = []
    now = 100.0
    monkeypatch.setattr("tui.screens.chat.time.monotonic", lambda: now)
    teller = Teller(lambda who, text: told.append((who, text)))
    for number in range(4):
        teller(0, str(number))
        now += 0.6 * FRAME
    teller(1, "me too")
    assert told == [(0, "0"), (0, "2"), (1, "me too")]


def test_a_run_without_a_student_says_what_to_do(recorder: Recorder) -> None:
    with pytest.raises(SchoolhouseError):
        Runs().converse(recorder.folder)


class Speaker:
    """A student that needs the other one to have begun before it ends."""

    peak_bytes = 0

    def __init__(self, words: list[str], begun: threading.Barrier) -> None:
        self.words, self.begun, self.closed = words, begun, False

    def stream(self, prompt: Any, **_: Any) -> Iterator[str]:
        yield self.words[0]
        self.begun.wait(10)
        if self.words[-1] == "!":
            raise ChildError("it died", "")
        yield self.words[-1]

    def answer(self, *_: Any, **__: Any) -> Iterator[tuple[int, str]]:
        raise AssertionError

    def close(self) -> None:
        self.closed = True


def talking(*words: list[str]) -> Students:
    """The real conversation with made-up students."""
    found = Students.__new__(Students)
    barrier = threading.Barrier(2)
    found.hold(Speaker(words[0], barrier), Speaker(words[1], barrier), TaskPrompts("Name it.", {}, "label"), (), 8)
    return found


def test_both_students_speak_at_the_same_time() -> None:
    students, told = talking(["a", "ab"], ["x", "xy"]), []
    assert students.ask("hi", lambda who, text: told.append((who, text))) == ("ab", "xy")
    assert sorted(told) == [(0, "a"), (0, "ab"), (1, "x"), (1, "xy")]
    students.close()


def test_a_student_that_dies_is_said_and_both_are_closed() -> None:
    students = talking(["a", "!"], ["x", "xy"])
    with pytest.raises(ChildError):
        students.ask("hi", lambda who, text: None)
    students.close()


def test_a_message_becomes_an_example(recorder: Recorder, tmp_path: Path) -> None:
    runs = Runs()
    place = runs.example_place(recorder.folder)
    assert "late_parcel" in place.labels
    before, after = runs.example_preview(place.path, "late_parcel", "where is [it]")
    assert place.path.read_text(encoding="utf-8") == before
    runs.add_example(place.path, "late_parcel", "where is [it]")
    assert place.path.read_text(encoding="utf-8") == after
    assert load_recipe(place.path).file.task.examples["late_parcel"][-1] == "where is [it]"
    place.path.unlink()
    with pytest.raises(SchoolhouseError, match="no more"):
        runs.example_place(recorder.folder)


def test_a_task_without_labels_has_no_examples(recorder: Recorder, tmp_path: Path) -> None:
    text = "name: x\ntask: {about: a, system: b, answer: number}\ndata: {path: x.csv}\n"
    (tmp_path / "mine" / "recipe.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SchoolhouseError, match="no labels"):
        Runs().example_place(recorder.folder)


# -- with a terminal ---------------------------------------------------------------------------


async def opened(pilot: Pilot[None], app: Any) -> ChatScreen:
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
    await pilot.press("c")
    await until(pilot, lambda: isinstance(app.screen, ChatScreen))
    assert isinstance(app.screen, ChatScreen)
    return app.screen


async def test_a_conversation_a_failure_and_a_note(recorder: Recorder) -> None:
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    assert isinstance(app.runs, MadeUpRuns)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("ctrl+n", "ctrl+s")  # nothing was said yet
        assert app.screen is screen
        await pilot.press(*"money?", "enter")
        await until(pilot, lambda: "refund_status" in shown(app))
        assert "I am sorry to hear that │ refund_status" in " ".join(shown(app).split())
        await pilot.press(*"break", "enter")
        await until(pilot, lambda: "[student.log]" in shown(app))
        await pilot.press(*"again", "enter")
        await until(pilot, lambda: app.runs.asked.count("ask again") == 1)
        await until(pilot, lambda: not screen.waiting)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, SteerScreen))
        assert app.screen.query_one(Input).value == "to 'again' the student says 'refund_status', but "
        await pilot.press(*"it is not", "enter")
        await until(pilot, lambda: list((recorder.folder / "steering").glob("*.txt")))
        await pilot.press("escape")
        await until(pilot, lambda: app.runs.asked[-1] == "close")


async def test_a_finished_run_takes_no_note(recorder: Recorder) -> None:
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        screen = await opened(pilot, app)
        await pilot.press(*"money?", "enter")
        await until(pilot, lambda: screen.turns and not screen.waiting)
        recorder.journal.set_meta("state", "finished")
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "the run is finished" in shown(app))
        assert app.screen is screen
    with pytest.raises(SchoolhouseError, match="is finished"):
        Runs().steer(recorder.folder, "a note")
    assert not list((recorder.folder / "steering").glob("*.txt"))


async def test_answers_are_shown_while_they_grow(recorder: Recorder) -> None:
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    assert isinstance(app.runs, MadeUpRuns)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press(*"slowly", "enter")
        await until(pilot, lambda: "I am sorry ▌" in shown(app) and "refund▌" in shown(app))
        assert screen.waiting
        app.runs.go_on.set()
        await until(pilot, lambda: "refund_status" in shown(app))
        assert "▌" not in shown(app)


async def test_a_message_goes_to_the_seeds_after_a_last_look(recorder: Recorder, tmp_path: Path) -> None:
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    path = tmp_path / "mine" / "recipe.yaml"
    before = path.read_text(encoding="utf-8")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(pilot, app)
        await pilot.press(*"money [/", "enter")
        await until(pilot, lambda: screen.turns and not screen.waiting)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        labels = app.screen.query_one(OptionList)
        assert str(labels.get_option_at_index(labels.highlighted or 0).prompt) == "refund_status"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await until(pilot, lambda: '+      - "money [/"' in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert path.read_text(encoding="utf-8") == before
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("y")
        await until(pilot, lambda: path.read_text(encoding="utf-8") != before)
        assert path.read_text(encoding="utf-8").count('"money [/"') == 1
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("enter")
        await until(pilot, lambda: "already" in shown(app))
