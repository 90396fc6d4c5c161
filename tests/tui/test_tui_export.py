"""The Export screen: what is chosen, how far it is, what came of it; the event loop waits for nothing."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from made_up import MadeUpRuns
from piloting import shown, until
from recorded import Recorder, three_rounds
from textual.pilot import Pilot

from toolkit.errors import ExportError
from toolkit.export.export import TARGETS as KNOWN_TARGETS
from toolkit.export.quantize import QUANTS as KNOWN_QUANTS
from toolkit.journal import Journal
from toolkit.run.export_job import ExportState, _write
from tui.app import SchoolhouseApp
from tui.exporting import QUANT_WORDS, QUANTS, TARGETS, Exports, Standing, bytes_words
from tui.screens.export import ExportScreen
from tui.screens.run import RunScreen
from tui.screens.sure import SureScreen

PASSED = {"passed": True, "sentence": "the exported student is the trained one: 96 of 96 greedy answers are the same"}
ME = {"pid": os.getpid(), "created": psutil.Process().create_time()}
"""A process that is alive."""
NOT_THE_SAME = (
    "the exported student is not the trained one, because of: BOS (96 of 96 prompts have other token ids). "
    "0 of 96 greedy answers are the same"
)


@dataclass
class Exporting(MadeUpRuns):
    """Exports are only noted; `slow` makes beginning one wait."""

    slow: threading.Event = field(default_factory=threading.Event)
    refused: str = ""

    def start_export(self, folder: Path, to: str, quant: str | None, force: bool = False) -> None:
        self.slow.wait(8)
        if self.refused:
            raise ExportError(self.refused, "wait [for] its end")
        self.asked.append(" ".join(["export", to, str(quant), *(["force"] if force else [])]))
        _write(folder, ExportState(to, quant, force, started=self.clock, worker=ME))  # type: ignore[arg-type]

    def stop_export(self, folder: Path) -> None:
        self.asked.append("stop")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SchoolhouseApp]:
    """A finished run of three rounds, the second of which is the best, with its adapter."""
    end = three_rounds(tmp_path / "quickstart-done")
    with Journal(tmp_path / "quickstart-done") as journal:
        for number in (1, 2):
            journal.round_adapter(number, f"adapters/round-{number}")
    runs = Exporting(tmp_path, end)
    runs.slow.set()
    yield SchoolhouseApp(runs, open_first=tmp_path / "quickstart-done")
    runs.slow.set()


def runs_of(app: SchoolhouseApp) -> Exporting:
    assert isinstance(app.runs, Exporting)
    return app.runs


def folder_of(app: SchoolhouseApp) -> Path:
    return runs_of(app).folder / "quickstart-done"


def write(app: SchoolhouseApp, **values: Any) -> None:
    """The state of an export that is going on, or ended 75 seconds after its begin."""
    now = app.runs.now()
    state = ExportState("gguf", "q8_0", started=now - 75, ended=None if values.get("state") == "working" else now)
    _write(folder_of(app), replace(state, worker=ME, **values))


async def opened(pilot: Pilot[None], app: SchoolhouseApp) -> ExportScreen:
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.verdict)
    await pilot.press("x")
    await until(pilot, lambda: isinstance(app.screen, ExportScreen) and app.screen.view)
    assert isinstance(app.screen, ExportScreen)
    return app.screen


# -- without a terminal ------------------------------------------------------------------------


def test_every_target_and_quantization_of_the_toolkit_is_there() -> None:
    assert sorted(TARGETS) == sorted(KNOWN_TARGETS)
    assert {name for names in QUANTS.values() for name in names} == set(KNOWN_QUANTS) == set(QUANT_WORDS)


def test_what_stands_in_the_way_is_said() -> None:
    assert "going on" in Exports("running", 2).obstacle
    assert "No round was accepted" in Exports("finished", None).obstacle
    ready = Exports("paused", 2, (Standing("round-2-gguf-q8_0", 1, True),))
    assert ready.obstacle == ""
    assert ready.replaces("gguf", "q8_0") == "round-2-gguf-q8_0"
    assert ready.replaces("gguf", "f16") == ready.replaces("hf", None) == ""


@pytest.mark.parametrize(("count", "words"), [(3000, "0.1 MB"), (2_500_000, "2.5 MB"), (98_362_432, "98 MB"),
                                              (1_117_320_768, "1.12 GB")])  # fmt: skip
def test_sizes_are_short(count: int, words: str) -> None:
    assert bytes_words(count) == words


# -- with a terminal ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_an_export_from_choice_to_parity_by_keys(app: SchoolhouseApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "into exports/round-2-gguf-f16" in shown(app))
        await pilot.press("tab", "down")
        await until(pilot, lambda: "exports/round-2-gguf-q8_0" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "exporting gguf q8_0" in shown(app))
        assert runs_of(app).asked[-1] == "export gguf q8_0"
        await pilot.press("enter")  # one at a time
        write(app, state="working", what="asking the exported student", done=48, total=96)
        await until(pilot, lambda: "48 of 96" in shown(app) and "asking the exported student" in shown(app))
        assert "1:15" in shown(app)
        write(app, state="done", folder="/x/exports/a", files=3, size=98_362_432, parity=PASSED, usage=("`llama-cli`",))
        await until(pilot, lambda: "gguf q8_0 stands" in shown(app))
        text = " ".join(shown(app).split())
        assert "3 files, 98 MB, in" in text and "the exported student is the trained one" in text
        assert "llama-cli" in text and "`" not in text
        assert [one for one in runs_of(app).asked if one.startswith("export")] == ["export gguf q8_0"]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert screen.view


async def test_targets_that_are_not_quantized_say_so(app: SchoolhouseApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("down")
        await until(pilot, lambda: screen.target == "gguf-lora" and "not quantized" in shown(app))
        assert screen.quant is None
        await pilot.press("down")
        await until(pilot, lambda: "round-2-ollama-q8_0" in shown(app))
        await pilot.press("end", "enter")
        await until(pilot, lambda: "export dataset None" in runs_of(app).asked)


async def test_a_failed_check_is_shown_with_its_fix_and_may_be_overruled(app: SchoolhouseApp) -> None:
    fix = "repair what is named, or --force to write it with this noted in its card"
    write(app, state="failed", message=NOT_THE_SAME, fix=fix, parity={"passed": False, "causes": ["BOS"]})
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "gguf q8_0 did not work" in shown(app))
        assert "BOS (96 of 96" in shown(app) and "Fix: repair what is named" in shown(app)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        await pilot.press("f", "y")
        await until(pilot, lambda: "export gguf q8_0 force" in runs_of(app).asked)


async def test_an_export_that_stands_is_replaced_only_after_a_question(app: SchoolhouseApp) -> None:
    place = folder_of(app) / "exports" / "round-2-gguf-f16"
    place.mkdir(parents=True)
    about = {"files": {"x.gguf": {"bytes": 271_000_000}}, "parity": {"passed": False}, "forced": True}
    (place / "manifest.json").write_text(json.dumps(about), encoding="utf-8")
    (place.parent / "odd").mkdir()
    (place.parent / "odd" / "manifest.json").write_text("[]", encoding="utf-8")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "271 MB" in shown(app) and "not the same student" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen))
        assert not runs_of(app).asked
        await pilot.press("enter", "y")
        await until(pilot, lambda: "export gguf f16" in runs_of(app).asked)


async def test_an_export_is_stopped_after_a_question(app: SchoolhouseApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("s")  # nothing is going on
        assert app.screen is screen
        await pilot.press("enter")
        await until(pilot, lambda: screen.view and screen.view.working)
        await pilot.press("s", "y")
        await until(pilot, lambda: "stop" in runs_of(app).asked)
        write(app, state="stopped", message="the export was stopped; nothing of it is left")
        await until(pilot, lambda: "was stopped" in shown(app))


async def test_keys_work_while_an_export_is_begun_and_a_refusal_is_shown(app: SchoolhouseApp) -> None:
    runs = runs_of(app)
    runs.slow.clear()
    runs.refused = "an export [b] of this run is going on"
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("enter", "down")
        await until(pilot, lambda: screen.target == "gguf-lora")  # while it still begins
        runs.slow.set()
        await until(pilot, lambda: "an export [b] of this run is going on" in shown(app))
        runs.refused = ""
        await pilot.press("up", "enter")
        await until(pilot, lambda: "export gguf f16" in runs.asked)


async def test_a_run_that_is_going_on_is_not_exported(tmp_path: Path) -> None:
    with Recorder(tmp_path / "live") as recorder:
        recorder.begin()
        runs = Exporting(tmp_path, recorder.clock.now)
        app = SchoolhouseApp(runs, open_first=recorder.folder)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            commands = {command.title for command in app.get_system_commands(app.screen)}
            assert "Export" in commands
            await pilot.press("x")
            await until(pilot, lambda: "export when it has ended" in " ".join(shown(app).split()))
            runs.status_now = "paused"
            await until(pilot, lambda: "No round was accepted" in shown(app))
            await pilot.press("enter", "f", "s")
            assert not runs.asked


async def test_hostile_words_of_an_export_are_literal(app: SchoolhouseApp) -> None:
    evil = "[b + [/ [@click=app.quit]x \x1b]52;c;x\x07\x1b[2J\u202egnp"
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        for state in ("working", "failed", "done", "stopped"):
            write(app, state=state, what=evil, message=evil, fix=evil, folder=evil, usage=(evil,), created=evil)
            await until(pilot, lambda: "[b + [/ [@click=app.quit]x" in shown(app))
            assert not {"\x1b", "\u202e", "\x07"} & set(shown(app))
