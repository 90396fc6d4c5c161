"""Screens as pictures. `pytest tests/tui --snapshot-update` after a wanted change, then look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_up import make_app
from recorded import in_training, three_rounds
from textual.pilot import Pilot
from textual.widgets import OptionList

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
