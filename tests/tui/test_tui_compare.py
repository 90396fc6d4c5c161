from __future__ import annotations

from pathlib import Path
from typing import Any

from answered import answered
from made_up import make_app
from piloting import shown, until
from recorded import Recorder
from textual.widgets import SelectionList

from toolkit.harmless import STEERS
from tui.comparing import comparison
from tui.screens.compare import CompareScreen

FOUND: dict[str, Any] = {
    "split": "gate",
    "untrained": {"zero-shot": {"score": 0.1, "low": 0.05, "high": 0.2, "n": 96}, "few-shot": {"score": 0, "n": 0}},
    "runs": [
        {"name": name, "run": name, "student": "round-2", "score": score, "low": score - 0.1, "high": score + 0.1,
         "n": 96, "rows": 360, "calls": 80, "rounds": 3, "verdict": None, "spread": None}
        for name, score in (("quickstart [a]", 0.7), ("quickstart-b", 0.6))
    ],
    "comparisons": [
        {"new": "quickstart [a]", "old": "quickstart-b", "word": "better", "difference": 0.1, "low": 0.02, "high": 0.18,
         "n": 96, "wins": 12, "losses": 2, "method": "m", "p_value": 0.01, "p_adjusted": 0.01, "detectable": 0.1,
         "changed": ["train.lr"]}
    ],
    "recipe": {"train.lr": {"quickstart [a]": 0.001, "quickstart-b": 0.0002}},
    "notes": ["not every run has sat its exam"],
}  # fmt: skip


def test_a_comparison_as_plain_values() -> None:
    found = comparison(FOUND)
    assert [run.name for run in found.runs] == ["zero-shot", "quickstart [a]", "quickstart-b"]
    assert (found.differences[0].points, found.differences[0].changed) == (10.0, ("train.lr",))
    assert found.recipe == (("train.lr", ("0.001", "0.0002")),)


async def test_two_runs_are_chosen_and_compared(tmp_path: Path) -> None:
    recorders = [answered(tmp_path / f"quickstart-{name}") for name in "ab"]
    app = make_app(tmp_path, 0.0)
    asked: list[list[str]] = []

    def compare(folders: list[Path]) -> object:
        asked.append([folder.name for folder in folders])
        return comparison(FOUND)

    app.runs.compare = compare  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: app.screen.query_one(SelectionList).option_count == 2)
        await pilot.press("enter")
        assert asked == []
        await pilot.press("space", "down", "space", "enter")
        await until(pilot, lambda: "+10.0 points [+2.0, +18.0]" in shown(app))
        assert asked == [["quickstart-a", "quickstart-b"]]
        assert "quickstart [a]" in shown(app)
        assert "0.001 | 0.0002" in shown(app)
    for recorder in recorders:
        recorder.__exit__()


async def test_the_name_of_a_folder_does_not_steer_the_terminal(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        app.screen._show((), "no run in \x1b]52;c;eHg=\x07/a\u202eb")  # type: ignore[attr-defined]
        await until(pilot, lambda: "no run in /ab" in shown(app))
        assert not STEERS.search(shown(app))


async def test_what_cannot_be_compared_is_said_with_its_fix(tmp_path: Path) -> None:
    with Recorder(tmp_path / "quickstart-a") as recorder:
        recorder.begin()
        app = make_app(tmp_path, 0.0)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, CompareScreen))
            await until(pilot, lambda: app.screen.query_one(SelectionList).option_count == 1)
            await pilot.press("space", "enter")
            await until(pilot, lambda: "choose a second run with the space key" in " ".join(shown(app).split()))
