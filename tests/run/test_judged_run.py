"""A whole run whose answers a model judges."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from school import School, lessons, nonsense, read_items
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import ModelError, RecipeError, SchoolhouseError
from toolkit.models.chat import ModelInfo
from toolkit.models.server import ServerSettings
from toolkit.models.servers import models_on_servers, server_settings
from toolkit.stages.desk import desk_answers
from toolkit.types import Completion, Request

JUDGE = {"rubric": "It is polite and names the parcel.", "model": "replay/judge"}


class FakeJudge:
    """Right is what says please; opened as often as it is needed."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.opened = self.closed = 0
        self.servers: list[ServerSettings] = []

    def open(self, name: str, *, context: int, server: ServerSettings) -> FakeJudge:
        assert name == "replay/judge" and context >= 4096
        self.servers.append(server)
        self.opened += 1
        return self

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        for request in requests:
            prompt = request.messages[-1]["content"]
            self.asked.append(prompt)
            word = "right" if "please" in re.search(r"The answer to judge: (.*)", prompt)[1] else "wrong"  # type: ignore[index]
            yield request, Completion(json.dumps({"reason": "", "verdict": word}), "stop", 20, 8)

    def info(self) -> ModelInfo:
        return ModelInfo("judge", "replay", 4096, 0, False)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> FakeJudge:
    found = FakeJudge()
    monkeypatch.setattr("toolkit.stages.judging.open_chat_model", found.open)
    return found


@pytest.fixture
def school(school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    items = [{"input": f"{nonsense(f'q{n}')} canary{n}", "output": f"{nonsense(f'a{n}', 5)} please"} for n in range(90)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))

    def answers(prompts: Sequence[Any], trained: bool) -> Iterator[tuple[int, str]]:
        known = {item["input"] for item in read_items(tmp_path)}
        for index, messages in enumerate(prompts):
            text = messages[-1]["content"]
            good = text in known and random.Random(text).random() < (0.9 if trained else 0.2)
            yield index, f"{nonsense(text, 3)} please" if good else nonsense(text, 3)

    monkeypatch.setattr(school, "answers", answers)
    school.teacher = lambda request: lessons(request) if request.schema else nonsense(request.hash)
    return school


def write_labels(folder: Path, n: int = 30, flip: int = 0) -> Path:
    lines = [
        {"item": f"q{i}", "answer": f"well {'please' if i % 2 else 'no'} {i}", "label": (i % 2 == 1) is not (i < flip)}
        for i in range(n)
    ]
    path = folder / "judge.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def settings() -> dict[str, dict[str, Any]]:
    return {
        "task": {"answer": "judged", "labels": {}, "judge": JUDGE},
        "budget": {"rounds": 1, "rows": 12, "min_rows": 4, "teacher_calls": 200},
    }


def test_a_judged_run_ends_with_a_verdict_that_names_its_judge(school: School, judge: FakeJudge) -> None:
    write_labels(school.folder)
    run = school.run(**settings())
    summary = run.summary()
    assert summary["verdict"]["word"] == "helped" and summary["judge"]["kappa"] == 1
    assert judge.opened == judge.closed > 1, "its memory is given back after each sitting"
    calls = [event for event in run.reader.events() if event["kind"] == "judged"]
    assert sum(event["data"]["calls"] for event in calls) == len(judge.asked)
    shown = CliRunner().invoke(app, ["show", str(run.folder)], env={"COLUMNS": "300"}).output
    for text in (shown, run.report().read_text(), (run.folder / "report.md").read_text()):
        assert "kappa 1.00" in text and "replay/judge" in text


def test_what_the_judge_reads_of_gate_and_private_is_not_in_the_journal(school: School, judge: FakeJudge) -> None:
    write_labels(school.folder)
    run = school.run(**settings())
    assert any("canary" in prompt for prompt in judge.asked)
    assert not [call for call in run.reader.calls(limit=10_000) if "please" in json.dumps(call["request"])]
    assert not [event for event in run.reader.events() if "canary" in json.dumps(event["data"])]


def test_without_labels_the_run_waits_and_then_goes_on(school: School, judge: FakeJudge) -> None:
    run = school.begin(**settings())
    with pytest.raises(SchoolhouseError, match="here are 0") as raised:
        run.carry_out()
    assert f"schoolhouse resume {run.name}" in raised.value.fix and "judge.jsonl" in raised.value.fix
    assert judge.asked == [] and run.reader.outcomes("zero-shot", "public") == []
    on_desk = desk_answers(run.reader)
    public = {
        item["input"] for item in map(json.loads, (run.folder / "data" / "public.jsonl").read_text().splitlines())
    }
    assert on_desk and {answer.question for answer in on_desk} <= public
    assert {answer.group for answer in on_desk} <= {"zero-shot", "few-shot"}  # equal answers lie there once
    assert "Evaluation, key j" in raised.value.fix
    write_labels(run.folder)  # in the run's folder they count as well
    run.carry_out()
    assert run.status == "finished"


def test_a_judge_that_disagrees_with_the_person_does_not_count(school: School, judge: FakeJudge) -> None:
    write_labels(school.folder, flip=10)
    run = school.begin(**settings())
    with pytest.raises(SchoolhouseError, match=r"the judge does not count: .*20 of 30") as raised:
        run.carry_out()
    assert "task.judge.rubric" in raised.value.fix
    assert run.reader.outcomes("zero-shot", "public") == []
    asked = len(judge.asked)
    with pytest.raises(SchoolhouseError, match="does not count"):
        run.carry_out()
    assert len(judge.asked) == asked, "what was measured is not measured again"


def test_labels_of_one_kind_only_are_not_enough(school: School, judge: FakeJudge) -> None:
    path = write_labels(school.folder, 60)
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines() if "true" in line))
    with pytest.raises(SchoolhouseError, match="right ones and wrong ones"):
        school.run(**settings())


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"answer": "judged", "labels": {}}, "task.judge: missing"),
        ({"answer": "number", "labels": {}, "judge": JUDGE}, "an answer of the kind number has no judge"),
        ({"answer": "judged", "labels": {}, "judge": {"rubrik": "x"}}, "rubrik"),
    ],
)
def test_a_recipe_says_who_judges_and_by_what(school: School, task: dict[str, Any], expected: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(expected)):
        school.recipe(task=task)


TEACHER = {"model": "openai/large@http://127.0.0.1:9/v1", "key_variable": "SCHOOL_KEY", "parallel": 3, "think": True}


@pytest.mark.parametrize(
    ("model", "alike"),
    [
        (None, True),
        ("openai/small@http://127.0.0.1:9/v1/", True),
        ("openai/large@http://127.0.0.1:8/v1", False),
        ("ollama/large", False),
    ],
)
def test_a_judge_on_the_teachers_server_is_asked_as_the_teacher_is(
    school: School, model: str | None, alike: bool
) -> None:
    recipe = school.recipe(teacher=TEACHER, task={"answer": "judged", "labels": {}, "judge": {**JUDGE, "model": model}})
    asked = server_settings(recipe)
    assert asked["judge"] == (asked["teacher"] if alike else ServerSettings()), "a key goes to no other server"
    assert models_on_servers(recipe).get("judge") == model


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (None, "SCHOOL_KEY"),
        ("openai/small@http://127.0.0.1:9/api/v1", "SCHOOL_KEY"),
        ("openai/small@http://127.0.0.1:10/v1", ""),
        ("openai/small", ""),
        ("ollama/small", ""),
    ],
)
def test_the_teachers_key_goes_to_no_other_server_of_the_engineer(school: School, model: str | None, key: str) -> None:
    engineer = {"kind": "plan", "model": model}
    assert server_settings(school.recipe(teacher=TEACHER, engineer=engineer))["engineer"].key_variable == key
    named = server_settings(school.recipe(teacher=TEACHER, engineer={**engineer, "key_variable": "ITS_KEY"}))
    assert named["engineer"].key_variable == "ITS_KEY"


def test_a_judge_that_cannot_be_asked_is_told_before_anything_runs(school: School) -> None:
    with pytest.raises(ModelError, match="no Ollama server answers"):
        school.begin(
            task={"answer": "judged", "labels": {}, "judge": {**JUDGE, "model": "ollama/j@http://127.0.0.1:9"}}
        )


def test_the_judge_gets_its_servers_settings(school: School, judge: FakeJudge) -> None:
    write_labels(school.folder)
    school.run(teacher={"parallel": 3}, **settings())
    assert {found.parallel for found in judge.servers} == {3}
