"""What the README shows is what the program has."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    "demo",
    "run",
    "resume",
    "runs",
    "show",
    "compare",
    "replay",
    "report",
    "lineage",
    "unseal",
    "export",
    "lint",
    "chat",
    "models",
    "recipes",
    "doctor",
]


def test_help_lists_every_command() -> None:
    output = CliRunner().invoke(app, ["--help"]).output
    assert [name for name in COMMANDS if name not in output] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 60


def test_the_readme_tells_no_tales() -> None:
    """Its file tree names only what is there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = text.split("<!-- tree -->")[1].split("```")[1]
    names = [line.split("#")[0].strip().split()[0] for line in tree.splitlines() if line.strip()]
    parents = ["toolkit/" if line.startswith("  ") else "" for line in tree.splitlines() if line.strip()]
    missing = [name for name, parent in zip(names, parents, strict=True) if not (ROOT / parent / name).exists()]
    assert missing == []
