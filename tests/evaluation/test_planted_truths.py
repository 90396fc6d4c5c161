"""Runs whose truth is known, simulated on outcomes: acceptance on `gate` by round, then the sealed exam.

A false "helped" may come from any step: the best of many rounds, the better of two untrained
students, several comparisons on the same items. So whole runs are simulated, not single tests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from toolkit.evaluation.acceptance import decide
from toolkit.evaluation.statistics import holm, paired, sign_flip_p
from toolkit.evaluation.verdict import SIGNIFICANCE, verdict
from toolkit.types import Outcome

Scores = list[float]
LABELS = 16


@dataclass(frozen=True)
class Sizes:
    gate: int
    private: int


SMALL, USUAL = Sizes(40, 60), Sizes(108, 320)


def outcomes(scores: Sequence[float]) -> list[Outcome]:
    return [Outcome(str(index), "", score) for index, score in enumerate(scores)]


def mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


def tries(lot: random.Random, abilities: Sequence[float]) -> Scores:
    """A student's answers to items of given ease."""
    return [float(lot.random() < ease) for ease in abilities]


def run(
    lot: random.Random, sizes: Sizes, rounds: int, untrained: Sequence[float], student: Callable[[], Sequence[float]]
) -> str:
    """The word that a run ends with.

    Args:
        untrained: the ease of all items, gate first, for both untrained students.
        student: the ease of the items for the student of the next round.
    """
    total = sizes.gate + sizes.private
    bases = [tries(lot, untrained) for _ in range(2)]
    trained = [tries(lot, student()) for _ in range(rounds)]
    assert len(untrained) == total
    best: Scores | None = None
    for scores in trained:
        rival = best or max(bases, key=lambda base: mean(base[: sizes.gate]))
        on_gate = paired(outcomes(scores[: sizes.gate]), outcomes(rival[: sizes.gate]))
        if decide(on_gate, errors=1.0)[0] == "accepted":
            best = scores
    return "cannot tell" if best is None else exam(best[sizes.gate :], [base[sizes.gate :] for base in bases])


def exam(trained: Scores, bases: Sequence[Scores]) -> str:
    """As the exam judges: against the better untrained student, corrected for having compared with both."""
    rival, *others = sorted(bases, key=mean, reverse=True)
    p_values = [paired(outcomes(trained), outcomes(other)).p_value for other in others]
    return verdict(paired(outcomes(trained), outcomes(rival)), "round-1", "few-shot", others=p_values).word


@pytest.mark.parametrize("sizes", [SMALL, USUAL])
@pytest.mark.parametrize("base", [0.15, 0.25, 0.5])
def test_random_labels_are_told_hurt_or_cannot_tell_in_20_of_20_runs(sizes: Sizes, base: float) -> None:
    """Trained on random labels a student answers by chance; the untrained one with examples does better than that."""
    words = []
    for seed in range(20):
        lot = random.Random(seed)
        total = sizes.gate + sizes.private
        words.append(run(lot, sizes, 4, [base] * total, lambda total=total: [1 / LABELS] * total))
    assert set(words) <= {"hurt", "cannot tell"}


def test_random_labels_that_sit_the_exam_all_the_same_are_told_hurt() -> None:
    """One-shot arms sit it whatever `gate` says."""
    words = []
    for seed in range(20):
        lot = random.Random(seed)
        words.append(exam(tries(lot, [1 / LABELS] * 320), [tries(lot, [0.25] * 320) for _ in range(2)]))
    assert words == ["hurt"] * 20


@pytest.mark.parametrize("sizes", [SMALL, USUAL])
@pytest.mark.parametrize("rounds", [1, 5])
def test_identical_students_are_told_helped_in_at_most_1_of_20_runs(sizes: Sizes, rounds: int) -> None:
    helped = 0
    for seed in range(200):
        lot = random.Random(seed)
        abilities = [lot.random() for _ in range(sizes.gate + sizes.private)]
        helped += run(lot, sizes, rounds, abilities, lambda abilities=abilities: abilities) == "helped"
    assert helped <= 10


def test_a_verdict_from_gate_alone_would_not_pass() -> None:
    """The best of five rounds by its own gate score is told helped far too often: what the sealed exam is for."""
    helped = 0
    for seed in range(200):
        lot = random.Random(seed)
        abilities = [lot.random() for _ in range(145)]
        base = tries(lot, abilities)
        best = max((tries(lot, abilities) for _ in range(20)), key=mean)
        helped += verdict(paired(outcomes(best), outcomes(base)), "round-1", "few-shot").word == "helped"
    assert helped > 20


def test_identical_students_with_scores_in_between() -> None:
    """Field F1 and the like: the sign-flip test keeps its level too."""
    helped = 0
    for seed in range(200):
        lot = random.Random(seed)
        abilities = [lot.random() for _ in range(40)]
        new, old = ([(lot.random() + ease) / 2 for ease in abilities] for _ in range(2))
        gain = [after - before for after, before in zip(new, old, strict=True)]
        helped += sign_flip_p(gain) < SIGNIFICANCE and mean(gain) > 0  # the verdict's test, without its interval
    assert helped <= 10


def test_identical_students_on_items_that_share_their_sources() -> None:
    """Items of one source succeed together: counted one by one they would be told helped far too often."""
    by_source = by_item = 0
    for seed in range(200):
        lot = random.Random(seed)
        new, old = ([good for _ in range(12) for good in [float(lot.random() < 0.5)] * 10] for _ in range(2))
        sources = {str(index): index // 10 for index in range(120)}
        by_source += verdict(paired(outcomes(new), outcomes(old), sources), "round-1", "few-shot").word == "helped"
        by_item += verdict(paired(outcomes(new), outcomes(old)), "round-1", "few-shot").word == "helped"
    assert by_source <= 10 < by_item


def test_identical_arms_compared_in_all_pairs() -> None:
    """`compare` over four equal arms: any pair told better or worse in at most 1 of 20 comparisons of runs."""
    told = 0
    for seed in range(200):
        lot = random.Random(seed)
        abilities = [lot.random() for _ in range(200)]
        arms = [outcomes(tries(lot, abilities)) for _ in range(4)]
        p_values = [paired(one, other).p_value for index, one in enumerate(arms) for other in arms[:index]]
        told += min(holm(p_values)) < SIGNIFICANCE
    assert told <= 10


def test_a_real_gain_is_still_found() -> None:
    found = 0
    for seed in range(40):
        lot = random.Random(seed)
        abilities = [0.8 * lot.random() for _ in range(USUAL.gate + USUAL.private)]
        better = [ease + 0.2 for ease in abilities]
        found += run(lot, USUAL, 3, abilities, lambda better=better: better) == "helped"
    assert found >= 36
