"""A closed set of answers: whatever is likely, what comes out is one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.models.choices import Choices

END = 99
answers = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=8)


@given(answers, st.randoms(use_true_random=False))
def test_any_walk_ends_in_an_answer_and_each_answer_can_be_reached(found: list[list[int]], random: object) -> None:
    closed = Choices(found, {END})
    for wanted in [*found, None]:
        begun: list[int] = []
        while (whole := closed.only(begun)) is None:
            allowed = closed.allowed(begun)
            following = [*wanted, END][len(begun)] if wanted else random.choice(allowed)  # type: ignore[attr-defined]
            assert following in allowed
            if following == END:
                whole = begun
                break
            begun = [*begun, following]
        assert whole in found
        assert wanted is None or whole == wanted
        assert len(whole) <= closed.longest


def test_an_answer_that_begins_another_can_end_or_go_on() -> None:
    closed = Choices([[1], [1, 2, 3]], {END})
    assert closed.only([]) is None
    assert sorted(closed.allowed([1])) == [2, END]
    assert closed.only([1, 2]) == [1, 2, 3]


def test_the_same_answer_twice_is_one() -> None:
    assert Choices([[1, 2], [1, 2]], {END}).only([]) == [1, 2]


@pytest.mark.parametrize("bad", [[], [[1], []]])
def test_no_answer_and_an_empty_one_are_refused(bad: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="needs answers"):
        Choices(bad, {END})
