from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import LABELS, examples, messages, recipe_in

from toolkit.data.near_duplicates import normalise
from toolkit.data.sources import Example, read_examples
from toolkit.data.splits import deal, make_splits
from toolkit.errors import DataError
from toolkit.recipe import load_recipe

BANKING77 = Path(__file__).parents[2] / "../shared/datasets/banking77"
SHARES = {"public": 0.2, "gate": 0.2, "private": 0.6}

groups_of_examples = st.lists(st.lists(st.sampled_from(LABELS), min_size=1, max_size=4), min_size=1, max_size=60).map(
    lambda drawn: [
        [Example(f"text {number} {inner}", label, label, "f", None) for inner, label in enumerate(group)]
        for number, group in enumerate(drawn)
    ]
)
shares = st.sampled_from([SHARES, {"public": 0.5, "gate": 0.5}, {"public": 0.1, "gate": 0.1, "private": 0.3}])


@given(groups_of_examples, shares, st.integers(0, 3))
def test_everything_is_dealt_once_and_groups_stay_together(groups, share, seed) -> None:
    dealt = deal(groups, share, seed)
    places = {one.input: place for place, found in dealt.items() for one in found}
    assert len(places) == sum(map(len, dealt.values())) == sum(map(len, groups))
    for group in groups:
        assert len({places[one.input] for one in group}) == 1


@given(st.lists(st.sampled_from(LABELS), min_size=1, max_size=200), shares, st.integers(0, 3))
def test_each_label_gets_its_share_within_one(labels, share, seed) -> None:
    pool = [[Example(f"text {number}", label, label, "f", None)] for number, label in enumerate(labels)]
    dealt = deal(pool, share, seed)
    for label, count in Counter(labels).items():
        for split, fraction in share.items():
            assert abs(sum(one.output == label for one in dealt[split]) - count * fraction) < 1


def test_a_long_beginning_that_all_share_makes_them_no_near_duplicates(tmp_path: Path) -> None:
    form = "Ticket from the form on our page, language English, answered within a day, priority normal. Text: " * 3
    recipe, plain = recipe_in(tmp_path), make_splits(examples(messages()), recipe_in(tmp_path))
    found = make_splits(examples((form + text, label) for text, label in messages()), recipe)
    assert {split: len(items) for split, items in found.items.items()} == {
        split: len(items) for split, items in plain.items.items()
    }
    copies = [(form + text.replace("kettle", "ketttle"), label) for text, label in messages()[:1]]
    again = make_splits(examples([*((form + text, label) for text, label in messages()), *copies]), recipe)
    split_of = {item.input: split for split, items in again.items.items() for item in items}
    assert split_of[copies[0][0]] == split_of[form + messages()[0][0]], "a typo is still a near-duplicate"


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, shuffler: random.Random
) -> None:
    recipe = recipe_in(tmp_path_factory.getbasetemp() / "order")
    rows = examples(messages())
    expected = make_splits(rows, recipe)
    shuffler.shuffle(rows)
    found = make_splits(rows, recipe)
    assert found.items == expected.items
    assert found.extra == expected.extra


def test_the_seed_matters(tmp_path: Path) -> None:
    rows = examples(messages())
    first, second = (make_splits(rows, recipe_in(tmp_path, f"data.seed={seed}")) for seed in (0, 1))
    assert first.items["private"] != second.items["private"]


def test_splits_do_not_overlap_and_copies_go(tmp_path: Path) -> None:
    rows = messages()
    doubled = examples([*rows, *((text.upper() + "!", label) for text, label in rows)])
    found = make_splits(doubled, recipe_in(tmp_path))
    texts = [normalise(item.input) for items in found.items.values() for item in items]
    assert len(texts) == len(set(texts)) == 90
    assert found.dropped["duplicate"] == 90
    assert all(item.split == name for name, items in found.items.items() for item in items)


def test_a_text_with_two_labels_can_not_be_marked_and_goes(tmp_path: Path) -> None:
    rows = messages()
    found = make_splits(examples([*rows, (rows[0][0], LABELS[2])]), recipe_in(tmp_path))
    assert rows[0][0] not in {item.input for items in found.items.values() for item in items}
    assert found.dropped["same text, different labels"] == 2


def test_an_item_of_a_private_file_never_stays_in_the_pool(tmp_path: Path) -> None:
    pool = examples(messages())
    sealed = [replace(one, split="private") for one in pool[::3]]
    leak = replace(pool[0], input=pool[0].input.lower() + " ...")
    near = replace(sealed[5], input=sealed[5].input + "s", split=None)
    found = make_splits([*pool, *sealed, leak, near], recipe_in(tmp_path, "data.splits={public: 0.5, gate: 0.5}"))
    private = {normalise(item.input) for item in found.items["private"]}
    others = {normalise(item.input) for name in ("public", "gate") for item in found.items[name]}
    assert private == {normalise(one.input) for one in sealed}
    assert not private & others
    assert normalise(near.input) not in others
    assert not found.extra


def test_shares_below_one_leave_extra_rows(tmp_path: Path) -> None:
    found = make_splits(examples(messages()), recipe_in(tmp_path, "data.splits={public: 0.2, gate: 0.2, private: 0.4}"))
    assert len(found.extra) == pytest.approx(18, abs=6)
    used = {item.input for items in found.items.values() for item in items}
    assert not used & {row.input for row in found.extra}


def test_per_label_is_a_cap(tmp_path: Path) -> None:
    found = make_splits(examples(messages()), recipe_in(tmp_path, "data.per_label={public: 3}"))
    assert Counter(item.output for item in found.items["public"]) == dict.fromkeys(LABELS, 3)
    assert found.dropped["over data.per_label.public"] > 0


@pytest.mark.parametrize(
    ("rows", "overrides", "expected"),
    [
        (messages()[::30], [], "data.splits.public: "),
        (messages()[::10], [], "it needs at least 2 for each of the 3 labels"),
        (messages(), ["data.splits={public: 0.5, gate: 0.5}"], "data.splits.private: the split is empty"),
        (messages(), ["data.splits={private: 1}"], "data.splits.public: the split is empty"),
        (messages(), ["data.splits={public: 0.4, gate: 0.4, private: 0.05}"], "the exam needs at least 10"),
    ],
)
def test_too_little_data_says_how_much_is_needed(
    tmp_path: Path, rows: list[tuple[str, str]], overrides: list[str], expected: str
) -> None:
    with pytest.raises(DataError) as caught:
        make_splits(examples(rows), recipe_in(tmp_path, *overrides))
    assert expected in str(caught.value)
    assert caught.value.fix


@pytest.mark.skipif(not BANKING77.is_dir(), reason="the BANKING77 files are not beside this checkout")
def test_banking77_splits_without_leaks() -> None:
    recipe = load_recipe("banking77", [f"data.path={BANKING77}", "data.labels=16"])
    found = make_splits(read_examples(recipe), recipe)
    assert len(found.items["private"]) >= 630
    assert Counter(item.output for item in found.items["gate"]) == dict.fromkeys(recipe.labels, 10)
    texts = [normalise(item.input) for items in found.items.values() for item in items]
    assert len(texts) == len(set(texts))
