"""Power, resampling, clusters, many comparisons, training seeds."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.evaluation.statistics import (
    bootstrap_interval,
    clustered_error,
    detectable_difference,
    holm,
    in_words,
    items_needed,
    paired,
    score_of,
    sign_flip_p,
    spread,
    wilson,
)
from toolkit.types import Outcome

differences = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=40)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def outcomes(scores: list[float]) -> list[Outcome]:
    return [Outcome(str(index), "", score) for index, score in enumerate(scores)]


@pytest.mark.parametrize(("n", "points"), [(50, 17.7), (100, 12.5), (200, 8.9), (500, 5.6), (1000, 4.0)])
def test_the_smallest_detectable_differences_are_the_known_ones(n: int, points: float) -> None:
    assert round(100 * detectable_difference(n, 0.2), 1) == points


def test_the_detectable_difference_is_found_in_four_of_five_simulated_comparisons() -> None:
    lot, n, effect = random.Random(4), 200, detectable_difference(200)
    seen = 0
    for _ in range(400):
        draws = [lot.random() for _ in range(n)]
        wins = sum(draw < (0.2 + effect) / 2 for draw in draws)
        losses = sum((0.2 + effect) / 2 <= draw < 0.2 for draw in draws)
        # McNemar's test without the continuity correction, for which the formula is made
        seen += abs(wins - losses) / math.sqrt(max(1, wins + losses)) > 1.959964
    assert 0.74 < seen / 400 < 0.90


@given(st.integers(1, 5000), st.floats(0.05, 1))
def test_items_needed_turns_the_formula_around(n: int, discordant: float) -> None:
    found = detectable_difference(n, discordant)
    if found < 1:
        assert abs(items_needed(found, discordant) - n) <= 1
    assert detectable_difference(n + 1, discordant) <= found


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (40, "with 40 items only a difference above 20 points could be seen"),
        (1000, "with 1000 items only a difference above 4.0 points could be seen"),
        (1, "with 1 item no difference could be seen"),
        (0, "without items no difference could be seen"),
    ],
)
def test_small_numbers_are_put_into_words(n: int, words: str) -> None:
    assert in_words(n) == words


def test_holm_adjusts_as_r_does() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.04]) == [0.04]


@given(p_values)
def test_holm_never_lowers_a_p_value_nor_changes_their_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(before <= after <= 1 for before, after in zip(values, adjusted, strict=True))
    by_size = [adjusted[index] for index in sorted(range(len(values)), key=values.__getitem__)]
    assert by_size == sorted(by_size)
    assert min(adjusted) == pytest.approx(min(1, len(values) * min(values)))


@settings(max_examples=15)
@given(differences)
def test_the_bootstrap_interval_is_ordered_seeded_and_within_the_sample(values: list[float]) -> None:
    low, high = bootstrap_interval(values, seed=3)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert (low, high) == bootstrap_interval(values, seed=3)


def test_the_bootstrap_agrees_with_student_where_both_hold() -> None:
    lot = random.Random(1)
    values = [lot.gauss(0.1, 0.3) for _ in range(300)]
    mean = sum(values) / 300
    error = math.sqrt(sum((one - mean) ** 2 for one in values) / 299 / 300)
    assert bootstrap_interval(values) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.006)


def test_sign_flips_are_all_tried_where_they_are_few() -> None:
    assert sign_flip_p([0.5, 0.25, 1.0]) == pytest.approx(2 / 8)
    assert sign_flip_p([0.0, 0.0]) == 1
    assert sign_flip_p([1.0]) == 1
    assert sign_flip_p([0.3] * 40) < 0.001


def test_fractional_scores_are_compared_by_their_size() -> None:
    new, old = [0.5, 0.75, 1.0, 0.5] * 20, [0.25, 0.75, 0.5, 0.5] * 20
    found = paired(outcomes(new), outcomes(old))
    assert found.method == "paired bootstrap"
    assert found.difference == pytest.approx(0.1875)
    assert 0 < found.low < found.difference < found.high
    assert found.p_value < 0.001
    assert (found.wins, found.losses) == (40, 0)


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_clusters_of_one_item_are_no_clusters(bits: list[bool]) -> None:
    values = [float(bit) for bit in bits]
    mean, n = sum(values) / len(values), len(values)
    plain = math.sqrt(sum((one - mean) ** 2 for one in values) / (n - 1) / n)
    assert clustered_error(values, range(n)) == pytest.approx(plain)


@given(st.lists(st.booleans(), min_size=3, max_size=30), st.integers(2, 6))
def test_copies_of_an_item_tell_nothing_new(bits: list[bool], copies: int) -> None:
    values = [float(bit) for bit in bits]
    repeated = [one for one in values for _ in range(copies)]
    groups = [index for index in range(len(values)) for _ in range(copies)]
    assert clustered_error(repeated, groups) == pytest.approx(clustered_error(values, range(len(values))))


def test_shared_sources_make_a_comparison_less_sure() -> None:
    new = outcomes([1, 1, 1, 1, 1, 1, 1, 1, 0, 0] * 4)
    old = outcomes([0, 0, 0, 0, 1, 1, 1, 1, 0, 0] * 4)
    sources = {str(index): index // 10 for index in range(40)}
    alone, together = paired(new, old), paired(new, old, sources)
    assert alone.p_value < 0.001
    assert together.method == "clustered by source"
    assert together.sources == 4
    assert together.p_value == pytest.approx(2 / 16)
    assert together.difference == pytest.approx(alone.difference)
    assert together.detectable > alone.detectable
    assert paired(new, old, {str(index): index for index in range(40)}) == alone


def test_the_spread_over_seeds_is_students() -> None:
    found = spread([0.70, 0.74, 0.72])
    assert (found.mean, found.deviation) == pytest.approx((0.72, 0.02))
    assert (found.low, found.high) == pytest.approx((0.72 - 4.30265 * 0.02 / 3**0.5, 0.72 + 4.30265 * 0.02 / 3**0.5))
    assert "over 3 training seeds (70.0% to 74.0%)" in str(found)
    assert "not known" in str(spread([0.7]))
    with pytest.raises(ValueError, match="no score"):
        spread([])


def test_the_interval_of_fractional_scores_is_no_narrower_than_their_own() -> None:
    assert score_of(outcomes([0.5] * 50)).low == pytest.approx(wilson(0.5, 50)[0])
    assert wilson(0.0, 10)[0] == 0
    assert wilson(1.0, 10)[1] == 1
