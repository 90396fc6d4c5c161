from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from making import messages

from toolkit.data.near_duplicates import normalise
from toolkit.data.shared_text import own_text, own_texts, shared

FORM = "this text of nine words stands in every item "


def test_what_a_fifth_and_at_least_eight_share_is_shared() -> None:
    assert shared([frozenset("a")] * 7) == frozenset()
    assert shared([frozenset("a")] * 8) == frozenset("a")
    assert shared([frozenset("a")] * 8 + [frozenset("b")] * 32) == frozenset("b")
    assert shared([frozenset("a")] * 9 + [frozenset("b")] * 32) == frozenset("ab")


def test_ordinary_messages_stay_as_they_are() -> None:
    texts = [text for text, _ in messages()]
    assert own_texts(texts) == texts
    assert own_text("Any Text!", frozenset()) == "Any Text!"


def test_a_shared_beginning_and_end_go_and_the_rest_stays() -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    assert own_texts([*(f"{FORM.upper()}: {word}? {FORM}" for word in words), "x"]) == [*words, "x"]
    assert own_texts([FORM] * 9) == [FORM] * 9, "a text of nothing else stays"


@given(st.lists(st.text("ab ", max_size=40), max_size=30))
def test_nothing_is_added_and_nothing_becomes_empty(texts: list[str]) -> None:
    for text, own in zip(texts, own_texts(texts), strict=True):
        assert set(normalise(own).split()) <= set(normalise(text).split())
        assert own or not text
