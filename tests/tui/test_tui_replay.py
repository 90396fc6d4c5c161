from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from answered import SECRET, answered
from piloting import shown, until
from typer.testing import CliRunner

from toolkit.cli.app import app as command_line
from toolkit.errors import SchoolhouseError
from toolkit.journal import DATABASE, JournalReader
from tui.app import SchoolhouseApp
from tui.replay import REFUSED, Player, ReplayRuns, replay, steps
from tui.runs import Runs
from tui.screens.run import RunScreen
from tui.state import RecipeLine, Yield

REAL = Path(__file__).parents[1] / "data" / "recorded-run"
TABLES = (
    "events", "stages", "attempts", "calls", "rows", "rounds", "training_steps", "further_steps", "outcomes",
    "openings", "meta",
)  # fmt: skip

WATCHING = {
    "now", "status", "runs", "find", "calls", "call", "limits", "facets", "row_window", "whole_row", "edit_problem",
    "may_be_kept", "cards", "evaluation", "interval", "desk", "exports", "compare", "lint_run",
    "was_read", "keep_read", "unread_among",
}  # fmt: skip
OF_THIS_MACHINE = {
    "recipes", "estimate", "machine", "takes", "lacking", "health", "models", "pull", "measure", "command", "leave",
    "recipe_text", "check_recipe", "save_recipe", "duplicate_recipe", "lint_text",
}  # fmt: skip
"""Has nothing to do with the recording, and stays."""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A finished run."""
    recorder = answered(tmp_path / "quickstart-done", exam=True)
    recorder.__exit__()
    return recorder.folder


@pytest.fixture
def player(recorded: Path, tmp_path: Path) -> Iterator[Player]:
    player = Player(recorded, tmp_path / "replay" / "quickstart-done", 300)
    yield player
    player.close()


def content(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        return {name: database.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in TABLES}


def test_a_replay_ends_with_the_same_journal_and_leaves_the_recording_alone(recorded: Path, tmp_path: Path) -> None:
    before = content(recorded)
    player = Player(recorded, tmp_path / "replay" / "run", 1e5)
    player.start()
    end = time.monotonic() + 30
    while not player.finished and time.monotonic() < end:
        time.sleep(0.05)
    player.close()
    found = content(player.folder)
    for name in TABLES:
        assert found[name] == before[name], name
    assert content(recorded) == before
    assert SECRET in (player.folder / "data" / "gate.jsonl").read_text(encoding="utf-8")
    assert not (player.folder / "data" / "private.jsonl").exists()


def test_steps_come_in_the_order_of_time_and_a_stage_ends_after_it_began(recorded: Path) -> None:
    with closing(sqlite3.connect(recorded / DATABASE)) as database:
        found = list(steps(database))
    assert [step[0] for step in found] == sorted(step[0] for step in found)
    stages = [
        (step[2][:6], step[3][0 if step[2].startswith("INSERT") else -1]) for step in found if "stages" in step[2]
    ]
    assert stages.index(("INSERT", 1)) < stages.index(("UPDATE", 1))
    assert len(stages) % 2 == 0


def test_the_verdict_is_not_there_before_its_time(player: Player) -> None:
    reader = JournalReader(player.folder)
    assert reader.meta("verdict") is None
    assert reader.meta("recipe_name") == "quickstart"
    assert reader.meta("state") == "running"
    assert reader.events() == []
    reader.close()


def test_a_replay_can_be_paused_and_nothing_else(player: Player) -> None:
    runs = ReplayRuns(player)
    assert runs.status(player.folder) == "paused"
    player.start()
    assert runs.status(player.folder) == "running"
    runs.pause(player.folder)
    time.sleep(0.4)
    now = player.now
    time.sleep(0.4)
    assert player.now == now
    runs.resume(player.folder)
    time.sleep(0.4)
    assert player.now > now
    for forbidden in (lambda: runs.steer(player.folder, "x"), lambda: runs.approve(player.folder),
                      lambda: runs.end_after_round(player.folder, True),
                      lambda: runs.decide(player.folder, "1-1", "drop"), lambda: runs.save_labels(player.folder, {}),
                      lambda: runs.row_text(player.folder, 1, 1), lambda: runs.example_place(player.folder),
                      lambda: runs.start_export(player.folder, "gguf", None), lambda: runs.converse(player.folder),
                      lambda: runs.start(RecipeLine("a", player.folder, ""))):  # fmt: skip
        with pytest.raises(SchoolhouseError, match="a recording"):
            forbidden()


def test_whatever_a_door_offers_was_thought_of_for_replays() -> None:
    offered = {name for name in dir(Runs) if not name.startswith("_") and callable(getattr(Runs, name))}
    assert offered == WATCHING | OF_THIS_MACHINE | {*REFUSED, "pause", "resume"}


def test_a_speed_that_makes_no_sense_is_refused(recorded: Path) -> None:
    with pytest.raises(SchoolhouseError):
        replay(str(recorded), 0, lambda _runs, _folder: None)
    looked: list[Path] = []
    replay(str(recorded), 10, lambda _runs, folder: looked.append(folder))
    assert looked
    assert not looked[0].exists()  # nothing of it is left


def test_the_command_names_its_options() -> None:
    found = CliRunner().invoke(command_line, ["replay", "--help"])
    assert found.exit_code == 0
    assert "--speed" in found.output


async def test_the_run_screen_shows_a_replay_as_a_live_run(player: Player) -> None:
    app = SchoolhouseApp(ReplayRuns(player), open_first=player.folder)
    player.speed = 30  # 300 is over before a slow machine has looked
    player.start()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        assert "running" in shown(app)
        player.speed = 20_000
        await until(pilot, lambda: "Press v to open its verdict" in shown(app), seconds=40)
        assert "finished" in shown(app)
        await pilot.press("v")
        await until(pilot, lambda: "What do you expect?" in shown(app))
        await pilot.press("v")
        await until(pilot, lambda: "Helped: round-2 is +59.4 points" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "Helped: round-2" in shown(app))


async def test_the_real_run_of_the_repository_is_replayed_to_its_verdict(tmp_path: Path) -> None:
    player = Player(REAL, tmp_path / "replay" / "real", 2_000)
    app = SchoolhouseApp(ReplayRuns(player), open_first=player.folder)
    player.start()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.view.unread, seconds=40)  # type: ignore[attr-defined]
        assert "51.0 points" in app.screen.whole.verdict  # type: ignore[attr-defined]
        await pilot.press("3")
        await until(pilot, lambda: "asked of the teacher" in shown(app))
        assert app.screen.view.gained == Yield(55, 55, 52, 232, 212, 180, 180)  # type: ignore[attr-defined]
    player.close()
