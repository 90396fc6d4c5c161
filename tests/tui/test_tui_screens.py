from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from made_up import MadeUpRuns, make_app
from piloting import shown, until
from recorded import SENTENCE, Recorder, in_training, three_rounds
from textual.pilot import Pilot
from textual.widgets import OptionList, TabbedContent
from textual.widgets._footer import FooterKey

from toolkit.errors import SchoolhouseError
from tui.app import SchoolhouseApp
from tui.machine import Lacking
from tui.screens.choose import AskScreen, ChooseScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.fetch import FetchScreen
from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen
from tui.screens.run import RunScreen
from tui.screens.steer import SteerScreen, Wish
from tui.screens.sure import SureScreen
from tui.state import RecipeLine


@pytest.fixture
def runs(tmp_path: Path):
    """A folder with a finished run and one that is training, and the recorder of that one."""
    three_rounds(tmp_path / "quickstart-done")
    recorder = in_training(tmp_path / "quickstart-live")
    yield tmp_path, recorder
    recorder.__exit__()


def run_screen(app: SchoolhouseApp) -> RunScreen:
    assert isinstance(app.screen, RunScreen)
    return app.screen


async def opened(pilot: Pilot[None], app: SchoolhouseApp) -> RunScreen:
    """The screen of the live run, opened by keys as a person would."""
    await until(pilot, lambda: app.screen.query_one("#runs", OptionList).option_count == 2)
    await pilot.press("tab", "enter")
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
    return run_screen(app)


async def test_leave_a_run_and_come_back_while_it_goes_on(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        assert screen.view.training.step == 31
        recorder.steps(3, 40, start=32)
        await until(pilot, lambda: screen.view.training.step == 40)
        await pilot.press("escape")
        assert isinstance(app.screen, HomeScreen)
        recorder.steps(3, 51, start=41)
        recorder.evaluate(3)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        assert run_screen(app).view.training.step == 51
        assert len(run_screen(app).view.by_round("gate")) == 3
        recorder.row(3, "one more row, late", "parcel_late")
        await until(pilot, lambda: "one more row, late" in shown(app))


async def test_start_a_recipe_after_asking(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.runs, MadeUpRuns)
        await until(pilot, lambda: app.screen.query_one("#recipes", OptionList).option_count == 3)
        await pilot.press("enter")
        assert isinstance(app.screen, ConfirmScreen)
        await until(pilot, lambda: "About 18 minutes" in shown(app))
        await pilot.press("escape")
        assert app.runs.asked == []
        await pilot.press("enter", "s")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert app.runs.asked == ["start quickstart"]


async def test_a_run_that_was_just_started_is_not_started_twice(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.runs, MadeUpRuns)
        app.runs.status_now = "paused"  # what a run is until its process has begun
        await until(pilot, lambda: app.screen.query_one("#recipes", OptionList).option_count == 3)
        await pilot.press("enter", "s")
        await until(pilot, lambda: "Starting …" in shown(app))
        await pilot.press("p")
        assert app.runs.asked == ["start quickstart"]
        app.runs.clock += 60  # the process never came
        await until(pilot, lambda: "press p to go on" in shown(app))
        await pilot.press("p")
        await until(pilot, lambda: app.runs.asked == ["start quickstart", "resume"])


async def test_a_recipe_with_a_mistake_is_not_started(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: app.screen.query_one("#recipes", OptionList).option_count == 3)
        await pilot.press("down", "down", "enter")
        assert isinstance(app.screen, HomeScreen)
        await until(pilot, lambda: "schoolhouse recipes check" in shown(app))


async def test_an_error_when_starting_is_shown_with_its_fix(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs

    class Failing(MadeUpRuns):
        def start(self, recipe: RecipeLine, arms: Sequence[str] = ()) -> Path:
            raise SchoolhouseError("the weights of [qwen] are not here", "schoolhouse models pull qwen")

    app = SchoolhouseApp(Failing(folder, recorder.clock.now))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: app.screen.query_one("#recipes", OptionList).option_count == 3)
        await pilot.press("enter", "s")
        await until(pilot, lambda: "the weights of [qwen] are not here" in shown(app))
        assert "schoolhouse models pull qwen" in shown(app)


async def test_pause_and_go_on(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(app.runs, MadeUpRuns)
        screen = await opened(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: app.runs.asked == ["pause"])
        assert "next safe point" in shown(app)
        app.runs.status_now = "paused"
        recorder.journal.event("paused")
        await until(pilot, lambda: screen.view.status == "paused")
        assert "press p to go on" in shown(app)
        await pilot.press("p")
        await until(pilot, lambda: app.runs.asked == ["pause", "resume"])


async def test_everything_is_reachable_at_80_by_24(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        text = shown(app)
        for words in ("● Train", "✓ Generate", "Round 3 of 3", "few-shot", "round 2", "70.8 %", "min left", "Help"):
            assert words in text, words
        await pilot.press("2")
        await until(pilot, lambda: "too short: 2 words" in shown(app))
        await pilot.press("4")
        await until(pilot, lambda: "round 2 accepted" in shown(app))
        await pilot.press("1")
        assert screen.query_one(TabbedContent).active == "overview"
        board = screen.query_one("#board")
        board.scroll_end(animate=False)
        await until(pilot, lambda: "Samples as they come" in shown(app))


async def test_hostile_text_is_shown_literally(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    recorder.row(3, "[bold]x[/] \x1b]0;hi\x07 عربى", "skill[/red]", "rejected", ("[blink]", "\x1b[2J"))
    recorder.journal.event("log", text="[@click=app.quit]press[/] \x1b[2J")
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        for key in ("1", "2"):
            await pilot.press(key)
            await until(pilot, lambda: "[bold]x[/]" in shown(app))
            assert "عربى" in shown(app)
            assert "skill[/red]" in shown(app)
            assert "[blink]" in shown(app)
        await pilot.press("4")
        await until(pilot, lambda: "[@click=app.quit]press[/]" in shown(app))
        assert "\x1b" not in shown(app)


async def test_other_splits_are_shown_in_turn(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: "Scores, public" in shown(app))
        assert "68.8 %" in shown(app)
        await pilot.press("s", "s")
        await until(pilot, lambda: "Scores, gate" in shown(app))


async def test_the_verdict_stands_above_a_finished_run(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now, folder / "quickstart-done")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Helped: round-2 is +59.4 points" in shown(app))
        assert SENTENCE in " ".join(shown(app).split()), "all of it, on two lines"


async def test_a_long_list_stays_where_it_was_scrolled_to(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("2")
        samples = screen.query_one("#sample-list")
        await until(pilot, lambda: samples.max_scroll_y > 0 and samples.is_vertical_scroll_end)
        samples.scroll_to(y=3, animate=False)
        await pilot.pause()
        recorder.row(3, "while somebody reads", "parcel_late")
        await until(pilot, lambda: screen.view.samples[-1].input == "while somebody reads")
        assert samples.scroll_offset.y == 3


async def test_help_opens_and_closes(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, HomeScreen)
        await until(pilot, lambda: "no runs yet" in shown(app))


@pytest.mark.parametrize(
    ("make", "key", "result"),
    [
        (lambda: SureScreen("Sure?", "words", "do it"), "y", True),
        (lambda: SureScreen("Sure?", "words", "do it"), "escape", False),
        (lambda: ChooseScreen("Choose", [("one", 1)]), "escape", None),
        (lambda: AskScreen("Search", "late"), "enter", "late"),
        (lambda: AskScreen("Search", "late"), "escape", None),
        (lambda: SteerScreen([], "more"), "enter", Wish("more", True)),
        (lambda: SteerScreen([], "more"), "escape", Wish("more", False)),
        (lambda: HelpScreen("Data"), "escape", None),
        (lambda: FetchScreen([Lacking("large", 9)]), "escape", False),
    ],
)
async def test_a_dialog_is_answered_by_mouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any, key: str, result: object
) -> None:
    app = make_app(tmp_path, 0.0)
    results: list[object] = []
    monkeypatch.setattr(app.runs, "pull", lambda *_: time.sleep(0.5))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = make()
        await app.push_screen(screen, results.append)
        await until(pilot, lambda: any(one.key == key for one in screen.query("FooterKey").results(FooterKey)))
        await pilot.click(next(one for one in screen.query("FooterKey").results(FooterKey) if one.key == key))
        await until(pilot, lambda: results == [result])


async def test_a_run_folder_that_vanished_is_reported(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0, tmp_path / "nothing")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "is not a run" in shown(app))


async def test_a_narrow_window_and_a_change_of_size_do_not_break_anything(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        for size in ((40, 12), (200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "● Tra" in shown(app))
        app.theme = "schoolhouse-paper"
        await pilot.pause()
        assert "round 2" in shown(app)


async def test_the_exam_after_this_round_is_asked_for_and_taken_back(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    wish = recorder.folder / "last-round"
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("f")
        await until(pilot, lambda: "The exam after this round?" in shown(app))
        await pilot.press("escape")
        assert not wish.exists()
        await pilot.press("f", "y")
        await until(pilot, lambda: wish.exists() and "exam after this round" in shown(app))
        await pilot.press("f")
        await until(pilot, lambda: not wish.exists() and "exam after this round" not in shown(app))


async def test_the_log_is_searched(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("slash", *"ROUND 2", "enter")
        await until(pilot, lambda: "lines have" in shown(app))
        assert "round 2" in shown(app) and "round 1:" not in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: "lines have" not in shown(app) and "round 1:" in shown(app))
        assert isinstance(app.screen, RunScreen)


async def test_the_yield_funnel_counts_from_replies_to_lessons(runs: tuple[Path, Recorder]) -> None:
    folder, recorder = runs
    app = make_app(folder, recorder.clock.now)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("3")
        await until(pilot, lambda: "rows in them" in shown(app))
        counts = recorder.journal.row_counts()
        assert screen.view.gained.unique == counts["accepted"] > 0
        assert f"{counts['accepted']}" in next(line for line in shown(app).split("\n") if "not said before" in line)
