"""The forgetting probe's items: balanced, unique, and scored by what they ask for."""

from __future__ import annotations

from collections import Counter

from toolkit.evaluation.probe import probe_items
from toolkit.evaluation.scorers import SCORERS

SKILLS = ("chat_format", "arithmetic", "copying", "honesty", "other_language")


def test_every_skill_has_24_items() -> None:
    assert Counter(item.skill for item in probe_items()) == dict.fromkeys(SKILLS, 24)


def test_ids_and_questions_are_unique() -> None:
    items = probe_items()
    assert len({item.id for item in items}) == len({item.input for item in items}) == len(items)


def test_the_expected_answer_scores_and_an_empty_or_other_one_does_not() -> None:
    contains = SCORERS["probe"]
    for item in probe_items():
        assert contains(item, f"Well: {item.output}.") == 1
        assert contains(item, "") == contains(item, "late_parcel") == 0


def test_repeating_the_question_rarely_scores() -> None:
    """Copying must repeat, and honesty names the word to say; elsewhere an echo is no answer."""
    asked = [item for item in probe_items() if item.skill not in ("copying", "honesty")]
    echoed = [item.id for item in asked if SCORERS["probe"](item, item.input)]
    assert len(echoed) <= 3, echoed
