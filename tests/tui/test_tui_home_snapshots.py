"""Home and what is reached from it, as pictures. `pytest tests/tui --snapshot-update`, then look at them."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from made_up import MadeUpRuns, make_app
from piloting import shown, steady, until
from recorded import Recorder, in_training, three_rounds
from test_tui_home import ILL, NEEDED
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tui.app import SchoolhouseApp
from tui.screens.recipe import RecipeScreen

SIZES = [(80, 24), (200, 60)]
sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
Step = tuple[str, str]
Go = Callable[[Pilot[None]], Awaitable[None]]
"""Keys, and words that are on the screen once they have done their work."""


def by(app: SchoolhouseApp, *steps: Step, start: str = "took 1 h 06 min here") -> Go:
    async def go(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: start in words(app))
        for keys, seen in steps:
            await pilot.press(*keys.split())
            await until(pilot, lambda: seen in words(app))  # noqa: B023
        for blinking in (*app.screen.query(Input), *app.screen.query(TextArea)):
            blinking.cursor_blink = False
        await steady(pilot, lambda: True)

    return go


def words(app: SchoolhouseApp) -> str:
    return " ".join(shown(app).split())


def made_up(folder: Path, now: float = 4000.0) -> Any:
    app = make_app(folder, now)
    assert isinstance(app.runs, MadeUpRuns)
    return app


# -- home ----------------------------------------------------------------------------------------


@sizes
def test_home_on_the_first_start(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = made_up(tmp_path)
    app.runs.needed, app.runs.found = NEEDED, ILL
    assert snap_compare(app, terminal_size=size, run_before=by(app, ("tab", "fetches 1.22 GB")))


@sizes
@pytest.mark.parametrize("status", ["running", "broken"])
def test_home_with_runs(snap_compare: Any, tmp_path: Path, size: tuple[int, int], status: str) -> None:
    end = three_rounds(tmp_path / "quickstart-20260110-073200")
    with in_training(tmp_path / "quickstart-20260111-090000"):
        app = made_up(tmp_path, end + 4000)
        app.runs.status_now = status
        go = by(app, ("tab", "72.6 %"))
        assert snap_compare(app, terminal_size=size, run_before=go)


@sizes
@pytest.mark.parametrize("found", ["well", "ill"])
def test_doctor(snap_compare: Any, tmp_path: Path, size: tuple[int, int], found: str) -> None:
    app = made_up(tmp_path)
    if found == "ill":
        app.runs.found = ILL
    assert snap_compare(app, terminal_size=size, run_before=by(app, ("d", "looked at")))


@sizes
def test_confirm_with_arms(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = made_up(tmp_path)
    go = by(app, ("enter", "About 18 minutes"), ("a space down space", "2 arms"))
    assert snap_compare(app, terminal_size=size, run_before=go)


@sizes
def test_fetch(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = made_up(tmp_path)
    app.runs.needed = NEEDED
    go = by(app, ("tab", "fetches 1.22 GB"), ("g", "49 MB of 98 MB"))
    assert snap_compare(app, terminal_size=size, run_before=go)


# -- models ----------------------------------------------------------------------------------------


@sizes
def test_models_measured(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = made_up(tmp_path)
    app.runs.asked += ["pull small", "measure small"]
    assert snap_compare(app, terminal_size=size, run_before=by(app, ("m", "88 tokens/s")))


@sizes
def test_models_on_their_way(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = made_up(tmp_path)
    go = by(app, ("m", "not measured yet"), ("enter", "49 MB of 98 MB"), ("down", "85.04 GB"))
    assert snap_compare(app, terminal_size=size, run_before=go)


# -- chat ------------------------------------------------------------------------------------------


def in_chat(tmp_path: Path) -> tuple[Recorder, Any]:
    recorder = in_training(tmp_path / "runs" / "quickstart-live")
    shutil.copytree(Path(__file__).parents[2] / "recipes" / "quickstart", tmp_path / "mine")
    recorder.journal.set_meta("recipe_folder", str(tmp_path / "mine"))
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    return recorder, app


@sizes
@pytest.mark.parametrize("state", ["empty", "growing", "broken"])
def test_chat(snap_compare: Any, tmp_path: Path, size: tuple[int, int], state: str) -> None:
    recorder, app = in_chat(tmp_path)
    said = {
        "empty": (),
        "growing": (("h i enter", "refund_status"), ("s l o w l y enter", "refund▌")),
        "broken": (("b r e a k enter", "[student.log]"),),
    }[state]
    go = by(app, ("c", "Write a message"), *said, start="Round 3 of 3")
    assert snap_compare(app, terminal_size=size, run_before=go)
    recorder.__exit__()


@sizes
def test_chat_to_the_seeds(
    snap_compare: Any, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, app = in_chat(tmp_path)
    steps = (("c", "Write a message"), ("m o n e y enter", "refund_status"), ("ctrl+s", "Which label"))
    place = app.runs.example_place(recorder.folder)
    monkeypatch.chdir(place.path.parent)
    short = type(place)(Path("recipe.yaml"), place.labels)
    app.runs.example_place = lambda folder: short
    go = by(app, *steps, ("enter", '+ - "money"'), start="Round 3 of 3")
    assert snap_compare(app, terminal_size=size, run_before=go)
    recorder.__exit__()


# -- recipe ----------------------------------------------------------------------------------------


@sizes
def test_recipe_difference(
    snap_compare: Any, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "# mine\nname: quickstart\ntask:\n  about: Route a message.\n  system: Classify it.\n  labels: [a, b]\n"
    (tmp_path / "recipes" / "quickstart").mkdir(parents=True)
    (tmp_path / "recipes" / "quickstart" / "recipe.yaml").write_text(text + "data: {path: x.csv}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path))
    app = made_up(tmp_path)
    steps = by(app, ("e", "✓ fine"), ("f2", "against the shipped"))

    async def go(pilot: Pilot[None]) -> None:
        await steps(pilot)
        assert isinstance(app.screen, RecipeScreen)
        app.screen.set_focus(None)  # no cursor, which is now seen and now not
        await steady(pilot, lambda: True)

    assert snap_compare(app, terminal_size=size, run_before=go)
