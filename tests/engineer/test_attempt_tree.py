from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.engineer.tree import MOST_IN_A_ROW, TOO_FEW, Move, Rules, failures, mats, next_move, of_round

CRASH = "code runtime error"


def attempt(number: int, operation: str, error_class: str | None = None) -> dict[str, Any]:
    return {
        "id": number,
        "operation": operation,
        "error_class": error_class,
        "status": "failed" if error_class else "valid",
    }


def played(error_classes: list[str], rules: Rules | None = None) -> list[str]:
    """The operations that follow one another when each attempt fails in the way given."""
    tried: list[dict[str, Any]] = []
    for number, error_class in enumerate(error_classes, 1):
        move = next_move(tried, None, rules or Rules())
        if move is None:
            break
        tried.append(attempt(number, move.operation, error_class))
    return [found["operation"] for found in tried]


def test_three_debugs_then_a_new_draft() -> None:
    assert played([CRASH] * 6) == ["draft", "debug", "debug", "debug", "draft", "debug"]


def test_three_repairs_then_a_new_draft() -> None:
    assert played([TOO_FEW] * 5) == ["draft", "repair", "repair", "repair", "draft"]


@pytest.mark.parametrize("error", ["LLM output truncated", "code extraction failed", "execution timeout", "other"])
def test_every_other_failure_is_debugged(error: str) -> None:
    assert played([error, CRASH]) == ["draft", "debug"]


def test_a_debugged_program_that_yields_too_little_is_repaired() -> None:
    assert played([CRASH, TOO_FEW, CRASH]) == ["draft", "debug", "repair"]


def test_one_shot_drafts_are_independent_and_eight_at_most() -> None:
    assert played([CRASH] * 12, Rules(one_shot=True)) == ["draft"] * 8


def test_an_engineer_that_cannot_revise_has_one_attempt() -> None:
    assert played([TOO_FEW] * 3, Rules(revises=False)) == ["draft"]


def test_a_round_improves_on_the_best_attempt_and_debugs_the_newest() -> None:
    assert next_move([], 4, Rules()) == Move("improve", 4)
    assert next_move([attempt(7, "improve", CRASH)], 4, Rules()) == Move("debug", 7)


@given(st.lists(st.sampled_from([CRASH, TOO_FEW]), max_size=30))
def test_no_operation_but_a_draft_is_ever_repeated_more_than_three_times(errors: list[str]) -> None:
    operations = played(errors)
    assert len(operations) == len(errors), "a round is never given up while attempts are left"
    for start in range(len(operations)):
        for operation in ("debug", "repair"):
            assert operations[start : start + MOST_IN_A_ROW + 1] != [operation] * (MOST_IN_A_ROW + 1)


def test_attempts_belong_to_the_round_that_their_valid_one_ends() -> None:
    attempts = [attempt(1, "draft", CRASH), attempt(2, "debug"), attempt(3, "improve"), attempt(4, "improve", TOO_FEW)]
    assert [[found["id"] for found in of_round(attempts, number)] for number in (1, 2, 3, 4)] == [[1, 2], [3], [4], []]
    assert mats(attempts) == 2.0
    assert failures(attempts) == {CRASH: 1, TOO_FEW: 1}


def test_mats_is_unknown_before_the_first_success() -> None:
    assert mats([attempt(1, "draft", CRASH)]) is None
