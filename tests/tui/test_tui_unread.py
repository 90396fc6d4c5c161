"""What an exam found stays covered on every screen until a person opens its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from answered import answered
from made_up import MadeUpRuns, app_of, make_app
from piloting import shown, until
from recorded import SENTENCE, Recorder
from test_tui_compare import FOUND
from test_tui_state import read
from textual.widgets import OptionList, SelectionList

from tui.app import SchoolhouseApp
from tui.comparing import comparison
from tui.covered import covered
from tui.feed import RunNews, RunSource
from tui.runs import Runs
from tui.screens.compare import CompareScreen
from tui.screens.evaluation import EvaluationScreen
from tui.screens.home import HomeScreen
from tui.screens.run import RunScreen
from tui.screens.sure import SureScreen
from tui.state import RunView, advance

TOLD = ("Helped", "59.4", "72.6", "13.2")
"""Of the exam's result."""


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Recorder]:
    found = answered(tmp_path / "quickstart-done", exam=True)
    yield found
    found.__exit__()


def unread(app: SchoolhouseApp) -> SchoolhouseApp:
    assert isinstance(app.runs, MadeUpRuns)
    app.runs.opened = False
    return app


def told(text: str) -> list[str]:
    return [words for words in TOLD if words in text]


def test_scores_verdict_and_log_of_an_exam_are_covered_until_it_was_read(finished: Recorder) -> None:
    whole = advance(RunView("run"), read(finished.folder, "finished"))
    view = covered(whole)
    assert whole.unread
    assert view.unread
    assert view.verdict == ""
    assert {point.split for point in whole.scores} - {point.split for point in view.scores} == {"private"}
    assert told(" ".join(line.text for line in whole.log)) == list(TOLD)
    assert told(" ".join(line.text for line in view.log)) == []
    assert "its verdict waits: press v" in [line.text for line in view.log][-2]


def test_scores_are_covered_while_the_exam_is_sat(finished: Recorder) -> None:
    finished.journal.set_meta("verdict", None)
    view = covered(advance(RunView("run"), read(finished.folder, "running")))
    assert not view.unread
    assert told(repr((view.scores, view.log))) == []


def test_a_run_whose_exam_stayed_sealed_says_why(finished: Recorder) -> None:
    finished.journal.set_meta("verdict", {"word": "cannot tell", "sentence": "It stays sealed.", "student": None})
    assert covered(advance(RunView("run"), read(finished.folder, "finished"))).verdict == "It stays sealed."


def test_the_feed_tells_once_when_a_verdict_was_opened(finished: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(finished.folder / "cache"))
    runs = Runs()
    source = RunSource(runs, finished.folder)
    first = source.look()
    assert isinstance(first, RunNews)
    assert not first.news.read
    assert source.look() is None
    runs.keep_read(finished.folder)
    then = source.look()
    assert isinstance(then, RunNews)
    assert then.news.read
    assert advance(advance(RunView("run"), first.news), then.news).verdict == SENTENCE
    assert source.look() is None
    source.close()


def test_without_a_cache_it_stays_open_as_long_as_the_program(
    finished: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finished.folder / "cache").write_text("a file, not a folder", encoding="utf-8")
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(finished.folder / "cache"))
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(finished.folder.parent))
    runs = Runs()
    assert [line.unread for line in runs.runs()] == [True]
    assert runs.unread_among([finished.folder]) == (finished.folder,)
    runs.keep_read(finished.folder)
    assert [line.unread for line in runs.runs()] == [False]
    assert runs.unread_among([finished.folder]) == ()


async def test_from_home_one_key_leads_to_the_question_and_one_more_opens_the_verdict(finished: Recorder) -> None:
    app = unread(make_app(finished.folder.parent, finished.clock.now))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "v: open the verdict" in shown(app))
        assert told(shown(app)) == []
        await pilot.press("v")
        await until(pilot, lambda: "What do you expect?" in shown(app))
        assert told(shown(app)) == []
        await pilot.press("v")
        await until(pilot, lambda: "Helped: round-2 is +59.4 points" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and "72.6 %" in shown(app))
        assert "v: open the verdict" not in shown(app)


async def test_the_run_screen_shows_all_of_it_once_it_was_opened(finished: Recorder) -> None:
    app = unread(app_of(finished))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Press v to open its verdict" in shown(app))
        for key in ("s", "s", "s", "4"):
            await pilot.press(key)
            await pilot.pause()
            assert told(shown(app)) == [], key
        await pilot.press("1", "v")
        await until(pilot, lambda: isinstance(app.screen, EvaluationScreen) and "What do you expect?" in shown(app))
        await pilot.press("v")
        await until(pilot, lambda: "Helped" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and told(shown(app)) == list(TOLD))


async def test_a_comparison_asks_before_it_opens_verdicts(finished: Recorder) -> None:
    app = unread(make_app(finished.folder.parent, finished.clock.now))
    app.runs.compare = lambda folders: comparison(FOUND)  # type: ignore[method-assign]
    app.runs.unread_among = lambda folders: () if app.runs.opened else tuple(folders)  # type: ignore[attr-defined, method-assign]
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#runs", OptionList).option_count and "unread" in shown(app))
        await pilot.press("c")
        await until(
            pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.query_one(SelectionList).options
        )
        assert "verdict unread" in shown(app)
        await pilot.press("space", "enter")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and "space key" in shown(app))
        assert not app.runs.opened  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("y")
        await until(pilot, lambda: "+10.0 points" in shown(app))
        assert app.runs.opened  # type: ignore[attr-defined]
