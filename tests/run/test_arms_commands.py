"""`run --arms`, then `compare last` and `report last`, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from school import RECIPE, School, build
from typer.testing import CliRunner

from toolkit.cli.app import app


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("toolkit.cli.work.require_weights", lambda recipe, fetch: None)
    found = build(tmp_path, monkeypatch)
    (tmp_path / "recipe.yaml").write_text(json.dumps(RECIPE))
    return found


def schoolhouse(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_arms_are_compared_and_reported(school: School, tmp_path: Path) -> None:
    said = schoolhouse("run", str(tmp_path), "--arms", "iterative,control")
    assert "the next arm" in said and "iterative − control" in said
    compared = schoolhouse("compare", "last")
    assert "iterative − control" in compared and "what differs" in compared
    assert compared.strip() in said, "the comparison at the end of the run is the same one"
    found = json.loads(schoolhouse("compare", "last", "--json"))
    assert [run["name"] for run in found["runs"]] == ["iterative", "control"] and len(found["comparisons"]) == 1
    schoolhouse("report", "last", "--open=no")
    (report,) = (tmp_path / "runs").glob("*/report.html")
    page = report.read_text(encoding="utf-8")
    assert "iterative − control" in page and report.with_name("report.md").is_file()
