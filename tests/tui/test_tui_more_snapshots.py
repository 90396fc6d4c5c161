"""More screens as pictures. `pytest tests/tui --snapshot-update` after a wanted change, then look at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answered import answered
from made_up import make_app
from recorded import Recorder
from test_tui_compare import FOUND
from test_tui_snapshots import NAMES, SIZES, app_of, by_keys, settled
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, SelectionList

from tui.comparing import comparison
from tui.screens.chat import ChatScreen
from tui.screens.compare import CompareScreen
from tui.screens.data import DataScreen
from tui.screens.evaluation import EvaluationScreen
from tui.screens.help import HelpScreen
from tui.screens.models import ModelsScreen
from tui.screens.recipe import RecipeScreen

sizes = pytest.mark.parametrize("size", SIZES, ids=NAMES)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Recorder]:
    recorder = answered(tmp_path / "quickstart-live")
    yield recorder
    recorder.__exit__()


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Recorder]:
    recorder = answered(tmp_path / "quickstart-done", exam=True)
    yield recorder
    recorder.__exit__()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Recorder]:
    with Recorder(tmp_path / "quickstart-new") as recorder:
        recorder.begin()
        yield recorder


def row_is_there(screen: Any) -> bool:
    return isinstance(screen, DataScreen) and screen.row is not None and bool(screen.facets.total)


def answers_are_there(screen: Any) -> bool:
    return isinstance(screen, EvaluationScreen) and bool(screen.view.students)


@sizes
def test_data(snap_compare: Any, live: Recorder, size: tuple[int, int]) -> None:
    down = ("down down down", lambda screen: screen.row.line.seq == 3)
    assert snap_compare(app_of(live), terminal_size=size, run_before=by_keys(("d", row_is_there), down))


def test_data_empty(snap_compare: Any, new: Recorder) -> None:
    keys = by_keys(("d", lambda screen: isinstance(screen, DataScreen) and screen.facets.status == "running"))
    assert snap_compare(app_of(new), terminal_size=(80, 24), run_before=keys)


@sizes
@pytest.mark.parametrize("tab", [1, 2, 3, 4], ids=["skills", "confusion", "items", "exam"])
def test_evaluation(snap_compare: Any, live: Recorder, size: tuple[int, int], tab: int) -> None:
    keys = by_keys(("e", answers_are_there), (str(tab), lambda screen: screen.trained))
    assert snap_compare(app_of(live), terminal_size=size, run_before=keys)


@sizes
def test_verdict(snap_compare: Any, finished: Recorder, size: tuple[int, int]) -> None:
    app: Any = app_of(finished)
    app.runs.opened = False
    keys = by_keys(("v", answers_are_there), ("v", lambda screen: screen.view.split == "private"))
    assert snap_compare(app, terminal_size=size, run_before=keys)


def test_evaluation_empty(snap_compare: Any, new: Recorder) -> None:
    keys = by_keys(("e", lambda screen: isinstance(screen, EvaluationScreen) and screen.view.status == "running"))
    assert snap_compare(app_of(new), terminal_size=(80, 24), run_before=keys)


# -- chat, recipe, compare, models, help -------------------------------------------------------

RECIPE = """# What a help desk needs.
name: quickstart
task:
  about: Route a help-desk message to one intent.
  system: Classify the message into one intent.
  labels: [parcel_late, refund_status, wrong_item]
data: {path: data/}   # written by hand
train: {lr: 2e-3, epochs: 2}
budget: {rounds: 3, rows: 360, teacher_calls: 400, minutes: 30}
"""


@sizes
def test_chat(snap_compare: Any, live: Recorder, size: tuple[int, int]) -> None:
    async def talk(pilot: Pilot[None]) -> None:
        await by_keys(("c", lambda screen: isinstance(screen, ChatScreen)))(pilot)
        await pilot.press(*"where is my money", "enter")
        await settled(lambda screen: screen.turns and not screen.waiting)(pilot)
        pilot.app.screen.query_one(Input).cursor_blink = False
        await pilot.pause(0.3)

    assert snap_compare(app_of(live), terminal_size=size, run_before=talk)


def from_home(*steps: Any) -> Any:
    """Wait for the recipes, then press each key and wait for what it leads to."""

    async def go(pilot: Pilot[None]) -> None:
        await settled(lambda screen: screen.query_one("#recipes", OptionList).option_count == 3)(pilot)
        for key, condition in steps:
            await pilot.press(*key.split())
            await settled(condition)(pilot)

    return go


@sizes
@pytest.mark.parametrize("mistake", [False, True], ids=["fine", "mistake"])
def test_recipe(
    snap_compare: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    mistake: bool,
) -> None:
    (tmp_path / "recipes" / "quickstart").mkdir(parents=True)
    text = RECIPE.replace("train:", "trian:").replace("rounds: 3", "rounds: three") if mistake else RECIPE
    (tmp_path / "recipes" / "quickstart" / "recipe.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path))

    async def edit(pilot: Pilot[None]) -> None:
        await from_home(("e", lambda screen: isinstance(screen, RecipeScreen) and screen.checked))(pilot)
        pilot.app.screen.set_focus(None)  # no cursor, which is now seen and now not
        await pilot.pause(0.3)

    assert snap_compare(make_app(tmp_path, 0.0), terminal_size=size, run_before=edit)


@sizes
def test_compare(snap_compare: Any, live: Recorder, size: tuple[int, int]) -> None:
    app: Any = make_app(live.folder.parent, live.clock.now)
    app.runs.compare = lambda folders: comparison(FOUND)
    keys = from_home(
        ("c", lambda screen: isinstance(screen, CompareScreen) and screen.query_one(SelectionList).option_count),
        ("space enter", lambda screen: screen.view),
    )
    assert snap_compare(app, terminal_size=size, run_before=keys)


@sizes
def test_models(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app: Any = make_app(tmp_path, 0.0)

    async def fetch(pilot: Pilot[None]) -> None:
        await from_home(
            ("m", lambda screen: isinstance(screen, ModelsScreen) and screen._models),
            ("enter", lambda screen: any(found.done for found in screen._progress.values())),
        )(pilot)

    assert snap_compare(app, terminal_size=size, run_before=fetch)
    app.runs.go_on.set()


def test_help_of_a_screen(snap_compare: Any, live: Recorder) -> None:
    keys = by_keys(("d", row_is_there), ("question_mark", lambda screen: isinstance(screen, HelpScreen)))
    assert snap_compare(app_of(live), terminal_size=(80, 24), run_before=keys)
