from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.evaluation.acceptance import decide
from toolkit.evaluation.statistics import paired, score_of
from toolkit.types import Outcome


def outcomes(bits: list[bool]) -> list[Outcome]:
    return [Outcome(str(index), "", float(bit)) for index, bit in enumerate(bits)]


pairs_of_bits = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200)


@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_wilson_interval_holds_the_score_and_narrows_to_its_formula(bits: list[bool]) -> None:
    found = score_of(outcomes(bits))
    n, p, z = len(bits), sum(bits) / len(bits), 1.959964
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    assert found.value == p
    assert found.low == pytest.approx(max(0.0, centre - half), abs=1e-5)
    assert found.high == pytest.approx(min(1.0, centre + half), abs=1e-5)


def test_no_items_is_no_knowledge() -> None:
    found = score_of([])
    assert (found.low, found.high, found.n) == (0.0, 1.0, 0)


@given(pairs_of_bits)
def test_a_comparison_turned_around_changes_only_its_sign(pairs: list[tuple[bool, bool]]) -> None:
    new, old = ([pair[i] for pair in pairs] for i in (0, 1))
    there, back = paired(outcomes(new), outcomes(old)), paired(outcomes(old), outcomes(new))
    assert there.difference == pytest.approx(-back.difference)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p_value == pytest.approx(back.p_value)


@given(pairs_of_bits)
def test_the_interval_holds_no_more_than_all_items(pairs: list[tuple[bool, bool]]) -> None:
    found = paired(outcomes([a for a, _ in pairs]), outcomes([b for _, b in pairs]))
    assert -1 <= found.low <= found.high <= 1
    assert found.error > 0


def test_mcnemar_is_the_exact_binomial_test() -> None:
    # 10 wins, 2 losses: 2 * P(X <= 2 | 12, 1/2) = 2 * 79 / 4096
    found = paired(outcomes([True] * 10 + [False] * 2 + [True] * 5), outcomes([False] * 10 + [True] * 2 + [True] * 5))
    assert (found.wins, found.losses) == (10, 2)
    assert found.p_value == pytest.approx(2 * 79 / 4096)


def test_only_items_that_both_answered_are_compared() -> None:
    new = [Outcome("a", "", 1.0), Outcome("b", "", 1.0)]
    old = [Outcome("b", "", 0.0), Outcome("c", "", 0.0)]
    assert paired(new, old).n == 1


def test_a_gain_within_the_noise_is_not_accepted() -> None:
    flips = [(True, False)] * 6 + [(False, True)] * 5 + [(True, True)] * 79
    noise = paired(outcomes([a for a, _ in flips]), outcomes([b for _, b in flips]))
    assert decide(noise, 1.0)[0] == "undecided"
    clear = paired(outcomes([True] * 90), outcomes([False] * 30 + [True] * 60))
    assert decide(clear, 1.0)[0] == "accepted"
    assert decide(paired(outcomes([False] * 30 + [True] * 60), outcomes([True] * 90)), 1.0)[0] == "rejected"
