"""The lines of a run that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.cli.display import Display
from toolkit.journal import Journal
from toolkit.run import Run


def test_lines_stand_in_the_order_in_which_things_happened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(tmp_path / "run") as journal, Display(Run(tmp_path / "run")):
        with journal.stage("evaluate", 1):
            journal.event("log", text="asked")
        journal.event("log", text="decided")
        with journal.stage("generate", 2):
            journal.event("log", text="written")
    words = [line.split("  ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    expected = ["round 1: the student is asked", "asked", "decided", "round 2: the teacher writes", "written"]
    assert words == expected
