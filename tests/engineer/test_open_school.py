"""Tasks without labels: the library programs make their rows, whatever the engineer."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import Any

import pytest
from school import OPEN_FILLED, School, lessons, nonsense, prompt_of

from toolkit.errors import SchoolhouseError
from toolkit.programs import library
from toolkit.run import Run
from toolkit.stages.inputs import fields_of
from toolkit.types import Item, Request, digest

COLUMNS = {"input": "input", "output": "output", "unit": "unit", "skill": "topic"}
GUESTS = ["Ana Silva", "Bo Chen", "Cem Ak", "Dora Maar", "Eli Roth", "Fay Wu", "Gus Horn", "Hal Ito"]


@pytest.fixture
def school(school: School) -> School:
    school.skill = defaultdict(lambda: 0.8)
    return school


def write(school: School, items: list[dict[str, Any]]) -> None:
    (school.folder / "data.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))


def numbers(school: School) -> None:
    write(
        school,
        [
            {
                "input": nonsense(f"q {n}"),
                "output": f"{n * 7 + 1}",
                "unit": "cm",
                "topic": "length" if n % 2 else "area",
            }
            for n in range(90)
        ],
    )


def votes(request: Request) -> str:
    """Four questions, or one answer, which is the same for the same question."""
    if request.schema:
        return lessons(request)
    question = prompt_of(request).split("\n")[0]
    return f"I think so.\nAnswer: {int(digest(question)[:4], 16)} cm"


def run_numbers(school: School, columns: dict[str, str] = COLUMNS, **engineer: object) -> Run:
    numbers(school)
    return school.run(
        task={"answer": "number", "labels": {}},
        data={"columns": columns},
        engineer=engineer,
        budget={"teacher_calls": 600, "rows": 24, "min_rows": 6},
    )


@pytest.mark.parametrize("kind", ["fixed", "bandit", "plan"])
def test_number_tasks_get_rows_by_votes(school: School, kind: str) -> None:
    school.teacher = votes
    run = run_numbers(school, kind=kind)
    rows = run.reader.rows(status="accepted")
    counts = Counter(row["skill"] for row in rows)
    assert counts.keys() == {"area", "length"}
    assert counts.total() == 24
    assert all(re.fullmatch(r"\d+ cm", row["output"]) for row in rows)
    assert run.summary()["exam"]["n"] > 0
    asking = [prompt for prompt in school.prompts() if "Answer: the number, with its unit" in prompt]
    assert len(asking) >= 5 * 24


def test_a_task_without_skills_is_filled_too(school: School) -> None:
    school.teacher = votes
    run = run_numbers(school, {"input": "input", "output": "output"}, kind="bandit")
    assert run.reader.row_counts()["accepted"] == 24
    assert {row["skill"] for row in run.reader.rows(status="accepted")} == {""}
    assert not any("about: ." in prompt for prompt in school.prompts())


def test_an_answer_that_its_own_scorer_calls_wrong_is_turned_away(school: School) -> None:
    school.teacher = lambda request: lessons(request) if request.schema else "Answer: as many as you like"
    with pytest.raises(SchoolhouseError, match="answer_fails_scorer"):
        run_numbers(school, kind="bandit")


def test_a_program_for_open_questions_can_be_written_from_the_skeleton(school: School) -> None:
    def teacher(request: Request) -> str:
        if "numbered, without their answers" in prompt_of(request):
            return "\n".join(f"{n}. {nonsense(f'{request.hash}{n}')}?" for n in range(1, 5))
        return votes(request)

    school.teacher = teacher
    school.engineer = lambda request: f"```python\n{OPEN_FILLED}\n```"
    run = run_numbers(school, kind="code")
    assert [attempt["status"] for attempt in run.reader.attempts()] == ["valid", "valid"]
    first = school.prompts()[0]
    assert "learns to answer questions" in first
    assert "Skills:\n- area\n- length" in first
    assert "Labels:\n-" not in first
    assert library.source("votes").strip() in first, "the engineer's context has room for this example"
    improving = next(prompt for prompt in school.prompts() if "best data so far" in prompt)
    assert "By skill, the weakest first" in improving
    assert "no label at all" not in improving


# -- JSON -------------------------------------------------------------------------------------


def writes_bookings(request: Request) -> str:
    prompt = prompt_of(request)
    if prompt.startswith("List 12"):
        return json.dumps([str(n) for n in range(2, 14)] if "in digits" in prompt else [*GUESTS, *"wxyz"])
    facts = [line[2:].split(": ", 1)[1] for line in prompt.split("\n") if line.startswith("- ")]
    return f"{nonsense(request.hash)}: {' and '.join(facts)}"


def test_json_tasks_get_records_with_the_fields_of_their_answers(school: School) -> None:
    write(
        school,
        [
            {
                "input": nonsense(f"booking {n}"),
                "output": json.dumps({"guest_name": f"Canary {n}", "nights": n, "extra": [n], "late": bool(n % 2)}),
            }
            for n in range(90)
        ],
    )
    school.teacher = writes_bookings
    run = school.run(task={"answer": "json", "labels": {}}, budget={"rounds": 1})
    rows = [json.loads(row["output"]) for row in run.reader.rows(status="accepted")]
    assert len(rows) == 24
    assert all(row.keys() == {"guest_name", "nights"} for row in rows)
    assert all(isinstance(row["nights"], int) and isinstance(row["guest_name"], str) for row in rows)
    assert any("values of this: guest name." in prompt for prompt in school.prompts())
    assert not any("Canary" in prompt for prompt in school.prompts()), "no value of an item is told"


def test_fields_are_those_that_most_answers_have() -> None:
    answers = ['{"a": 1, "b": "x"}', '{"a": 2.5, "c": 1}', '{"a": 3, "b": "y"}', "[1]", "no JSON"]
    items = [Item(str(n), "public", "", answer) for n, answer in enumerate(answers)]
    assert fields_of(items) == {"a": "number", "b": "text"}
    assert fields_of([]) == {}
