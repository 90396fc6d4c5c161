"""Of two rounds that gate cannot tell apart, the one with more rows may sit the exam."""

from __future__ import annotations

from typing import Any

import pytest
from school import School

from toolkit.run import Run


def decisions(run: Run) -> list[str]:
    return [found["decision"] for found in run.rounds]


def taught(school: School, *, train: dict[str, Any] | None = None, **acceptance: Any) -> Run:
    return school.run(acceptance={"probe": "off", **acceptance}, train=train or {})


def test_the_best_round_stays_unless_the_recipe_says_otherwise(school: School) -> None:
    run = taught(school)
    assert decisions(run) == ["accepted", "undecided"]
    assert run.reader.meta("verdict")["student"] == "round-1"


def test_the_larger_of_two_alike_sits_the_exam(school: School) -> None:
    run = taught(school, undecided="larger")
    assert decisions(run) == ["accepted", "accepted"]
    assert run.reader.meta("verdict")["student"] == "round-2"
    assert "within the noise, and trained on all of its rows and more" in run.rounds[1]["reason"]


def test_other_rows_are_not_more_rows(school: School) -> None:
    assert decisions(taught(school, undecided="larger", train={"rows": "fresh"})) == ["accepted", "undecided"]


def test_a_round_that_is_worse_does_not_profit(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.stages.accept.paired", lambda now, before, sources: Worse(len(now)))
    assert decisions(taught(school, undecided="larger")) == ["accepted", "undecided"]


class Worse:
    """The first round is far better than the untrained student, the second a little worse than the first."""

    calls = 0

    def __init__(self, n: int) -> None:
        Worse.calls += 1
        self.n, self.error, self.difference = n, 0.05, 0.5 if Worse.calls == 1 else -0.01
