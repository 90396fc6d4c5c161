"""Each planted difference between a trained student and its export is found, blocks it, and is named rightly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_trained import trained

from toolkit.export.gate import LEAST_PROMPTS, gate_prompts, judge
from toolkit.export.parity import Parity, Side
from toolkit.types import Item

BEGIN, END = 1, 2
KNOWN = {"end_token": END, "begin": BEGIN}
RIGHT = ["late", "refund"] * 30


def side(**changes: object) -> Side:
    ids = [[BEGIN, 10, 11, number] for number in range(60)]
    same = Side([f"<b>prompt {n}" for n in range(60)], ids, frozenset({END}), RIGHT)
    return replace(same, **changes)  # type: ignore[arg-type]


def judged(folder: Path, theirs: Side, ours: Side | None = None) -> Parity:
    return judge(trained(folder), KNOWN, ours or side(), theirs)


def test_the_same_student_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, side())
    assert found.passed
    assert found.sentence().startswith("the exported student is the trained one: 60 of 60 greedy answers are the same")
    assert (found.drift.trained, found.drift.exported, found.drift.n) == (1.0, 1.0, 60)


def test_a_second_begin_token_is_named(tmp_path: Path) -> None:
    found = judged(tmp_path, side(ids=[[BEGIN, *ids] for ids in side().ids]))
    assert found.causes == ["BOS"]
    assert "60 of 60 prompts have other token ids, first prompt 1, token 2" in found.sentence()


def test_a_missing_begin_token_is_named(tmp_path: Path) -> None:
    assert judged(tmp_path, side(ids=[ids[1:] for ids in side().ids])).causes == ["BOS"]


def test_another_template_is_named_even_when_only_one_prompt_shows_it(tmp_path: Path) -> None:
    ids, texts = list(side().ids), list(side().texts)
    ids[7], texts[7] = [BEGIN, 10, 99, 7], "<b>other"
    found = judged(tmp_path, side(ids=ids, texts=texts))
    assert found.causes == ["template"]
    assert "1 of 60 prompts have other token ids, first prompt 8, token 3" in found.sentence()


def test_the_same_text_with_other_ids_is_the_tokenizer(tmp_path: Path) -> None:
    ids = [*side().ids[:-1], [BEGIN, 10, 11, 5, 9]]
    assert judged(tmp_path, side(ids=ids)).causes == ["tokenizer"]


def test_an_end_that_is_not_stopped_at_is_named(tmp_path: Path) -> None:
    found = judged(tmp_path, side(ends=frozenset({0})))
    assert found.causes == ["stop token"]
    assert "trained to end with token 2, the export stops at 0" in found.sentence()


def test_worse_answers_to_the_same_prompts_are_quantization(tmp_path: Path) -> None:
    found = judged(tmp_path, side(answers=["late"] * 60))
    assert found.causes == ["quantization"]
    assert found.drift.exported == 0.5
    assert found.drift.high < 0
    assert found.same_answers == 30
    assert found.examples[0] == ("refund", "late")


def test_drift_within_the_interval_passes(tmp_path: Path) -> None:
    answers = list(RIGHT)
    answers[1] = "late"
    found = judged(tmp_path, side(answers=answers))
    assert found.drift.exported < 1
    assert found.passed


def test_a_named_mistake_is_not_called_quantization(tmp_path: Path) -> None:
    theirs = side(ids=[ids[1:] for ids in side().ids], answers=["late"] * 60)
    assert judged(tmp_path, theirs).causes == ["BOS"]


@pytest.mark.parametrize("count", [0, 7, 49, 50, 80])
def test_at_least_fifty_prompts_are_asked(tmp_path: Path, count: int) -> None:
    items = [Item(f"p{n}", "public", f"message {n}", "late") for n in range(count)]
    student = trained(tmp_path, public=items)
    prompts = gate_prompts(student)
    assert len(prompts) == max(count, LEAST_PROMPTS)
    assert prompts[:count] == [student.prompts.trained(item.input) for item in items]


@pytest.mark.parametrize("kind", ["judged", "without items"])
def test_what_cannot_be_scored_again_is_compared_by_its_answers(tmp_path: Path, kind: str) -> None:
    student = trained(tmp_path, public=[])
    if kind == "judged":
        file = student.recipe.file
        judged_task = file.task.model_copy(update={"answer": "judged"})
        recipe = replace(student.recipe, file=file.model_copy(update={"task": judged_task}))
        student = replace(student, recipe=recipe, public=[Item("p", "public", "a", "b")])
    alike = judge(student, KNOWN, side(), side(answers=[*RIGHT[:48], *["other"] * 12]))
    assert alike.passed
    assert alike.sentence().endswith("48 of 60 greedy answers are the same; public: not scored again")
    unlike = judge(student, KNOWN, side(), side(answers=[*RIGHT[:47], *["other"] * 13]))
    assert unlike.causes == ["quantization"]
    assert "quantization (fewer than 80 % of the answers are the same)" in unlike.sentence()
