"""Screens as pictures. `pytest tests/tui --snapshot-update` after a wanted change, then look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engineered import narrowness, two_rounds, wait_for_approval
from made_up import app_of, make_app
from piloting import shown
from recorded import Recorder, in_training, three_rounds
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from toolkit.stages.steering import leave_note
from tui.screens.approve import ApproveScreen
from tui.screens.attempts import AttemptsScreen
from tui.screens.call import CallScreen
from tui.screens.steer import SteerScreen

SIZES = [(80, 24), (120, 40)]
NAMES = [f"{width}x{height}" for width, height in SIZES]


def settled(condition: Callable[[Any], object]) -> Callable[[Pilot[None]], Any]:
    async def wait(pilot: Pilot[None]) -> None:
        for _ in range(200):
            await pilot.pause()
            if condition(pilot.app.screen):
                await pilot.pause(0.3)
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the screen did not fill")

    return wait


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_home(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    end = three_rounds(tmp_path / "quickstart-20260110-073200")
    filled = settled(
        lambda screen: all(screen.query_one(f"#{name}", OptionList).option_count for name in ("recipes", "runs"))
    )
    assert snap_compare(make_app(tmp_path, end + 400), terminal_size=size, run_before=filled)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_run_in_training(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    recorder = in_training(tmp_path / "quickstart-live")
    app = make_app(tmp_path, recorder.clock.now, tmp_path / "quickstart-live")
    assert snap_compare(app, terminal_size=size, run_before=settled(lambda screen: screen.view.scores))
    recorder.__exit__()


def test_run_finished(snap_compare: Any, tmp_path: Path) -> None:
    end = three_rounds(tmp_path / "quickstart-done")
    app = make_app(tmp_path, end, tmp_path / "quickstart-done")
    assert snap_compare(app, terminal_size=(120, 40), run_before=settled(lambda screen: screen.view.verdict))


EVERY_SIZE = [*SIZES, (200, 60)]
EVERY_NAME = [f"{width}x{height}" for width, height in EVERY_SIZE]
every_size = pytest.mark.parametrize("size", EVERY_SIZE, ids=EVERY_NAME)


@pytest.fixture
def engineered(tmp_path: Path) -> Iterator[Recorder]:
    recorder = two_rounds(tmp_path / "quickstart-live")
    yield recorder
    recorder.__exit__()


def by_keys(*steps: tuple[str, Callable[[Any], object]]) -> Callable[[Pilot[None]], Any]:
    """Wait for the run, then press each key and wait for what it leads to."""

    async def go(pilot: Pilot[None]) -> None:
        await settled(lambda screen: screen.view.scores)(pilot)
        for key, condition in steps:
            await pilot.press(*key.split())
            await settled(condition)(pilot)

    return go


def tree_is_there(screen: Any) -> bool:
    return isinstance(screen, AttemptsScreen) and bool(screen.view.attempts)


@every_size
def test_attempts_what(snap_compare: Any, engineered: Recorder, size: tuple[int, int]) -> None:
    keys = by_keys(("t", tree_is_there), ("up up", lambda screen: screen.chosen.id == 3))
    assert snap_compare(app_of(engineered), terminal_size=size, run_before=keys)


@every_size
@pytest.mark.parametrize("tab", [2, 3, 4, 5], ids=["plan", "program", "difference", "calls"])
def test_attempts_tab(snap_compare: Any, engineered: Recorder, size: tuple[int, int], tab: int) -> None:
    keys = by_keys(
        ("t", tree_is_there), ("up", lambda screen: screen.chosen.id == 4), (str(tab), lambda screen: screen.chosen)
    )
    assert snap_compare(app_of(engineered), terminal_size=size, run_before=keys)


@every_size
def test_call(snap_compare: Any, engineered: Recorder, size: tuple[int, int]) -> None:
    keys = by_keys(
        ("t", tree_is_there),
        ("5", lambda screen: screen.query_one("#call-list", OptionList).option_count == 2),
        ("enter enter", lambda screen: isinstance(screen, CallScreen)),
    )
    assert snap_compare(app_of(engineered), terminal_size=size, run_before=keys)


def test_attempts_empty(snap_compare: Any, tmp_path: Path) -> None:
    with Recorder(tmp_path / "quickstart-new") as recorder:
        recorder.begin()
        keys = by_keys(("t", lambda screen: "nothing planned so far" in shown(screen.app)))
        assert snap_compare(app_of(recorder), terminal_size=(80, 24), run_before=keys)


@every_size
def test_variety(snap_compare: Any, engineered: Recorder, size: tuple[int, int]) -> None:
    narrowness(engineered, 3, 5, 0.8, ["41 % of rows share one opening: 'hi i have …'"])
    keys = by_keys(("3", lambda screen: len(screen.view.cards) == 3))
    assert snap_compare(app_of(engineered), terminal_size=size, run_before=keys)


@every_size
def test_a_plan_waits(snap_compare: Any, engineered: Recorder, size: tuple[int, int]) -> None:
    wait_for_approval(engineered)
    keys = by_keys(("1", lambda screen: screen.view.waiting))
    assert snap_compare(app_of(engineered, "paused"), terminal_size=size, run_before=keys)


@every_size
def test_approve(snap_compare: Any, engineered: Recorder, size: tuple[int, int]) -> None:
    wait_for_approval(engineered)

    async def open_it(pilot: Pilot[None]) -> None:
        await by_keys(("1", lambda screen: screen.view.waiting), ("a", lambda s: isinstance(s, ApproveScreen)))(pilot)
        pilot.app.screen.query_one("#approve-text", TextArea).cursor_blink = False
        await pilot.pause(0.3)

    assert snap_compare(app_of(engineered, "paused"), terminal_size=size, run_before=open_it)


@every_size
def test_steer(snap_compare: Any, engineered: Recorder, size: tuple[int, int]) -> None:
    leave_note(engineered.folder, "no more than two sentences")

    async def open_it(pilot: Pilot[None]) -> None:
        await by_keys(("1", lambda screen: len(screen.view.notes) == 2), ("n", lambda s: isinstance(s, SteerScreen)))(
            pilot
        )
        pilot.app.screen.query_one(Input).cursor_blink = False
        await pilot.pause(0.3)

    assert snap_compare(app_of(engineered), terminal_size=size, run_before=open_it)
