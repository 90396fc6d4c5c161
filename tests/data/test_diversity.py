from __future__ import annotations

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.data.diversity import (
    DiversityCard,
    distinct,
    divergence,
    diversity_card,
    most_common_opening,
    near_duplicate_rate,
    normalised_entropy,
)
from toolkit.data.vendi import SAMPLE, vendi_score
from toolkit.types import Row

WORDS = [
    "parcel",
    "kettle",
    "lamp",
    "refund",
    "late",
    "broken",
    "voucher",
    "order",
    "blue",
    "please",
    "where",
    "my",
    "a",
]
texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join), min_size=1, max_size=30)
any_texts = st.lists(st.text(max_size=40), max_size=12)
quick = settings(deadline=None, max_examples=40)


def rows(inputs: list[str], labels: str = "ab") -> list[Row]:
    return [Row(text, labels[index % len(labels)]) for index, text in enumerate(inputs)]


def made_up(count: int, seed: int = 0) -> list[str]:
    """Sentences of nonsense words: no two have much in common."""
    chance = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        " ".join("".join(chance.choices(letters, k=chance.randint(3, 8))) for _ in range(chance.randint(6, 20)))
        for _ in range(count)
    ]


@quick
@given(any_texts, any_texts)
def test_every_figure_is_within_its_bounds_for_any_text(inputs: list[str], public: list[str]) -> None:
    card = diversity_card(rows(inputs), public, ["a", "b", "c"])
    shares = [*card.distinct, card.near_duplicate_rate, card.opening_share, card.label_entropy, card.vendi_share]
    shares += [value for value in (card.distance, card.distance_within_public) if value is not None]
    assert all(0 <= share <= 1 + 1e-9 for share in shares), card
    assert card.n == len(inputs)
    assert (1 - 1e-9 <= card.vendi <= card.n + 1e-9) if inputs else card.vendi == 0
    json.loads(json.dumps(card.to_json(), allow_nan=False))
    assert all(warning.strip() for warning in card.warnings())


@quick
@given(texts, st.randoms())
def test_the_order_of_rows_does_not_matter(inputs: list[str], chance: random.Random) -> None:
    before = rows(inputs)
    after = list(before)
    chance.shuffle(after)
    public = made_up(5)
    one, two = diversity_card(before, public).to_json(), diversity_card(after, public[::-1]).to_json()
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert two[name] == (pytest.approx(value, abs=1e-6) if isinstance(value, float) else value), name


@quick
@given(texts)
def test_writing_every_row_twice_adds_no_variety(inputs: list[str]) -> None:
    assert vendi_score(inputs * 2) == pytest.approx(vendi_score(inputs), rel=1e-4)


@quick
@given(st.integers(2, 25), st.integers(0, 100), st.data())
def test_a_duplicate_instead_of_a_new_text_lowers_the_vendi_score(count: int, seed: int, data: st.DataObject) -> None:
    inputs = made_up(count, seed)
    gone = data.draw(st.integers(0, count - 1))
    kept = inputs[(gone + 1) % count]
    assert vendi_score([*inputs[:gone], kept, *inputs[gone + 1 :]]) < vendi_score(inputs) - 0.05


def test_the_vendi_score_of_known_cases() -> None:
    assert vendi_score([]) == 0
    assert vendi_score(["the same"] * 9) == pytest.approx(1, abs=1e-4)
    assert vendi_score(["AAAA!", "aaaa", "bbbb"]) == pytest.approx(1.8899, abs=1e-3), "two kinds, two thirds and one"
    assert vendi_score(["aaaa", "bbbb", "cccc", "dddd"]) == pytest.approx(4, abs=1e-4)


def test_a_large_collection_is_sampled_by_content() -> None:
    inputs = made_up(SAMPLE + 300)
    whole = vendi_score(inputs)
    assert whole <= SAMPLE
    assert vendi_score(inputs[::-1]) == pytest.approx(whole, rel=1e-6)
    card = diversity_card(rows(inputs), [])
    assert card.vendi_share == pytest.approx(whole / SAMPLE)


@quick
@given(st.lists(st.integers(0, 50), min_size=2, max_size=8))
def test_entropy_is_1_only_for_a_balanced_mix(counts: list[int]) -> None:
    value = normalised_entropy(counts)
    assert 0 <= value <= 1
    assert (value > 1 - 1e-9) == (sum(counts) > 0 and len(set(counts)) == 1)
    assert normalised_entropy([7, *[0] * len(counts)]) == 0


@quick
@given(texts, texts)
def test_the_distance_is_symmetric_and_zero_to_itself(first: list[str], second: list[str]) -> None:
    one, two = [text.split() for text in first], [text.split() for text in second]
    assert divergence(one, two) == pytest.approx(divergence(two, one))
    assert divergence(one, one) == pytest.approx(0, abs=1e-9)
    assert divergence(one, [["xyzzy"]]) == pytest.approx(1)


def test_distinct_and_near_duplicates_of_known_cases() -> None:
    assert distinct([["a", "b", "a"]], 1) == pytest.approx(2 / 3)
    assert distinct([["a", "b"], ["a", "b"]], 2) == 0.5
    assert distinct([["a"]], 3) == 0
    close = ["where is my parcel today", "where is my parcel, today?", "where is my parcel then"]
    assert near_duplicate_rate([*close, "the lamp has a crack"]) == 0.75
    assert near_duplicate_rate([]) == 0


def test_a_shared_opening_is_named() -> None:
    inputs = [f"I want to know about {text}" for text in made_up(41)] + made_up(59, seed=1)
    card = diversity_card(rows(inputs), [])
    assert most_common_opening([text.split() for text in inputs]) == ("I want to", 0.41)
    assert "41 % of rows share one opening: 'i want to …'" in card.warnings()


def warnings(inputs: list[str], public: list[str] | None = None, labels: str = "ab") -> str:
    return "; ".join(diversity_card(rows(inputs, labels), public or []).warnings())


def test_narrow_rows_are_named_in_plain_words() -> None:
    assert warnings(made_up(100), made_up(50, seed=1)) == ""
    assert "out of balance: 'a' has 90 rows, 'b' 10" in warnings(made_up(100), labels="aaaaaaaaab")
    assert "100 % of rows nearly repeat another row" in warnings(["where is my parcel", "where is my parcels"] * 10)
    assert "nearly all rows have one length: 5 ± 0 words" in warnings([" ".join(t.split()[:5]) for t in made_up(20)])
    short = ["late again", "no sign", "broken", "refund now please"] * 5
    assert "rows are longer than public items" in warnings(made_up(20), short)
    assert "rows are shorter than public items: 2 words against" in warnings(short, made_up(20))


def test_a_label_without_rows_counts() -> None:
    inputs = rows(made_up(20))
    assert diversity_card(inputs, []).label_entropy == pytest.approx(1)
    card = diversity_card(inputs, [], ["a", "b", "c"])
    assert card.label_entropy < 0.7
    assert card.labels == {"a": 10, "b": 10, "c": 0}
    assert "'c' 0" in "; ".join(card.warnings())


def test_topics_are_measured_where_rows_have_them() -> None:
    inputs = [Row(text, "a", meta={"topic": "tea" if index else "salt"}) for index, text in enumerate(made_up(10))]
    card = diversity_card(inputs, [])
    assert card.topic_entropy == pytest.approx(0.469, abs=1e-3)
    assert diversity_card(rows(made_up(3)), []).topic_entropy is None


def test_2000_rows_within_2_seconds() -> None:
    inputs, public = rows(made_up(2000)), made_up(200, seed=1)
    took = []
    for _ in range(3):  # in CPU time: the machine may be busy with something else
        before = time.thread_time()
        card = diversity_card(inputs, public)
        took.append(time.thread_time() - before)
    assert isinstance(card, DiversityCard)
    assert min(took) < 2, took
