from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engineered import card, narrowness, two_rounds
from made_up import make_app
from piloting import shown, until
from recorded import Recorder, in_training
from textual.widgets import TabbedContent

from toolkit.data.diversity import diversity_card
from toolkit.types import Row
from tui.screens.data import DataScreen
from tui.screens.run import RunScreen
from tui.screens.variety import VarietyScreen
from tui.state import Stage
from tui.variety import card_of, with_card
from tui.widgets.stages import cells
from tui.widgets.variety import PLOTS, TrendPlots, variety_lines


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    found = two_rounds(tmp_path / "quickstart-live")
    yield found
    found.__exit__()


def event(number: int, attempt: int, narrow: float = 0.0) -> dict:
    return {"round": number, "data": {"attempt": attempt, "card": card(narrow), "handwritten": 0.1, "warnings": ["w"]}}


def test_a_card_of_the_toolkit_is_read_whole() -> None:
    rows = [Row(f"where is parcel {number} now", "parcel_late", "parcel_late") for number in range(12)]
    made = diversity_card(rows, ["my parcel is late", "no refund yet"], ["parcel_late", "refund_status"])
    data = {"attempt": 3, "card": made.to_json(), "handwritten": 0.0, "warnings": made.warnings()}
    found = card_of({"round": 2, "data": data})
    assert found
    assert (found.round, found.rows, found.distinct) == (2, 12, made.distinct)
    assert found.vendi_share == made.vendi_share
    assert found.warnings == tuple(made.warnings())
    assert found.topics is None
    assert found.kernel


def test_cards_are_by_round_and_a_submission_counts_once() -> None:
    cards = with_card(with_card(with_card((), event(2, 4)), event(1, 2)), event(2, 4, 1.0))
    assert [(found.round, found.attempt) for found in cards] == [(1, 2), (2, 4)]
    assert cards[1].opening_share == pytest.approx(0.41)


def test_an_event_without_the_figures_is_passed_over() -> None:
    assert with_card((), {"round": 1, "data": {"attempt": 1}}) == ()
    assert with_card((), {"round": 1, "data": {"attempt": 1, "card": {**card(0), "distinct": [1]}}}) == ()


def test_as_many_rounds_as_fit_and_the_newest_warnings() -> None:
    cards = tuple(found for number in range(1, 9) if (found := card_of(event(number, number))))
    text = str(variety_lines(cards, 76))
    assert "round 8" in text
    assert "round 4" in text
    assert "round 3" not in text
    assert "! w" in text


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_variety_on_the_run_screen(recorder: Recorder, size: tuple[int, int]) -> None:
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.cards)
        await pilot.press("3")
        assert app.screen.query_one(TabbedContent).active == "variety"
        await until(pilot, lambda: "nothing is narrow" in shown(app))
        for words in ("round 1", "share of one opening", "41.0 %", "balance of labels"):
            assert words in shown(app), words
        app.screen.query_one("#variety-board").scroll_end(animate=False)
        await until(pilot, lambda: PLOTS[-1][0] in shown(app))
        narrowness(recorder, 3, 5, 1.0, ["[b]41 % of rows\x1b[2J share one opening"])
        await until(pilot, lambda: len(app.screen.view.cards) == 3)
        app.screen.query_one("#variety-board").scroll_home(animate=False)
        await until(pilot, lambda: "! [b]41 % of rows share one opening" in shown(app))


async def test_a_run_without_a_submission_says_so(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        app = make_app(tmp_path, recorder.clock.now, recorder.folder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            await pilot.press("3")
            await until(pilot, lambda: "no submission yet" in shown(app))
            assert not app.screen.query_one(TrendPlots).display


async def test_the_plots_are_a_key_away_from_the_rows(recorder: Recorder) -> None:
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DataScreen) and app.screen.row and app.screen.facets.total)
        await pilot.press("v")
        await until(pilot, lambda: "Distinct n-grams" in shown(app) and "Vendi score" in shown(app))
        assert isinstance(app.screen, VarietyScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, DataScreen)


# -- the stage `plan` --------------------------------------------------------------------------


async def test_plan_stands_between_baseline_and_generate(recorder: Recorder) -> None:
    app = make_app(recorder.folder.parent, recorder.clock.now, recorder.folder)
    recorder.open_stage("plan", 3)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.live)
        names = [stage.name for stage in app.screen.view.stages]
        assert names == ["prepare", "baseline", "plan", "generate", "train", "evaluate", "exam"]
        text = shown(app)
        for words in ("✓ Prepare", "✓ Baseline", "● Plan", "○ Generate", "○ Evaluate", "○ Exam", "the engineer plans"):
            assert words in text, words


async def test_a_run_whose_engineer_asks_no_model_has_no_plan_stage(tmp_path: Path) -> None:
    recorder = in_training(tmp_path / "run")
    app = make_app(tmp_path, recorder.clock.now, tmp_path / "run")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        assert "Plan" not in shown(app)
    recorder.__exit__()


def test_stages_are_cut_only_where_their_names_do_not_fit() -> None:
    stages = [Stage(name) for name in ("prepare", "baseline", "plan", "generate", "train", "evaluate", "exam")]
    assert cells(stages, 200) == [18] * 7
    assert cells(stages, 76) == [11, 12, 8, 12, 9, 12, 8]
    assert cells(stages, 36) == [5] * 7
