"""The benchmark that compares engineers, with stand-ins for the models."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from school import FILLED, RECIPE, School

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "arms.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("arms_benchmark", BENCHMARK)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def school(school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    school.engineer = lambda request: f"```python\n{FILLED}\n```"
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path / "runs"))
    (tmp_path / "recipe.yaml").write_text(json.dumps(RECIPE))
    return school


def report(school: School, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        load().main(["--recipe", str(school.folder), *more])
    found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().split("\n")[-1])
    assert ended.value.code == (0 if found["pass"] else 1)
    return found


def test_arms_are_compared_and_finished_runs_are_not_run_again(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = ["--arms", "fixed,bandit,plan,code,human", "--runs", "2"]
    found = report(school, capsys, *arms)
    assert found.keys() == {"name", "machine", "figures", "targets", "pass"}
    figures = found["figures"]["arms"]
    assert list(figures) == ["fixed", "bandit", "plan", "code", "human"]
    for name, arm in figures.items():
        assert len(arm["scores"]) == 2, name
        assert arm["rows"] == [24, 24]
        assert arm["spread"]["seeds"] == 2
    assert figures["code"]["mats"] == 1.0
    assert figures["code"]["valid_within_8"] == 2
    assert figures["human"]["calls"] == [0, 0]
    assert figures["bandit"]["gain_over_fixed"]["low"] <= figures["bandit"]["gain_over_fixed"]["points"]
    assert "gain_over_fixed" not in figures["fixed"]
    assert found["figures"]["best_autonomous"] in ("bandit", "plan", "code")
    asked, folders = len(school.asked), sorted((school.folder / "runs").iterdir())
    assert len(folders) == 10
    assert report(school, capsys, *arms)["figures"] == found["figures"]
    assert len(school.asked) == asked
    assert len({request.sample // 1_000_000 for request in school.asked}) == 2, "the runs of an arm have other replies"


def test_a_run_that_fails_is_counted_and_goes_on_to_the_others(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    school.engineer = lambda request: "I cannot."
    found = report(school, capsys, "--arms", "code-one-shot,fixed", "--runs", "1")
    arms = found["figures"]["arms"]
    assert arms["code-one-shot"]["valid_within_8"] == 0
    assert arms["code-one-shot"]["exams_left_sealed"] == 1
    assert len(arms["fixed"]["scores"]) == 1
    assert not found["pass"]


def test_the_score_that_is_wanted_decides(school: School, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(school, capsys, "--arms", "bandit", "--runs", "1", "--target", "0.1")["pass"]
    assert not report(school, capsys, "--arms", "bandit", "--runs", "1", "--target", "0.99")["pass"]


def test_an_unknown_arm_is_named(school: School, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="there is no arm 'bandits'"):
        load().main(["--recipe", str(school.folder), "--arms", "bandits"])
