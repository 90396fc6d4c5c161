"""The recipe's own examples as lessons: in every training, in no budget, and never a copy of an item."""

from __future__ import annotations

import json

from school import FakeTrainer, School, nonsense, read_items
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.journal import GIVEN
from toolkit.stages.decisions import leave_decision
from toolkit.types import Row

EXAMPLES = {label: [nonsense(f"{label} example {n}") for n in range(2)] for label in ("late_parcel", "broken_item")}
TASK = {"examples": EXAMPLES}
TEXTS = {text for texts in EXAMPLES.values() for text in texts}


def lessons_of(trainer: FakeTrainer) -> list[set[str]]:
    """Of each training: the texts of its examples."""
    return [{example.messages[-1]["content"] for example in trained} for trained in trainer.trained]


def test_every_round_is_trained_on_them_and_they_cost_nothing(school: School, trainer: FakeTrainer) -> None:
    run = school.run(task=TASK, train={"examples": True})
    assert len(lessons_of(trainer)) == 2 and all(lesson >= TEXTS for lesson in lessons_of(trainer))
    summary = run.summary()
    assert summary["rows"]["given"] == 4
    assert summary["rows"]["accepted"] == 24 == len(lessons_of(trainer)[-1] - TEXTS), (
        "the budget is the teacher's alone"
    )
    assert [found["trained_on"] for found in summary["rounds"]] == [len(lesson) for lesson in lessons_of(trainer)]
    shown = CliRunner().invoke(app, ["show", str(run.folder)])
    assert "and 4 of the recipe's own examples in every training" in shown.output


def test_without_the_key_they_are_for_the_teacher_only(school: School, trainer: FakeTrainer) -> None:
    run = school.run(task=TASK)
    assert lessons_of(trainer) and not any(lesson & TEXTS for lesson in lessons_of(trainer))
    assert run.summary()["rows"]["given"] == 0


def test_a_copy_of_an_evaluation_item_is_quarantined(school: School, trainer: FakeTrainer) -> None:
    item = next(item for item in read_items(school.folder) if item["output"] == "late_parcel")
    examples = {**EXAMPLES, "late_parcel": [item["input"].upper(), "a message like no other in this school"]}
    run = school.run(task={"examples": examples}, train={"examples": True})
    assert not any(item["input"].upper() in lesson for lesson in lessons_of(trainer))
    found = [row for row in run.reader.rows(attempt=GIVEN) if row["status"] == "quarantined"]
    assert [row["reason"] for row in found] == ["leak"] and found[0]["detail"].startswith("exact")
    assert run.summary()["rows"]["given"] == 3


def test_a_person_may_drop_one(school: School, trainer: FakeTrainer) -> None:
    run = school.begin(task=TASK, train={"examples": True})
    text = EXAMPLES["broken_item"][0]
    leave_decision(run.folder, Row(text, "broken_item").id, "drop")
    run.carry_out()
    assert not any(text in lesson for lesson in lessons_of(trainer))


def test_they_are_journaled_once_and_traced_to_the_recipe(school: School, trainer: FakeTrainer) -> None:
    run = school.run(task=TASK, train={"examples": True})
    given = run.reader.rows(attempt=GIVEN)
    assert [row["seq"] for row in given] == [0, 1, 2, 3] and {json.dumps(row["meta"]) for row in given} == {
        '{"origin": "example"}'
    }
    traced = {row["input"]: row for row in run.lineage()["rows"]}
    assert all(traced[text]["trainings"] == [1, 2] and traced[text]["calls"] == [] for text in TEXTS)
