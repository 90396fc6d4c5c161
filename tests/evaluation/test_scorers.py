from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.evaluation.scorers import contains, exact_label
from toolkit.types import Item


def item(output: str) -> Item:
    return Item("1", "gate", "a question", output)


@pytest.mark.parametrize("answer", ["parcel_late", "Parcel_Late", " parcel late.", '"parcel_late"', "parcel-late\n"])
def test_a_label_may_be_written_in_another_way(answer: str) -> None:
    assert exact_label(item("parcel_late"), answer) == 1


@pytest.mark.parametrize("answer", ["", "parcel", "parcel_late, refund_status", "the label is parcel_late", "refund"])
def test_a_label_is_not_searched_for_in_an_answer(answer: str) -> None:
    assert exact_label(item("parcel_late"), answer) == 0


@given(st.from_regex(r"[a-z]{1,8}(_[a-z]{1,8}){0,3}", fullmatch=True), st.text(max_size=40))
def test_a_label_always_passes_and_scores_are_zero_or_one(label: str, answer: str) -> None:
    assert exact_label(item(label), label) == 1
    assert exact_label(item(label), answer) in (0, 1)


def test_the_probe_looks_for_whole_words() -> None:
    assert contains(item("5"), "2 + 3 = 5.") == 1
    assert contains(item("5"), "the answer is 15") == 0
    assert contains(item("Lantern"), "lantern") == 1
