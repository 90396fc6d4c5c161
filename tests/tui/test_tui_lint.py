"""What a training learns from: asked for from Recipe and Data, in colour and in brackets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from answered import answered
from made_up import app_of, make_app
from piloting import shown, until
from recorded import Recorder
from test_tui_snapshots import by_keys

from toolkit.errors import ModelError
from toolkit.models.weights import present
from tui.linting import Linted
from tui.runs import Runs
from tui.screens.data import DataScreen
from tui.screens.lint import LintScreen, rows, verdict, words
from tui.screens.recipe import RecipeScreen

SHIPPED = Path(__file__).parents[2] / "recipes" / "quickstart"
READ = "<|im_start|>system\nName the intent.<|im_end|>\n<|im_start|>user\nwhere is my box<|im_end|>\n"
FINE = Linted(
    tuple((number, ((READ, False), ("late_parcel<|im_end|>", True))) for number in range(1, 5)),
    "36 rows, 1644 tokens, 180 of them trained (11 %); the longest row has 52; answers end with <|im_end|>",
)
WRONG = Linted(
    FINE.rows,
    FINE.summary,
    (("there are 3 rows, fewer than a batch of 8", "write `train.batch_size: 3`, or have more rows written"),),
)


def lacking() -> Linted:
    raise ModelError("the weights are not here", "schoolhouse models pull small")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Recorder]:
    recorder = answered(tmp_path / "quickstart-live")
    yield recorder
    recorder.__exit__()


def linted_app(recorder: Recorder, look: Callable[[], Linted]) -> Any:
    app: Any = app_of(recorder)
    app.runs.lint_run = lambda folder: look()
    return app


# -- without a terminal ------------------------------------------------------------------------


def test_what_is_trained_stands_in_brackets_and_findings_come_first() -> None:
    assert rows(FINE).plain.startswith(f"row 1\n{READ}⟦late_parcel<|im_end|>⟧\n\nrow 2\n")
    assert verdict(FINE).plain == "✓ nothing to object to"
    assert verdict(WRONG).plain == "✗ 1 reason not to train"
    assert words(WRONG).plain.splitlines()[:2] == [
        "✗ there are 3 rows, fewer than a batch of 8",
        "  fix: write `train.batch_size: 3`, or have more rows written",
    ]


@pytest.mark.real
@pytest.mark.skipif(not present("smollm2-135m-instruct"), reason="schoolhouse models pull smollm2-135m-instruct")
def test_a_recipe_as_it_is_edited_is_rendered_by_the_real_template(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "quickstart")
    path = tmp_path / "quickstart" / "recipe.yaml"
    text = path.read_text(encoding="utf-8").replace("  system: ", "  system: Hark! ")
    found = Runs().lint_text(path, text)
    assert found.findings == ()
    number, parts = found.rows[0]
    assert number == 1
    assert [trained for _, trained in parts] == [False, True]
    assert "Hark!" in parts[0][0]
    assert parts[1][0].endswith("<|im_end|>")


# -- with a terminal ---------------------------------------------------------------------------


async def test_from_recipe_with_the_text_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIPPED, tmp_path / "recipes" / "quickstart")
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []
    app: Any = make_app(tmp_path, 0.0)
    app.runs.lint_text = lambda path, text: asked.append(text) or FINE
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.screen._recipes)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, RecipeScreen) and app.screen.checked)
        await pilot.press(*"# mine", "enter")
        await until(pilot, lambda: app.screen.check_action("lint", ()))
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, LintScreen) and app.screen.found)
        assert "⟦late_parcel<|im_end|>⟧" in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RecipeScreen))
    assert asked[0].startswith("# mine\n")


def to_lint(screen: Any) -> bool:
    return isinstance(screen, LintScreen) and "takes some seconds" not in shown(screen.app)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("state", ["fine", "wrong", "broken"])
def test_lint(snap_compare: Any, live: Recorder, size: tuple[int, int], state: str) -> None:
    app = linted_app(live, {"fine": lambda: FINE, "wrong": lambda: WRONG, "broken": lacking}[state])
    keys = by_keys(("d", lambda screen: isinstance(screen, DataScreen) and screen.row), ("t", to_lint))
    assert snap_compare(app, terminal_size=size, run_before=keys)
