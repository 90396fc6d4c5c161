from __future__ import annotations

import pytest

from toolkit.engineer import Situation, SkillReport
from toolkit.engineer.feedback import MOST_SKILLS, evidence, feedback
from toolkit.engineer.prompts import code_prompt
from toolkit.types import Score

LABELS = {"late": "", "broken": ""}
CASE = ("my lamp flickers", "broken", "late")


def situation(level: str, **more: object) -> Situation:
    values = {
        "number": 2,
        "parent": 1,
        "labels": LABELS,
        "rows": 10,
        "calls": 10,
        "skills": {"late": SkillReport(9, 10, 40), "broken": SkillReport(1, 10, 40)},
        "confusions": {("broken", "late"): 3, ("late", "banana"): 1},
        "cases": (CASE,),
        "baseline": Score(0.1, 0.0, 0.2, 20),
        "better": False,
        "narrow": ("41 % of rows share one opening: 'i want to …'",),
        "variety": "round 1: 80% of word pairs are distinct",
        "feedback": level,
        **more,
    }
    return Situation(**values)  # type: ignore[arg-type]


def test_aggregate_has_scores_intervals_and_error_categories() -> None:
    lines = feedback(situation("aggregate")).splitlines()
    assert "The best student so far answers 10 of 20 public questions (50%)." in lines
    assert lines.index("- broken: 1 of 10 right [2%, 40%], 40 rows so far") < lines.index(
        "- late: 9 of 10 right [60%, 98%], 40 rows so far"
    ), "the weakest comes first"
    assert "- broken was taken for late: 3 times" in lines
    assert "- answered with no label at all: 1 times" in lines
    assert "Variety of the data, round 1: 80% of word pairs are distinct." in lines
    assert "- 41 % of rows share one opening: 'i want to …'" in lines
    assert CASE[0] not in feedback(situation("aggregate"))


def test_cases_adds_the_questions_that_went_wrong() -> None:
    assert "- 'my lamp flickers' is broken, it said 'late'" in feedback(situation("cases"))


@pytest.mark.parametrize(("better", "word"), [(True, "better than"), (False, "no better than")])
def test_bit_tells_one_bit(better: bool, word: str) -> None:
    assert feedback(situation("bit", better=better)) == f"The newest round was {word} the best one before it."


def test_nothing_is_told_before_anything_was_measured() -> None:
    assert feedback(situation("cases", skills={}, better=None, baseline=None)) == ""


def test_a_draft_is_told_what_the_untrained_student_scores_unless_it_hears_one_bit() -> None:
    text = "Untrained the student answers 10% of the public questions."
    assert feedback(situation("aggregate", skills={}, better=None)) == text
    assert text in code_prompt(situation("aggregate", skills={}, better=None, parent=None))
    assert feedback(situation("bit", skills={}, better=None)) == ""


def test_scores_of_a_round_that_was_not_accepted_are_said_to_be_its() -> None:
    first = feedback(situation("aggregate", unaccepted=1)).splitlines()[1]
    assert first == "No round was accepted yet. The student of round 1 answers 10 of 20 public questions (50%)."


def test_of_many_labels_only_the_weakest_are_listed() -> None:
    many = {f"label{number}": SkillReport(number, 100, 1) for number in range(80)}
    text = feedback(situation("aggregate", skills=many))
    assert text.count("of 100 right") == MOST_SKILLS
    assert "label0: 0 of 100" in text
    assert "label79" not in text


def test_a_label_without_items_has_the_whole_interval() -> None:
    assert evidence("late", SkillReport(0, 0, 3)) == "late: 0 of 0 right [0%, 100%], 3 rows so far"
