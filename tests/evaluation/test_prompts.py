from __future__ import annotations

from typing import get_args

from toolkit.evaluation.prompts import FORMATS, TaskPrompts, pick_shots
from toolkit.evaluation.scorers import SCORERS
from toolkit.recipe.schema import AnswerKind
from toolkit.types import Item


def item(number: int, text: str, output: str, skill: str = "") -> Item:
    return Item(str(number), "public", text, output, skill)


def test_every_kind_of_answer_has_a_scorer_and_a_form() -> None:
    assert set(get_args(AnswerKind)) - {"judged"} <= set(SCORERS)  # a judge is opened with its labels, for each run
    assert set(FORMATS) == set(get_args(AnswerKind)) - {"label", "judged"}


def test_labels_are_named_to_the_untrained_student_only() -> None:
    prompts = TaskPrompts("Classify.", {"late": "", "broken": ""})
    assert prompts.trained("hi")[0]["content"] == "Classify."
    assert (
        prompts.zero_shot("hi")[0]["content"]
        == "Classify.\nAnswer with one of these labels and nothing else: late, broken."
    )


def test_answers_without_labels_have_their_form_told() -> None:
    prompts = TaskPrompts("Solve.", answer="number")
    system = prompts.zero_shot("2 + 2?")[0]["content"]
    assert system.startswith("Solve.\nAnswer with the number")
    assert "labels" not in system
    assert prompts.trained("2 + 2?")[0]["content"] == "Solve."
    turns = prompts.few_shot([item(1, "1 + 1?", "2")], "2 + 2?")
    assert [turn["content"] for turn in turns[1:]] == ["1 + 1?", "2", "2 + 2?"]


def test_an_empty_system_message_is_no_turn() -> None:
    prompts = TaskPrompts("", answer="judged")
    asked = {"role": "user", "content": "hi"}
    assert prompts.trained("hi") == prompts.zero_shot("hi") == (asked,)
    assert [turn["role"] for turn in prompts.few_shot([item(1, "a", "b")], "hi")] == ["user", "assistant", "user"]
    labelled = TaskPrompts("", {"late": ""})
    assert labelled.trained("hi") == (asked,)
    assert labelled.zero_shot("hi")[0]["content"] == "Answer with one of these labels and nothing else: late."


def test_shots_are_the_shortest_of_each_label() -> None:
    items = [
        item(1, "a long message", "late"),
        item(2, "short", "late"),
        item(3, "crack", "broken"),
        item(4, "x", "no"),
    ]
    assert [shot.id for shot in pick_shots(items, {"late": "", "broken": "", "lost": ""})] == ["2", "3"]
    assert pick_shots(items, {"late": "", "broken": ""}) == pick_shots(items[::-1], {"late": "", "broken": ""})


def test_shots_without_labels_are_few_and_of_different_skills() -> None:
    items = [
        item(n, "q" * n, str(n), skill) for n, skill in enumerate(["sums", "sums", "sums", "units", "units", ""], 1)
    ]
    assert [shot.id for shot in pick_shots(items, {})] == ["1", "4", "6", "2"]
    assert pick_shots([], {}) == []
