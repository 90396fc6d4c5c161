from __future__ import annotations

from pathlib import Path

import pytest
from school import FILLED, School, build

from toolkit.engineer import EngineerModel
from toolkit.engineer.fitness import Fitness, fitness, measure, program_fails
from toolkit.errors import RefusedRequest
from toolkit.types import Completion, Request

GOOD = f"```python\n{FILLED}\n```"
NUMBERED = """```python
for label in task["labels"]:
    for reply in ask_many(["Write 5 messages: " + label] * 3):
        texts = [line.split(". ", 1)[1] for line in reply.text.split("\\n")]
        submit([{"input": text, "output": label, "replies": [reply.id]} for text in texts])
```"""


def model(answer: str, program: str) -> tuple[EngineerModel, list[Request]]:
    asked: list[Request] = []

    def ask(request: Request, attempt: int) -> Completion:
        asked.append(request)
        return Completion(answer if request.schema else program, "stop", 1, 1)

    return EngineerModel(ask), asked


@pytest.mark.parametrize(
    ("answer", "program", "kind"),
    [
        ('["no_towels", "late_checkout"]', GOOD, "code"),
        ('<think>[]</think>```json\n["no_towels", "late_checkout"]\n```', "no idea", "plan"),
        ("nonsense", NUMBERED, "code"),
        ('["no_towels", "late_checkout"]', "```python\nsubmit([])\n```", "plan"),
        ('["late_checkout", "no_towels"]', "no idea", "bandit"),
    ],
)
def test_the_kind_follows_from_what_was_measured(answer: str, program: str, kind: str) -> None:
    assert measure(model(answer, program)[0]).kind == kind


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("```python\ndef main():\n    submit([])\n```", "0 rows of 9"),
        ("```python\nimport os\nos.listdir('/')\n```", "code runtime error"),
        ("```python\nwhile True:\n    pass\n```", "execution timeout"),
        ("no program", "code extraction failed"),
        (GOOD.replace('"output": label', '"output": "other"'), "rows of 9"),
        ("```python\nsubmit([{'input': 'written by hand', 'output': 'lost_key'}] * 40)\n```", "0 rows of 9"),
    ],
)
def test_why_a_program_does_not_count(program: str, words: str) -> None:
    assert words in program_fails(Completion(program, "stop", 1, 1))


def test_a_model_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path))
    found, asked = model("[]", GOOD)
    assert fitness("replay/a", found) == fitness("replay/a", found) == Fitness(False, True)
    assert len(asked) == 2
    fitness("replay/b", found)
    assert len(asked) == 4
    (tmp_path / "fitness.json").write_text("not JSON")
    assert fitness("replay/a", found).kind == "code"


def test_what_is_measured_again_replaces_what_was_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path))
    assert not fitness("replay/a", model("[]", "no idea")[0]).code
    found, _ = model("[]", GOOD)
    assert not fitness("replay/a", found).code
    assert fitness("replay/a", found, again=True).code
    assert fitness("replay/a", found).code


def test_a_question_that_is_refused_is_not_answered_right() -> None:
    def refuse(request: Request, attempt: int) -> Completion:
        raise RefusedRequest("the prompt has too many tokens", "shorten it")

    assert measure(EngineerModel(refuse)) == Fitness(False, False, "the prompt has too many tokens")


def test_auto_explains_its_choice_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school: School = build(tmp_path, monkeypatch)
    school.engineer = lambda request: "[]" if request.schema else "no idea"
    run = school.run(engineer={"kind": "auto"})
    said = [event["data"]["text"] for event in run.reader.events() if event["kind"] == "log"]
    assert any(text.startswith("engineer: bandit, because replay/teacher does not answer") for text in said)
    assert run.reader.meta("engineer_kind") == "bandit"
    assert run.reader.call_totals("engineer")["calls"] == 2
    before = len(school.asked)
    school.run(engineer={"kind": "auto"})
    assert not [request for request in school.asked[before:] if "data engineer" in request.messages[0]["content"]]
