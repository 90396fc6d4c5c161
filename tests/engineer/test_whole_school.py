"""The real loop with stand-ins for the models: rounds, attempts, stops and resumes."""

from __future__ import annotations

import pytest
from school import School
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import Paused, SchoolhouseError
from toolkit.run import Run
from toolkit.stages.work_left import work_left
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


def said(run: Run) -> list[str]:
    return [event["data"]["text"] for event in run.reader.events() if "no further round" in str(event["data"])]


def test_a_target_that_is_met_ends_the_rounds(school: School) -> None:
    run = school.run(budget={"rounds": 3, "rows": 36, "target": 0.5})
    assert [found["decision"] for found in run.rounds] == ["accepted"]
    (text,) = said(run)
    assert "the target is met" in text and text.endswith("on gate, 50.0% were wanted")
    assert run.summary()["exam"]["student"] == "round-1"
    assert text.endswith(run.summary()["stopped"])
    shown = CliRunner().invoke(app, ["show", str(run.folder)]).output
    assert "no further round: the target is met" in shown
    assert work_left(school.recipe(budget={"rounds": 3, "rows": 36}), run.reader, 18, 18, 54).rows == 0


@pytest.mark.parametrize(("patience", "rounds"), [(1, 1), (2, 2), (None, 4)])
def test_a_plateau_ends_the_rounds_before_and_after_a_pause(
    school: School, patience: int | None, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(*_: object) -> None:
        raise Paused("now", "go on")

    budget = {"rounds": 4, "rows": 48, "patience": patience}
    run = school.begin(budget=budget, acceptance={"gate_errors": 100})
    with monkeypatch.context() as patch, pytest.raises(Paused):
        patch.setattr("toolkit.loop.exam", pause)
        run.carry_out()
    run.carry_out()
    assert [found["decision"] for found in run.rounds] == ["undecided"] * rounds
    (text,) = said(run)
    assert ("a plateau" in text) == (patience is not None)


def test_the_wish_for_no_further_round_can_be_taken_back(school: School) -> None:
    run = school.begin()
    assert CliRunner().invoke(app, ["finish", str(run.folder)]).exit_code == 0
    found = CliRunner().invoke(app, ["finish", str(run.folder), "--undo"])
    assert found.exit_code == 0 and "further rounds may begin" in found.output
    run.carry_out()
    assert [found["number"] for found in run.rounds] == [1, 2]


def test_a_wish_that_is_taken_back_before_the_exam_is_no_longer_told(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(*_: object) -> None:
        raise Paused("now", "go on")

    run = school.begin()
    school.on_request = lambda request: run.end_after_round()
    with monkeypatch.context() as patch, pytest.raises(Paused):
        patch.setattr("toolkit.loop.exam", pause)
        run.carry_out()
    assert run.summary()["stopped"] == "a person wanted none after round 1"
    school.on_request = lambda request: None
    run.end_after_round(False)
    run.carry_out()
    assert len(run.rounds) == 2 and run.summary()["stopped"] == "all 2 rounds are done"
