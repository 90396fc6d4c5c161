"""Compare, Recipe and Doctor in the states that no other picture shows. `--snapshot-update`, then look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up import make_app
from piloting import shown, steady, until
from recorded import in_training, three_rounds
from test_tui_compare import FOUND
from textual.pilot import Pilot
from textual.widgets import TextArea

from toolkit.errors import SchoolhouseError
from tui.app import SchoolhouseApp
from tui.comparing import comparison
from tui.machine import Health
from tui.screens.compare import CompareScreen
from tui.screens.doctor import DoctorScreen
from tui.screens.recipe import RecipeScreen

SIZES = [(80, 24), (200, 60)]
sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])


def at(screen: Callable[[], Any], words: str, keys: str = "", then: str = "") -> Callable[[Pilot[None]], Any]:
    """Open a screen at once, wait for words, press keys, wait for what they lead to."""

    async def go(pilot: Pilot[None]) -> None:
        await pilot.app.push_screen(screen())
        await until(pilot, lambda: words in " ".join(shown(pilot.app).split()))
        await pilot.press(*keys.split())
        await until(pilot, lambda: then in " ".join(shown(pilot.app).split()))
        pilot.app.clear_notifications()  # a toast goes away by itself, and sooner on a busy machine
        await steady(pilot, lambda: not pilot.app.query("Toast"))

    return go


# -- compare ---------------------------------------------------------------------------------------


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[SchoolhouseApp]:
    end = three_rounds(tmp_path / "quickstart-20260110-073200")
    with in_training(tmp_path / "quickstart-20260111-090000"):
        yield make_app(tmp_path, end)


EXAMINED: dict[str, Any] = {
    **FOUND,
    "split": "private",
    "runs": [{**run, "verdict": word} for run, word in zip(FOUND["runs"], ("helped", "cannot tell"), strict=True)],
    "notes": ["quickstart-b: its sealed items were opened 3 times; they are spent"],
}


def nothing_in_common(_folders: object) -> None:
    raise SchoolhouseError(
        "quickstart-a and banking77-b have no gate item in common",
        "compare runs of one recipe with the same data, such as arms",
    )


@sizes
@pytest.mark.parametrize("state", ["nothing-chosen", "examined", "nothing-in-common"])
def test_compare(snap_compare: Any, runs: SchoolhouseApp, size: tuple[int, int], state: str) -> None:
    found: Any = {"examined": lambda _folders: comparison(EXAMINED), "nothing-in-common": nothing_in_common}.get(state)
    runs.runs.compare = found  # type: ignore[method-assign]
    keys, then = {
        "nothing-chosen": ("", "none chosen"),
        "examined": ("space down space enter", "Paired differences"),
        "nothing-in-common": ("space down space enter", "such as arms"),
    }[state]
    go = at(CompareScreen, "quickstart-20260110-073200", keys, then)
    assert snap_compare(runs, terminal_size=size, run_before=go)


def test_compare_without_runs(snap_compare: Any, tmp_path: Path) -> None:
    go = at(CompareScreen, "no runs yet")
    assert snap_compare(make_app(tmp_path, 0.0), terminal_size=(80, 24), run_before=go)


# -- recipe ----------------------------------------------------------------------------------------

WHOLE = """# What a help desk needs.
name: mine
task:
  about: Route a help-desk message to one intent.
  system: Classify the message into one intent.
  labels: [parcel_late, refund_status, wrong_item]
data: {path: data/}   # written by hand
budget: {rounds: 3, rows: 360, teacher_calls: 400, minutes: 30}
"""


@sizes
@pytest.mark.parametrize("state", ["empty", "not-saved", "many-mistakes"])
def test_recipe(
    snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], state: str
) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path))
    path = tmp_path / "mine" / "recipe.yaml"
    path.parent.mkdir()
    bad = WHOLE.replace("rounds: 3", "rounds: -1").replace("rows: 360", "rows: many").replace("name:", "nmae:")
    path.write_text({"empty": "", "many-mistakes": bad}.get(state, WHOLE), encoding="utf-8")
    app = make_app(tmp_path, 0.0)
    words = {"empty": "mistake", "many-mistakes": "4 mistakes"}.get(state, "fine")

    async def go(pilot: Pilot[None]) -> None:
        found = app.runs.recipe_text(path)
        await at(lambda: RecipeScreen(path, found), words)(pilot)
        if state == "not-saved":
            area = app.screen.query_one(TextArea)
            area.replace("rows: 720", *[(7, WHOLE.split("\n")[7].index(part)) for part in ("rows: 360", ", teacher")])
            await steady(pilot, lambda: "720 rows" in shown(app))

    assert snap_compare(app, terminal_size=size, run_before=go)


# -- doctor ----------------------------------------------------------------------------------------


@sizes
def test_doctor_at_work(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app: Any = make_app(tmp_path, 0.0)

    def health(again: bool = False) -> Health:
        if again:
            app.runs.go_on.wait(8)  # until the program is left
        return Health()

    app.runs.health = health
    assert snap_compare(app, terminal_size=size, run_before=at(lambda: DoctorScreen(Health()), "looking …"))


@sizes
def test_doctor_that_fails(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path, 0.0)

    def health(again: bool = False) -> Health:
        raise SchoolhouseError("`schoolhouse doctor --json` failed: a library is broken", "schoolhouse doctor")

    app.runs.health = health  # type: ignore[method-assign]
    assert snap_compare(app, terminal_size=size, run_before=at(lambda: DoctorScreen(Health()), "the look failed"))
