from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from made_up import MadeUpRuns, make_app
from piloting import shown, until
from textual.pilot import Pilot
from textual.widgets import OptionList, TextArea

from toolkit.errors import RecipeError
from tui.app import SchoolhouseApp
from tui.recipes import Mistake, mistakes_of, next_name, renamed
from tui.runs import Runs
from tui.screens.confirm import ConfirmScreen
from tui.screens.recipe import RecipeScreen
from tui.screens.run import RunScreen
from tui.screens.sure import SureScreen

SHIPPED = Path(__file__).parents[2] / "recipes" / "quickstart"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder has a recipe of its own, a copy of the shipped one."""
    shutil.copytree(SHIPPED, tmp_path / "recipes" / "quickstart")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "recipes" / "quickstart" / "recipe.yaml"


# -- without a terminal ------------------------------------------------------------------------


def test_mistakes_have_their_line_key_and_fix() -> None:
    one = mistakes_of("recipe.yaml:7: train.lr: should be a number", "write `lr: 1e-3`")
    assert one == (Mistake("should be a number", 7, "train.lr", "write `lr: 1e-3`"),)
    several = "2 mistakes:\nrecipe.yaml:3: task: missing; write it\nrecipe.yaml:9: no key here; see: the docs"
    assert mistakes_of(several, "check") == (
        Mistake("missing", 3, "task", "write it"),
        Mistake("no key here", 9, "", "see: the docs"),
    )
    assert mistakes_of("anything else", "") == (Mistake("anything else"),)


def test_another_name_leaves_comments_and_order() -> None:
    text = "# mine\ntask: {}  # x\nname:  old  # the name\ndata: {name: z}\n"
    assert renamed(text, "new") == "# mine\ntask: {}  # x\nname:  new  # the name\ndata: {name: z}\n"
    assert renamed("task: {}\n", "new") == "name: new\ntask: {}\n"


def test_the_next_name_is_free() -> None:
    assert next_name("quickstart", []) == "quickstart-2"
    assert next_name("quickstart-2", ["quickstart", "quickstart-2", "quickstart-3"]) == "quickstart-4"


def test_a_recipe_is_checked_and_forecast_without_its_data(recipe: Path) -> None:
    text = recipe.read_text(encoding="utf-8")
    shutil.rmtree(recipe.parent / "data")
    runs = Runs()
    fine = runs.check_recipe(recipe, text)
    assert fine.mistakes == ()
    assert fine.seconds > 60
    assert runs.check_recipe(recipe, re.sub(r"\n  rows: \d+", "\n  rows: 20", text)).seconds < fine.seconds
    wrong = runs.check_recipe(recipe, text.replace("\ntrain:", "\ntrian:"))
    (mistake,) = wrong.mistakes
    assert mistake.key == "trian"
    assert text.replace("\ntrain:", "\ntrian:").split("\n")[mistake.line - 1].startswith("trian")
    assert runs.check_recipe(recipe, "a: [").mistakes[0].line > 0


def test_a_recipe_that_is_not_utf8_is_refused_as_the_loader_does(recipe: Path) -> None:
    recipe.write_bytes(b"name: a\nabout: caf\xe9\n")
    for read in (Runs().recipe_text, Runs().read):
        with pytest.raises(RecipeError, match=r"recipe\.yaml:2: not UTF-8"):
            read(recipe)
    with pytest.raises(RecipeError, match="not UTF-8"):
        Runs().example_preview(recipe, "a", "hello")


def test_line_ends_are_saved_as_they_were(recipe: Path) -> None:
    Runs().save_recipe(recipe, "name: a\r\n")
    assert recipe.read_bytes() == b"name: a\r\n"


def test_a_copy_stands_whole_under_another_name(recipe: Path) -> None:
    text = "# kept\n" + recipe.read_text(encoding="utf-8")
    copy = Runs().duplicate_recipe(recipe, text)
    assert copy.parent.name == "quickstart-2"
    assert copy.read_text(encoding="utf-8") == renamed(text, "quickstart-2")
    assert (copy.parent / "data" / "messages.csv").is_file()
    assert Runs().check_recipe(copy, copy.read_text(encoding="utf-8")).mistakes == ()
    assert Runs().duplicate_recipe(recipe, text).parent.name == "quickstart-3"
    assert not list(recipe.parents[1].glob(".*"))


# -- with a terminal ---------------------------------------------------------------------------


async def opened(pilot: Pilot[None], app: SchoolhouseApp) -> RecipeScreen:
    await until(pilot, lambda: app.screen.query_one("#recipes", OptionList).option_count == 3)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, RecipeScreen) and app.screen.checked)
    assert isinstance(app.screen, RecipeScreen)
    return app.screen


async def test_mistakes_appear_as_one_types_and_the_text_is_saved_as_it_is(recipe: Path) -> None:
    app = make_app(recipe.parents[2], 0.0)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "✓ fine" in shown(app))
        area = screen.query_one(TextArea)
        before = recipe.read_text(encoding="utf-8")
        area.insert("budgets: 3  # [/ mine\n", (0, 0))
        await until(pilot, lambda: "line 1, budgets" in shown(app))
        assert "not saved" in shown(app)
        assert not screen.check_action("start", ())
        area.move_cursor((9, 0))
        await pilot.press("f4")
        assert area.cursor_location[0] == 0
        await pilot.press(*["delete"] * len("budgets: 3  "))
        await until(pilot, lambda: "✓ fine" in shown(app))
        await pilot.press("f2")
        await until(pilot, lambda: "+# [/ mine" in shown(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: recipe.read_text(encoding="utf-8") == "# [/ mine\n" + before)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RecipeScreen))


async def test_edits_are_not_lost_by_a_key(recipe: Path) -> None:
    app = make_app(recipe.parents[2], 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        before = recipe.read_text(encoding="utf-8")
        await pilot.press("#", "escape")
        await until(pilot, lambda: "Your edits are not saved" in shown(app))
        await pilot.press("escape")
        assert app.screen is screen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen.query("#recipes"))
        assert recipe.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("way", ["ctrl+q", "q", "palette"])
async def test_edits_are_not_lost_by_quitting(recipe: Path, way: str) -> None:
    app = make_app(recipe.parents[2], 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("#")
        if way == "q":
            screen.set_focus(None)
        for key in [*"\x10Quit", "enter"] if way == "palette" else [way]:
            await pilot.press({"\x10": "ctrl+p"}.get(key, key))
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("ctrl+q")  # asked once, not twice
        await pilot.press("escape")
        assert app.screen is screen
        assert app.is_running
        await pilot.press("ctrl+q", "y")
        await until(pilot, lambda: not app.is_running)


async def test_without_edits_quitting_asks_nothing(recipe: Path) -> None:
    app = make_app(recipe.parents[2], 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)


async def test_duplicate_and_start(recipe: Path) -> None:
    app = make_app(recipe.parents[2], 0.0)
    async with app.run_test(size=(120, 40)) as pilot:
        assert isinstance(app.runs, MadeUpRuns)
        screen = await opened(pilot, app)
        await pilot.press("f3")
        await until(pilot, lambda: isinstance(app.screen, RecipeScreen) and app.screen is not screen)
        await until(pilot, lambda: "quickstart-2" in shown(app))
        await until(pilot, lambda: app.screen.checked)  # type: ignore[attr-defined]
        await pilot.press("#", "ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert Path("recipes/quickstart-2/recipe.yaml").read_text(encoding="utf-8").startswith("#")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert app.runs.asked == ["start quickstart-2"]
