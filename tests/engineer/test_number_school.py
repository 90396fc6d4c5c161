"""A task whose answers are numbers, through the whole loop: split, plan, rows, score, exam."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest
from school import School, nonsense

from toolkit.errors import SchoolhouseError

PROGRAM = """\
turn = 0
while remaining()["rows"] > 0 and remaining()["calls"] > 0:
    turn = turn + 1
    for skill in remaining()["skills"]:
        reply = ask("A question about " + skill + ", number " + str(turn))
        submit([{"input": reply.text, "output": str(turn * 3) + " cm", "skill": skill, "replies": [reply.id]}])
"""


@pytest.fixture
def school(school: School, tmp_path: Path) -> School:
    items = [
        {
            "input": nonsense(f"question {n}"),
            "output": f"{n * 7 + 1}" if n else "unknown",
            "unit": "cm",
            "topic": "area" if n % 2 else "length",
        }
        for n in range(90)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    school.skill = defaultdict(lambda: 0.8)
    school.engineer = lambda request: f"```python\n{PROGRAM}\n```"
    school.teacher = lambda request: nonsense(request.hash)
    return school


def test_a_number_task_runs_to_its_exam(school: School) -> None:
    run = school.run(
        task={"answer": "number", "labels": {}},
        data={"columns": {"input": "input", "output": "output", "unit": "unit", "skill": "topic"}},
        engineer={"kind": "code"},
    )
    summary = run.summary()
    assert summary["verdict"]["word"] == "helped"
    assert summary["verdict"]["comparisons"] == 2
    assert summary["exam"]["score"] > 0.6
    told = [event["data"]["text"] for event in run.reader.events() if event["kind"] == "log"]
    assert sum(text.startswith("1 of 90 answers of the data score 0 by 'number'") for text in told) == 1
    assert {row["skill"] for row in run.reader.rows(status="accepted")} == {"area", "length"}
    assert {outcome.skill for outcome in run.reader.outcomes("round-1", "public")} == {"area", "length"}


def test_an_unknown_scorer_leaves_no_run_folder(school: School) -> None:
    with pytest.raises(SchoolhouseError, match="there is no scorer 'rouge'"):
        school.begin(task={"scorer": "rouge"})
    assert not list(school.folder.glob("run*"))
