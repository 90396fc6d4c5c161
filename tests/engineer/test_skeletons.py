"""The programs that engineers are given to fill in make rows as they stand."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from school import nonsense

from toolkit.engineer import Situation
from toolkit.engineer.prompts import SYSTEM, code_prompt, tokens
from toolkit.engineer.skeletons import OPEN_SKELETON, SKELETON, examples, skeleton
from toolkit.programs import library
from toolkit.programs.sandbox import run_program

LABELS = {"late_parcel": "it has not come", "refund": ""}


class Teacher:
    """Host functions over a teacher that writes numbered lines, or an answer, and never repeats itself."""

    def __init__(self, wanted: Mapping[str, int]) -> None:
        self.missing, self.rows, self.prompts = Counter(wanted), list[dict[str, Any]](), list[str]()
        self.systems = set[str]()

    def ask(self, prompts: Sequence[str], options: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.systems.add(options.get("system") or "")
        self.prompts += prompts
        return [self._reply(prompt, len(self.prompts) + index) for index, prompt in enumerate(prompts)]

    def _reply(self, prompt: str, number: int) -> dict[str, Any]:
        lines = [f"{line}. {nonsense(f'{number} {line}')}" for line in range(1, 6)]
        text = f"So it is.\nAnswer: {len(prompt)}" if "Answer:" in prompt else "Sure!\n" + "\n".join(lines)
        return {"id": f"r{number}", "text": text, "data": None}

    def submit(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        self.rows += rows
        self.missing -= Counter(row.get("skill", row["output"]) for row in rows)
        return {"accepted": len(rows), "rejected": {}, "still_needed": self.missing.total()}

    def remaining(self) -> dict[str, Any]:
        return {"calls": 300 - len(self.prompts), "rows": 9, "skills": dict(+self.missing), "seconds": 60}

    def run(self, program: str, **task: Any) -> None:
        functions = {"host_ask": self.ask, "host_submit": self.submit, "host_remaining": self.remaining}
        given = {"about": "Messages.", "answer": "label", "form": "a number", "labels": LABELS, "examples": {}, **task}
        ending = run_program(program, functions, {"task": given, "plan": {}, "seeds": []}, seed=1)
        assert ending.error == ""


def test_the_skeleton_fills_every_label_with_the_teachers_lines() -> None:
    teacher = Teacher({"late_parcel": 12, "refund": 7})
    teacher.run(SKELETON, examples={"refund": ["money please"]})
    assert Counter(row["output"] for row in teacher.rows) == {"late_parcel": 15, "refund": 10}
    assert all(len(row["input"].split()) == 9 and row["replies"] for row in teacher.rows), "no numbers, no greeting"
    (system,) = teacher.systems
    assert "swimming pool" in system, "the example stands once, before what changes"
    assert "Meaning: it has not come" in teacher.prompts[0]
    assert "must not repeat: money please" in teacher.prompts[1]


def test_a_teachers_question_cannot_end_where_it_likes() -> None:
    teacher = Teacher({"area": 1})
    teacher.run(OPEN_SKELETON, labels={}, answer="number")
    assert all(prompt.startswith("<text>") for prompt in teacher.prompts if "Think it through" in prompt)


def test_the_open_skeleton_keeps_answers_that_were_given_twice() -> None:
    teacher = Teacher({"area": 4, "length": 4})
    teacher.run(OPEN_SKELETON, labels={}, answer="number")
    assert {row["skill"] for row in teacher.rows} == {"area", "length"}
    assert all(re.fullmatch(r"\d+", row["output"]) and len(row["replies"]) == 3 for row in teacher.rows)


@pytest.mark.parametrize("answer", ["label", "choice", "json", "call", "number", "sql", "python", "regex"])
def test_the_prompt_of_a_draft_shows_the_whole_skeleton(answer: str) -> None:
    labels = LABELS if answer == "label" else {"area": ""}
    prompt = code_prompt(Situation(1, None, labels, 60, 40, {}, about="Questions.", answer=answer))
    assert skeleton(answer).strip() in prompt
    assert "# … cut …" not in prompt
    assert json.dumps(prompt)


EXPECTED = {
    "label": ["label_messages", "seed_evolution"],
    "choice": ["votes", "seed_evolution"],
    "json": ["record_first", "seed_evolution"],
    "number": ["votes", "verified_arithmetic"],
    "sql": ["seed_evolution"],
    "python": ["seed_evolution"],
    "judged": ["seed_evolution", "votes"],
}


@pytest.mark.parametrize("answer", sorted(EXPECTED))
def test_a_draft_is_shown_as_many_library_programs_as_its_context_holds(answer: str) -> None:
    assert examples(answer) == EXPECTED[answer]
    situation = Situation(1, None, LABELS if answer == "label" else {"area": ""}, 60, 40, {}, answer=answer)
    bare = tokens(SYSTEM + code_prompt(situation))
    seen = set()
    for room in range(bare - 100, bare + 4000, 100):
        prompt = code_prompt(situation, room)
        shown = [name for name in EXPECTED[answer] if library.source(name).strip() in prompt]
        seen.add(len(shown))
        assert tokens(SYSTEM + prompt) <= max(room, bare) + 2, "it stays inside of the context"
        assert ("to learn from" in prompt) == bool(shown)
    assert seen == set(range(len(EXPECTED[answer]) + 1))


def test_a_letter_of_another_script_counts_as_a_token() -> None:
    assert tokens("abcdef") == 2
    assert tokens("日本語ab") == 4
