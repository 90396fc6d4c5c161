from __future__ import annotations

from pathlib import Path

import pytest
from made_up import MadeUpRuns, make_app
from piloting import shown, until
from recorded import Recorder
from textual.widgets import Input

from toolkit.errors import SchoolhouseError
from tui.runs import Runs
from tui.screens.chat import ChatScreen, Turn, turn_content
from tui.screens.run import RunScreen
from tui.screens.steer import SteerScreen


def test_answers_stand_side_by_side_where_there_is_room() -> None:
    turn = Turn("hi", ("one [b]", "two"))
    wide = turn_content(turn, 80).plain.split("\n")
    assert any("one [b]" in line and "two" in line for line in wide)
    narrow = turn_content(turn, 40).plain.split("\n")
    assert not any("one [b]" in line and "two" in line for line in narrow)


def test_a_run_without_a_student_says_what_to_do(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        recorder.journal.set_meta("recipe_folder", str(tmp_path))
        with pytest.raises(SchoolhouseError):
            Runs().converse(recorder.folder)


async def test_a_conversation_a_failure_and_a_note(tmp_path: Path) -> None:
    with Recorder(tmp_path / "quickstart") as recorder:
        recorder.begin()
        app = make_app(tmp_path, recorder.clock.now, recorder.folder)
        assert isinstance(app.runs, MadeUpRuns)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, ChatScreen))
            screen = app.screen
            await pilot.press("ctrl+n")  # nothing was said yet
            assert app.screen is screen
            await pilot.press(*"money?", "enter")
            await until(pilot, lambda: "refund_status" in shown(app))
            assert "I am sorry to hear that │ refund_status" in " ".join(shown(app).split())
            await pilot.press(*"break", "enter")
            await until(pilot, lambda: "[student.log]" in shown(app))
            await pilot.press(*"again", "enter")
            await until(pilot, lambda: app.runs.asked.count("ask again") == 1)
            await until(pilot, lambda: not screen.waiting)  # type: ignore[attr-defined]
            await pilot.press("ctrl+n")
            await until(pilot, lambda: isinstance(app.screen, SteerScreen))
            assert app.screen.query_one(Input).value == "to 'again' the student says 'refund_status', but "
            await pilot.press(*"it is not", "enter")
            await until(pilot, lambda: list((recorder.folder / "steering").glob("*.txt")))
            await pilot.press("escape")
            await until(pilot, lambda: app.runs.asked[-1] == "close")
