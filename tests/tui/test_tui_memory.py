"""What is left of a screen that was left."""

from __future__ import annotations

import gc
from pathlib import Path

from answered import answered
from made_up import app_of
from piloting import until
from textual.pilot import Pilot
from textual.strip import Strip

from tui.screens.data import DataScreen
from tui.screens.run import RunScreen


def painted() -> int:
    """Lines that something still holds."""
    gc.collect()
    return sum(isinstance(found, Strip) for found in gc.get_objects())


async def there_and_back(pilot: Pilot[None], times: int) -> None:
    for _ in range(times):
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, DataScreen) and pilot.app.screen.row)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen))


async def test_nothing_that_was_painted_is_kept_of_screens_that_were_left(tmp_path: Path) -> None:
    recorder = answered(tmp_path / "quickstart-live")
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        await there_and_back(pilot, 2)
        before = painted()
        await there_and_back(pilot, 4)
        assert painted() - before < 400, "four screens have about 1600 lines, in all their versions"
    recorder.__exit__()
