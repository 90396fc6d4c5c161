"""Desk, export, edits and damaged runs as pictures. `--snapshot-update` after a wanted change, then look at them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from answered import answered
from judged import AGREEMENT, judged
from made_up import app_of
from piloting import shown
from recorded import Recorder
from test_tui_data import special_rows
from test_tui_export import NOT_THE_SAME, PASSED, Exporting, write
from test_tui_export import app as export_app
from test_tui_label import label_all, measured
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from toolkit.errors import JournalError
from toolkit.journal import DATABASE
from tui.app import SchoolhouseApp
from tui.screens.attempts import AttemptsScreen
from tui.screens.data import DataScreen
from tui.screens.edit_row import EditRowScreen
from tui.screens.evaluation import EvaluationScreen
from tui.screens.export import ExportScreen
from tui.screens.label import LabelScreen
from tui.screens.run import RunScreen

SIZES = [(80, 24), (200, 60)]
sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
Condition = Callable[[App[None]], object]
__all__ = ["export_app"]

STILL = 4
"""Looks in a row at an unchanged screen, after which nothing more comes."""


async def calm(pilot: Pilot[None], condition: Condition) -> None:
    """Wait until the screen shows what it should and changes no more."""
    last, still = "", 0
    for _ in range(1200):
        await pilot.pause()
        now = shown(pilot.app)
        still = still + 1 if now == last else 0
        last = now
        if still >= STILL and condition(pilot.app):
            return
        await asyncio.sleep(0.05)  # to look is to draw the whole screen
    raise AssertionError("the screen did not come to rest; it shows:\n" + last)


def walk(*steps: tuple[str, Condition]) -> Callable[[Pilot[None]], Any]:
    """Press each key, from the Run screen, and wait for what it leads to; no cursor is left to blink."""

    async def go(pilot: Pilot[None]) -> None:
        for keys, condition in (("", is_open(RunScreen)), *steps):
            if keys:
                await pilot.press(*keys.split())
            await calm(pilot, condition)
        for field in pilot.app.screen.query("TextArea, Input").results():
            if isinstance(field, TextArea | Input):
                field.cursor_blink = False
        pilot.app.clear_notifications()  # a toast goes away by itself, and sooner on a busy machine
        await calm(pilot, lambda app: not app.query("Toast"))

    return go


def is_open(kind: type[Any], words: str = "") -> Condition:
    return lambda app: isinstance(app.screen, kind) and words in " ".join(shown(app).split())


# -- the labelling desk ------------------------------------------------------------------------

TO_DESK = ("e", is_open(EvaluationScreen, "j Judge")), ("j", is_open(LabelScreen, "of 30"))


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Recorder]:
    recorder = judged(tmp_path / "polite-1")
    yield recorder
    recorder.__exit__()


@sizes
def test_desk(snap_compare: Any, waiting: Recorder, size: tuple[int, int]) -> None:
    label_all(waiting, 12)
    assert snap_compare(app_of(waiting, "broken"), terminal_size=size, run_before=walk(*TO_DESK))


@sizes
@pytest.mark.parametrize("passes", [True, False], ids=["counts", "does-not-count"])
def test_desk_measured(snap_compare: Any, waiting: Recorder, size: tuple[int, int], passes: bool) -> None:
    label_all(waiting)
    measured(waiting)
    changes = {} if passes else {"passes": False, "agreed": 19, "kappa": 0.27, "low": -0.06, "high": 0.56}
    key = waiting.journal.meta("judge")["key"]
    waiting.journal.set_meta("judge", {**AGREEMENT, **changes, "key": key})
    steps = walk(*TO_DESK, ("b", is_open(LabelScreen, "you said")))
    assert snap_compare(app_of(waiting, "broken"), terminal_size=size, run_before=steps)


def test_desk_empty(snap_compare: Any, tmp_path: Path) -> None:
    recorder = judged(tmp_path / "polite-new", answers=False)
    assert snap_compare(app_of(recorder), terminal_size=(80, 24), run_before=walk(*TO_DESK))
    recorder.__exit__()


# -- export ------------------------------------------------------------------------------------

EXPORTS: dict[str, dict[str, Any]] = {
    "working": {"state": "working", "what": "asking the exported student", "done": 31, "total": 96},
    "done": {
        "state": "done", "folder": "/home/you/runs/quickstart-done/exports/round-2-gguf-q8_0", "files": 3,
        "size": 144_800_000, "parity": PASSED,
        "usage": ("`llama-cli -m quickstart.gguf` or any program that reads GGUF files",),
    },
    "failed": {
        "state": "failed", "message": NOT_THE_SAME, "parity": {"passed": False},
        "fix": "repair what is named, or --force to write it with this noted in its card",
    },
}  # fmt: skip


@sizes
@pytest.mark.parametrize("state", EXPORTS)
def test_export(snap_compare: Any, export_app: SchoolhouseApp, size: tuple[int, int], state: str) -> None:
    write(export_app, **EXPORTS[state])
    words = {"working": "31 of 96", "done": "llama-cli", "failed": "Fix:"}[state]
    assert snap_compare(export_app, terminal_size=size, run_before=walk(("x", is_open(ExportScreen, words))))


@sizes
def test_export_ready(snap_compare: Any, export_app: SchoolhouseApp, size: tuple[int, int]) -> None:
    steps = walk(("x", is_open(ExportScreen, "into exports/")))
    assert snap_compare(export_app, terminal_size=size, run_before=steps)


def test_export_of_a_run_without_a_student(snap_compare: Any, tmp_path: Path) -> None:
    with Recorder(tmp_path / "quickstart-new") as recorder:
        recorder.begin()
    app = SchoolhouseApp(Exporting(tmp_path, recorder.clock.now, status_now="paused"), open_first=recorder.folder)
    assert snap_compare(app, terminal_size=(80, 24), run_before=walk(("x", is_open(ExportScreen, "No round was"))))


# -- rows --------------------------------------------------------------------------------------


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Recorder]:
    recorder = answered(tmp_path / "quickstart-live")
    recorder.journal.row_total  # noqa: B018
    special_rows_of_three(recorder)
    yield recorder
    recorder.__exit__()


def special_rows_of_three(recorder: Recorder) -> None:
    """Rows of every kind of verdict, in an attempt of their own."""
    recorder.journal._db.execute("DELETE FROM rows WHERE attempt = 2")
    special_rows(recorder)


def rows_are_counted(app: App[None]) -> bool:
    return bool(is_open(DataScreen, "row 1 of attempt 1")(app) and app.screen.facets.total)  # type: ignore[attr-defined]


TO_DATA = ("d", rows_are_counted)


@sizes
def test_edit_row(snap_compare: Any, live: Recorder, size: tuple[int, int]) -> None:
    steps = walk(TO_DATA, ("e", is_open(EditRowScreen, "nothing is changed")), ("p l e a s e", is_open(EditRowScreen)))
    assert snap_compare(app_of(live), terminal_size=size, run_before=steps)


@sizes
def test_row_that_was_edited(snap_compare: Any, live: Recorder, size: tuple[int, int]) -> None:
    steps = walk(
        TO_DATA,
        ("e", is_open(EditRowScreen, "nothing is changed")),
        ("p l e a s e ctrl+s", is_open(DataScreen, "edited by you")),
    )
    assert snap_compare(app_of(live), terminal_size=size, run_before=steps)


@sizes
def test_rows_beside_each_other(snap_compare: Any, live: Recorder, size: tuple[int, int]) -> None:
    steps = walk(TO_DATA, ("b", is_open(DataScreen)), ("u u", is_open(DataScreen, "alike)")))
    assert snap_compare(app_of(live), terminal_size=size, run_before=steps)


@sizes
def test_quarantined_rows(snap_compare: Any, live: Recorder, size: tuple[int, int]) -> None:
    steps = walk(TO_DATA, ("z", is_open(DataScreen, "gate item abc")))
    assert snap_compare(app_of(live), terminal_size=size, run_before=steps)


def test_data_in_full(snap_compare: Any, live: Recorder) -> None:
    assert snap_compare(app_of(live), terminal_size=(200, 60), run_before=walk(TO_DATA))


@pytest.mark.parametrize("tab", [1, 2, 3, 4], ids=["skills", "confusion", "items", "exam"])
def test_evaluation_in_full(snap_compare: Any, live: Recorder, tab: int) -> None:
    words = {1: "all together", 2: "most frequent", 3: "right answer", 4: "The exam is sealed"}[tab]
    steps = walk(("e", is_open(EvaluationScreen, "all together")), (str(tab), is_open(EvaluationScreen, words)))
    assert snap_compare(app_of(live), terminal_size=(200, 60), run_before=steps)


def test_run_in_full(snap_compare: Any, live: Recorder) -> None:
    assert snap_compare(app_of(live), terminal_size=(200, 60), run_before=walk(("", is_open(RunScreen, "few-shot"))))


# -- broken ------------------------------------------------------------------------------------

KEYS = {
    "run": ("1", RunScreen),
    "data": ("d", DataScreen),
    "evaluation": ("e", EvaluationScreen),
    "attempts": ("t", AttemptsScreen),
    "export": ("x", ExportScreen),
}
HARMS = {"damaged": "cannot be read", "missing": "has no run.db"}


def harm(folder: Path, how: str) -> None:
    """What a full disk, or a person, does to a journal."""
    for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (folder / name).unlink(missing_ok=True)
    if how == "missing":
        (folder / DATABASE).unlink()
    else:
        spoilt = folder / "spoilt"
        spoilt.write_bytes(b"this was a database once " * 400)
        spoilt.replace(folder / DATABASE)  # at once: an app that looks at half of it says other words


@sizes
@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize("screen", KEYS)
def test_broken(
    snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: str, how: str, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)  # the error names the folder
    with Recorder(Path("quickstart-broken")) as recorder:
        recorder.begin()
    harm(recorder.folder, how)
    key, kind = KEYS[screen]
    steps = walk(("", is_open(RunScreen, HARMS[how])), (key, is_open(kind, HARMS[how])))
    assert snap_compare(app_of(recorder), terminal_size=size, run_before=steps)


@sizes
def test_desk_whose_journal_breaks(
    snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = judged(Path("polite-1"))
    to_desk = walk(*TO_DESK)

    async def go(pilot: Pilot[None]) -> None:
        await to_desk(pilot)
        recorder.__exit__()
        harm(recorder.folder, "damaged")
        await calm(pilot, is_open(LabelScreen, HARMS["damaged"]))

    assert snap_compare(app_of(recorder, "broken"), terminal_size=size, run_before=go)


async def test_a_journal_that_comes_back_is_read_again(tmp_path: Path) -> None:
    with Recorder(tmp_path / "quickstart-broken") as recorder:
        recorder.begin()
    with sqlite3.connect(recorder.folder / DATABASE) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = (recorder.folder / DATABASE).read_bytes()
    harm(recorder.folder, "damaged")
    with pytest.raises(JournalError, match="cannot be read"):
        app_of(recorder).runs.status(recorder.folder)
    app = app_of(recorder)
    async with app.run_test(size=(80, 24)) as pilot:
        await calm(pilot, is_open(RunScreen, "cannot be read"))
        (recorder.folder / DATABASE).write_bytes(whole)
        await calm(pilot, lambda found: found.screen.view.scores and "cannot be read" not in shown(found))
