"""The library program that the quickstart uses, with a made-up teacher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from toolkit.engineer.plan import PER_CALL, STYLES
from toolkit.programs import library
from toolkit.programs.sandbox import Ending, run_program

LABELS = {"late_parcel": "it has not come", "refund": ""}


class School:
    """Host functions that count; every `refuse`-th row is turned away."""

    def __init__(self, shares: dict[str, int], reply: str = "", refuse: int = 0) -> None:
        self.missing, self.reply, self.refuse = Counter(shares), reply, refuse
        self.prompts: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.examples: dict[str, list[str]] = {}
        self.seeds: list[str] = []

    def ask(self, prompts: Sequence[str], _options: dict[str, Any]) -> list[dict[str, Any]]:
        self.prompts += prompts
        numbered = "\n".join(f"{i}. **message {len(self.prompts)} {i}**" for i in range(1, PER_CALL + 2))
        return [{"id": f"r{i}", "text": self.reply or "Sure!\n" + numbered, "data": None} for i in range(len(prompts))]

    def submit(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        taken = [row for i, row in enumerate(rows) if not self.refuse or i % self.refuse]
        self.rows += taken
        self.missing -= Counter(row["output"] for row in taken)
        return {"accepted": len(taken), "rejected": {}, "still_needed": self.missing.total()}

    def remaining(self) -> dict[str, Any]:
        return {"calls": 100 - len(self.prompts), "rows": 9, "skills": dict(+self.missing), "seconds": 60}

    def run(self, **plan: Any) -> Ending:
        whole = {"styles": list(STYLES), "situations": [], "contrasts": {}, "per_call": PER_CALL, **plan}
        functions = {"host_ask": self.ask, "host_submit": self.submit, "host_remaining": self.remaining}
        task = {"about": "Messages.", "labels": LABELS, "examples": self.examples}
        inputs = {"task": task, "plan": whole, "seeds": self.seeds}
        return run_program(library.source("label_messages"), functions, inputs, seed=1)


def test_every_share_is_filled_and_little_more() -> None:
    school = School({"late_parcel": 12, "refund": 3})
    assert school.run().error == ""
    counts = Counter(row["output"] for row in school.rows)
    assert 12 <= counts["late_parcel"] <= 15
    assert 3 <= counts["refund"] <= 4


def test_refused_rows_are_asked_for_again() -> None:
    school = School({"late_parcel": 12}, refuse=3)
    assert school.run().error == ""
    assert not school.remaining()["skills"]


def test_markup_and_numbers_are_taken_off_and_styles_change() -> None:
    school = School({"late_parcel": 20})
    school.run()
    assert all(row["input"].startswith("message ") and not row["input"].endswith("*") for row in school.rows)
    assert len({row["meta"]["style"] for row in school.rows}) == 4


def test_the_last_line_of_a_cut_reply_is_not_taken() -> None:
    school = School({"late_parcel": 5}, reply="1. where is my parcel\n2. and why has it")
    school.run()
    assert [row["input"] for row in school.rows[:2]] == ["where is my parcel"] * 2


def test_a_teacher_that_writes_nothing_is_not_asked_for_ever() -> None:
    school = School({"late_parcel": 5}, reply="I cannot help with that.")
    assert school.run().error == ""
    assert len(school.prompts) == 3


def test_seeds_show_the_tone_in_turn() -> None:
    plain, school = School({"refund": 20}), School({"refund": 20})
    school.seeds = [f"seed {number}" for number in range(9)] + ["long" * 100]
    assert plain.run().error == school.run().error == ""
    assert all("Never repeat these:\n- seed " in prompt or "longlong" in prompt for prompt in school.prompts)
    assert {seed for seed in school.seeds[:9] if any(f"- {seed}\n" in prompt for prompt in school.prompts)} >= {
        "seed 0",
        "seed 3",
        "seed 6",
    }
    assert not any("long" * 51 in prompt for prompt in school.prompts)
    assert not any("How people write" in prompt for prompt in plain.prompts), "without seeds no word of them"


def test_rows_carry_the_topic_of_the_plan_that_they_take_up() -> None:
    school = School({"refund": 2}, reply="1. My birthday present is late\n2. Hello there\n3. And so on")
    assert school.run(topics={"refund": ["a courier who never rang", "a birthday present"]}).error == ""
    assert [row["meta"].get("topic") for row in school.rows[:2]] == ["a birthday present", ""]


def test_contrasts_and_notes_reach_the_prompt() -> None:
    school = School({"late_parcel": 5})
    school.run(contrasts={"late_parcel": ["refund"]}, notes={"late_parcel": "Some name the day."})
    assert "It is NOT this: refund" in school.prompts[0]
    assert "Some name the day." in school.prompts[0]


def test_a_plan_picks_the_examples_that_are_shown() -> None:
    school = School({"late_parcel": 30, "refund": 5})
    school.examples = {"late_parcel": list("abcdef"), "refund": list("uvw")}
    assert school.run(shown={"late_parcel": [1, 4, 9]}).error == ""
    shown = {label: set() for label in LABELS}  # type: dict[str, set[str]]
    for prompt in school.prompts:
        label = "refund" if "Intent: refund" in prompt else "late_parcel"
        shown[label] |= {line[2:] for line in prompt.split("\n") if line.startswith("- ")}
    assert shown == {"late_parcel": {"b", "e"}, "refund": {"u", "v", "w"}}, "a place that is not there is left out"
