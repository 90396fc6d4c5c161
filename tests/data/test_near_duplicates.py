from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.data.near_duplicates import NearDuplicates, groups, normalise, shingles, similarity


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Where's my parcel?", "wheres my parcel"),
        ("  Where is\tmy PARCEL!! ", "where is my parcel"),
        ("ｗｈｅｒｅ is my parcel", "where is my parcel"),
        ("Straße", "STRASSE"),
    ],
)
def test_case_punctuation_width_and_spaces_do_not_matter(first: str, second: str) -> None:
    assert normalise(first) == normalise(second)


def test_texts_of_signs_only_stay_apart() -> None:
    assert normalise("???") != normalise("!!!")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I keep checking my statements but nothing shows up", "i keep cheking my statements but nothing shows up"),
        ("Why did my transfer get declined?", "Why did my my transfer get declined?"),
        ("If I'm not in the UK, can I still get a card?", "I'm not in the UK, can I still get a card?"),
        ("parcel was due on Monday, nobody rang the bell", "nobody rang the bell, parcel was due on Monday"),
    ],
)
def test_near_duplicates_are_found(first: str, second: str) -> None:
    known = NearDuplicates()
    known.add("something else entirely, about the weather")
    known.add(first)
    found = known.nearest(second)
    assert found is not None and found[0] == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Where do I change my PIN?", "How do I unblock my PIN?"),
        ("I want to cancel my order", "I want to change my address"),
        ("My refund has not shown up yet", "My parcel has not shown up yet"),
        ("the kettle arrived broken", "the kettle has not arrived"),
        ("Can I use cash to top up my account?", "What currencies can I use to top up my account?"),
    ],
)
def test_alike_but_different_messages_are_kept(first: str, second: str) -> None:
    known = NearDuplicates()
    known.add(first)
    assert known.nearest(second) is None


@given(st.lists(st.text(min_size=1, max_size=60), max_size=20))
def test_groups_are_a_partition(texts: list[str]) -> None:
    found = groups(texts)
    assert sorted(index for group in found for index in group) == list(range(len(texts)))


@given(st.text(min_size=1, max_size=200))
def test_every_text_is_its_own_duplicate(text: str) -> None:
    known = NearDuplicates()
    known.add(text)
    assert known.nearest(text) == (0, 1.0)
    assert similarity(shingles(text), shingles(text)) == 1.0


def test_groups_follow_chains() -> None:
    texts = [
        "please cancel order 1111 now",
        "the lamp is cracked",
        "please cancel order 1112 now",
        "please cancel order 1122 now",
    ]
    assert sorted(map(sorted, groups(texts))) == [[0, 2, 3], [1]]
