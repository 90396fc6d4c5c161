from __future__ import annotations

import random
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.evaluation.statistics import paired
from toolkit.evaluation.verdict import Verdict, verdict
from toolkit.types import Outcome


def outcomes(scores: list[bool]) -> list[Outcome]:
    return [Outcome(str(index), "", float(score)) for index, score in enumerate(scores)]


def judged(new: list[bool], old: list[bool], **more: object) -> Verdict:
    return verdict(paired(outcomes(new), outcomes(old)), "round-1", "few-shot", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("new", "old", "word"),
    [(60, 20, "helped"), (20, 60, "hurt"), (31, 30, "cannot tell")],
)
def test_the_verdict_says_what_was_shown(new: int, old: int, word: str) -> None:
    found = judged([i < new for i in range(100)], [i < old for i in range(100)])
    assert found.word == word
    assert "100 sealed items" in found.sentence
    assert ("could be seen" in found.sentence) == (word == "cannot tell")


def test_the_verdict_brings_its_evidence() -> None:
    found = judged([True] * 12 + [False] * 28, [False] * 10 + [True] * 4 + [False] * 26)
    assert (found.wins, found.losses, found.comparisons) == (10, 2, 1)
    assert found.word == "helped"
    assert found.evidence.startswith("exact McNemar: better on 10, worse on 2 of 40 items, p = 0.039;")
    assert {"word", "sentence", "baseline", "difference", "low", "high", "n", "p_value", "detectable"} <= set(
        asdict(found)
    )


def test_many_comparisons_have_to_show_more() -> None:
    new, old = [True] * 12 + [False] * 28, [False] * 10 + [True] * 4 + [False] * 26
    found = judged(new, old, others=[0.4, 0.9])
    assert found.word == "cannot tell"
    assert found.p_adjusted == pytest.approx(3 * found.p_value)
    assert "for 3 comparisons" in found.evidence
    # a comparison that shows more already takes nothing away from the harder one
    assert judged(new, old, others=[0.0001]).word == "helped"


def test_spent_items_are_named() -> None:
    assert "opened 3 times" in judged([True] * 50, [False] * 50, openings=3).sentence
    assert "opened" not in judged([True] * 50, [False] * 50).sentence


def test_no_items_say_nothing() -> None:
    found = judged([], [])
    assert found.word == "cannot tell"
    assert "without items" in found.sentence


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=120), st.lists(st.floats(0, 1), max_size=3))
def test_words_and_numbers_agree(pairs: list[tuple[bool, bool]], others: list[float]) -> None:
    found = judged([a for a, _ in pairs], [b for _, b in pairs], others=others)
    assert found.p_adjusted >= found.p_value
    assert (found.word == "cannot tell") == (found.p_adjusted >= 0.05)
    if found.word != "cannot tell":
        assert (found.difference > 0) == (found.word == "helped")


# -- planted truths, on simulated outcomes -------------------------------------------------------


def student(lot: random.Random, abilities: list[float], shift: float) -> list[bool]:
    """Answers of a student to items of given ease: independent tries, `shift` better on each item."""
    return [lot.random() < min(1.0, max(0.0, ease + shift)) for ease in abilities]


def simulated(seed: int, n: int, shift: float) -> str:
    """The trained student against the better of two untrained ones, as the exam does it."""
    lot = random.Random(seed)
    abilities = [lot.random() for _ in range(n)]
    trained, *untrained = (outcomes(student(lot, abilities, gain)) for gain in (shift, 0.0, 0.0))
    rival = max(untrained, key=lambda one: sum(outcome.score for outcome in one))
    p_values = [paired(trained, one).p_value for one in untrained if one is not rival]
    return verdict(paired(trained, rival), "round-1", "few-shot", others=p_values).word


@pytest.mark.parametrize("n", [40, 145, 400])
def test_identical_students_are_told_helped_in_at_most_one_of_twenty(n: int) -> None:
    assert sum(simulated(seed, n, 0.0) == "helped" for seed in range(200)) <= 10


def test_random_labels_are_never_told_helped() -> None:
    """Training on random labels leaves a student at chance: 16 labels, and a base student above that."""
    for seed in range(20):
        lot = random.Random(seed)
        trained = [lot.random() < 1 / 16 for _ in range(320)]
        base = [lot.random() < 0.2 for _ in range(320)]
        assert judged(trained, base, others=[0.0001]).word in ("hurt", "cannot tell")


def test_a_real_gain_is_found() -> None:
    assert sum(simulated(seed, 400, 0.2) == "helped" for seed in range(40)) >= 36
