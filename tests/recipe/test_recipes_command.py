from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.cli.recipes_command import app
from toolkit.errors import RecipeError


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_list_has_the_shipped_recipes() -> None:
    found = [line.split("  ")[0] for line in invoke().splitlines()]
    assert found == ["banking77", "paper-defaults", "quickstart"]
    assert "quickstart      Messages that customers" in invoke()


def test_check_counts_items_by_split_and_label() -> None:
    lines = invoke("check", "quickstart").splitlines()
    counts = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert counts["label"] == ["public", "gate", "private"]
    assert all(int(number) >= 9 for number in counts["late_parcel"])


def test_check_raises_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    with pytest.raises(RecipeError, match="task: missing"):
        invoke("check", str(tmp_path))


def test_schema_is_json() -> None:
    assert json.loads(invoke("schema"))["title"] == "Schoolhouse recipe"
