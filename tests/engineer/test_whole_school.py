"""The real loop with stand-ins for the models: rounds, attempts, stops and resumes."""

from __future__ import annotations

import pytest
from school import School
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import SchoolhouseError
from toolkit.types import Request


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def test_a_bandit_run_has_one_attempt_a_round(school: School) -> None:
    run = school.run()
    attempts = run.reader.attempts()
    assert [(found["id"], found["operation"], found["status"]) for found in attempts] == [
        (1, "draft", "valid"),
        (2, "improve", "valid"),
    ]
    assert attempts[1]["parent"] == 1
    assert [(found["number"], found["attempt"]) for found in run.rounds] == [(1, 1), (2, 2)]
    assert run.summary()["exam"]["n"] > 0


def test_a_one_shot_run_sits_the_exam_after_its_only_round(school: School) -> None:
    school.skill = dict.fromkeys(school.skill, 0.0)
    run = school.run(engineer={"kind": "fixed", "mode": "one-shot"})
    assert [found["arm"] for found in run.rounds] == ["one-shot"]
    assert run.reader.row_counts()["accepted"] == 24, "the only round may have all the rows"
    assert run.summary()["exam"]["student"] == "round-1"


def test_a_teacher_that_yields_too_little_ends_the_run_with_the_reason(school: School) -> None:
    with pytest.raises(SchoolhouseError, match="attempt 1 gave 15 valid rows, 20 are needed"):
        school.run(budget={"teacher_calls": 3, "min_rows": 20, "rounds": 1})


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_killed_run_asks_nothing_twice(school: School, after: int) -> None:
    def kill(request: Request) -> None:
        if len(school.asked) > after:
            raise Killed

    school.on_request = kill
    run = school.begin()
    with pytest.raises(Killed):
        run.carry_out()
    school.on_request = lambda request: None
    run.carry_out()
    hashes = [request.hash for request in school.asked]
    assert len(hashes) == len(set(hashes)) + 1, "only the question that the kill interrupted is put again"
    assert run.status == "finished"
    assert [found["id"] for found in run.reader.attempts()] == [1, 2]


def test_a_person_may_want_no_further_round(school: School) -> None:
    run = school.begin(budget={"rounds": 3, "rows": 36})

    def wish(request: Request) -> None:
        run.end_after_round()

    school.on_request = wish
    run.carry_out()
    assert [found["number"] for found in run.rounds] == [1]
    assert run.summary()["exam"]["student"] == "round-1"
    texts = [event["data"].get("text") for event in run.reader.events() if event["kind"] == "log"]
    assert "no further round: a person wanted none after round 1" in texts
    with pytest.raises(SchoolhouseError, match="is finished"):
        run.end_after_round()


def test_the_wish_for_no_further_round_can_be_taken_back(school: School) -> None:
    run = school.begin()
    assert CliRunner().invoke(app, ["finish", str(run.folder)]).exit_code == 0
    found = CliRunner().invoke(app, ["finish", str(run.folder), "--undo"])
    assert found.exit_code == 0 and "further rounds may begin" in found.output
    run.carry_out()
    assert [found["number"] for found in run.rounds] == [1, 2]
