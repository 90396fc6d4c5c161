from __future__ import annotations

from pathlib import Path

from made_up import make_app
from piloting import shown, until
from recorded import Recorder

from tui.screens.data import DataScreen
from tui.screens.help import SECTIONS, help_lines, others
from tui.screens.run import RunScreen


def test_the_keys_of_the_screen_one_is_on_come_first() -> None:
    assert help_lines("Data")[0] == ("Data", "")
    assert help_lines("Choose")[0] == ("Everywhere", "")
    every = help_lines("Data") + others("Data")
    assert [line for line in every if line == ("Data", "")] == [("Data", "")]
    assert {(name, "") for name in SECTIONS} <= set(every)


async def test_the_keys_of_a_screen_are_commands_of_the_palette(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        app = make_app(tmp_path, recorder.clock.now, recorder.folder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            commands = {command.title: command for command in app.get_system_commands(app.screen)}
            assert {"Data", "Evaluation", "Chat", "Attempts", "Compare", "Pause", "Light"} <= commands.keys()
            assert "Go on" not in commands  # it runs
            await pilot.press("question_mark")
            await until(pilot, lambda: "every row, and what became of it" in shown(app))
            await pilot.press("end")  # to what is not there at the first paint
            await until(pilot, lambda: "open it in your own editor" in shown(app))
            await pilot.press("escape", "ctrl+p")
            await pilot.press(*"Data")
            await pilot.pause(0.5)
            await pilot.press("enter", "enter")
            await until(pilot, lambda: isinstance(app.screen, DataScreen))
