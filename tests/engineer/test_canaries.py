"""Nothing of the gate and the sealed items reaches a prompt, whatever the engineer and the feedback level."""

from __future__ import annotations

import json
import re

import pytest
from school import FILLED, LABELS, School, lessons, prompt_of

from toolkit.run import Run
from toolkit.types import Request

TATTLING = (
    FILLED.replace("        submit(", "        receipt = submit(")
    + "\nif remaining()['calls']:\n    ask('What became of the rows: ' + str(receipt.rejected))\n"
)
NARROW = {
    "confuses": {"first": "It says that nothing has arrived.", "second": "It asks about money that is owed."},
    "other styles": ["as a voice message, typed out", "with a list of questions", "very formal, full sentences"],
    "concrete things": ["a birthday present", "a courier who never rang", "tracking that stands still"],
}


@pytest.fixture
def school(school: School) -> School:
    school.skill = dict.fromkeys(LABELS, 0.5)
    return school


def engineer(request: Request) -> str:
    """Fails first, so that debug and repair are asked for too; answers narrow questions well."""
    text = prompt_of(request)
    for words, answer in NARROW.items():
        if words in text:
            return json.dumps(answer)
    number = request.sample // 100
    program = {1: "raise KeyError('x')", 2: "log('nothing')"}.get(number, TATTLING)
    return f"```python\n{program}\n```"


def canaries(run: Run, split: str) -> list[str]:
    lines = (run.folder / "data" / f"{split}.jsonl").read_text().splitlines()
    return [re.search(r"canary\w+", line)[0] for line in lines]  # type: ignore[index]


def found_in(prompts: list[str], words: list[str]) -> list[str]:
    return [word for word in words if any(re.search(rf"\b{word}\b", prompt) for prompt in prompts)]


@pytest.mark.parametrize("level", ["aggregate", "cases", "bit"])
@pytest.mark.parametrize("kind", ["fixed", "bandit", "plan", "code"])
def test_no_prompt_holds_a_canary_of_the_gate_or_the_sealed_exam(school: School, kind: str, level: str) -> None:
    school.engineer = engineer
    run = school.begin(engineer={"kind": kind, "feedback": level}, budget={"min_rows": 4})
    leaks = [line for split in ("gate", "private") for line in texts(run, split)]

    def teacher(request: Request) -> str:
        """A teacher that happens to write the very items: the checks turn them away."""
        written = lessons(request)
        if request.schema:
            return json.dumps([leaks[len(school.asked) % len(leaks)], *json.loads(written)][: len(json.loads(written))])
        return re.sub(r"^1\. .*", f"1. {leaks[len(school.asked) % len(leaks)]}", written)

    school.teacher = teacher
    run.carry_out()
    assert run.reader.row_counts()["rejected"]["leak"] > 0, "the teacher's copies were met by the firewall"
    prompts = school.prompts()
    asked = [json.dumps(call["request"]) for call in run.reader.calls(limit=10_000)]
    for split in ("gate", "private"):
        assert len(canaries(run, split)) > 10
        assert found_in([*prompts, *asked], canaries(run, split)) == []
    shown = found_in(prompts, canaries(run, "public"))
    if kind in ("plan", "code") and level == "cases":
        assert shown, "at this level public cases are shown, so the search would find the others as well"
    else:
        assert shown == []


def texts(run: Run, split: str) -> list[str]:
    lines = (run.folder / "data" / f"{split}.jsonl").read_text().splitlines()
    return [json.loads(line)["input"] for line in lines]


def test_at_level_bit_no_score_is_told(school: School) -> None:
    school.engineer = engineer
    school.run(engineer={"kind": "code", "feedback": "bit"}, budget={"min_rows": 4})
    improving = [prompt for prompt in school.prompts() if "best data so far" in prompt]
    assert improving
    assert all("The newest round was better than" in prompt for prompt in improving)
    assert not any(re.search(r"\d+ of \d+ (right|public)", prompt) for prompt in school.prompts())


def test_at_level_aggregate_each_label_has_its_score_and_interval(school: School) -> None:
    school.engineer = engineer
    school.run(engineer={"kind": "code"}, budget={"min_rows": 4})
    improving = next(prompt for prompt in school.prompts() if "best data so far" in prompt)
    for label in LABELS:
        assert re.search(rf"- {label}: \d+ of \d+ right \[\d+%, \d+%\], \d+ rows so far", improving)
    assert "was taken for" in improving


def test_the_rules_stand_in_every_prompt_of_the_engineer(school: School) -> None:
    for kind in ("code", "plan"):
        school.engineer = engineer
        school.run(engineer={"kind": kind}, budget={"min_rows": 4})
    prompts = [prompt for prompt in school.prompts() if "data engineer" in prompt]
    assert len(prompts) > 6
    for prompt in prompts:
        assert re.search(r"evaluation questions", prompt)
        assert re.search(r"by hand|themselves", prompt)
