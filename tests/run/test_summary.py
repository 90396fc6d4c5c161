"""The figures of `show`."""

from __future__ import annotations

from pathlib import Path

from toolkit.journal import Journal
from toolkit.run import Run
from toolkit.run.summary import _score
from toolkit.types import Outcome


def test_a_score_is_rounded_once(tmp_path: Path) -> None:
    """79 of 108 are 73.148 %: rounded to 0.7315 on the way, they were printed as 73.2 %."""
    with Journal(tmp_path / "run") as journal:
        journal.outcomes_of("round-1", "gate", [Outcome(f"item {one}", "x", float(one < 79)) for one in range(108)])
    assert f"{_score(Run(tmp_path / 'run'), 'round-1', 'gate')['score']:.1%}" == "73.1%"
