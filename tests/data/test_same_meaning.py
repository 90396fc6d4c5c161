"""Rows that say the same in other words, with a stand-in for the sentence embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from toolkit.data.checks import RowChecks
from toolkit.data.embeddings import remembering
from toolkit.data.firewall import Firewall
from toolkit.data.same_meaning import SameMeaning
from toolkit.types import Row

TOPICS = ("parcel|package|box", "never came|missing|lost", "kettle|pot", "cracked|broken|split")


class Embedder:
    """One dimension for each topic: synonyms mean the same. Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Any:
        self.asked.append(list(texts))
        found = np.array([[float(bool(re.search(topic, text))) for topic in TOPICS] for text in texts]) + 1e-6
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_row_that_says_the_same_is_turned_away() -> None:
    tested = RowChecks(["a"], Firewall([], [], []), embed=Embedder())
    assert tested.check(Row("my parcel never came", "a")) is None
    tested.remember(Row("my parcel never came", "a"))
    rejection = tested.check(Row("the package got lost", "a"))
    assert rejection is not None
    assert (rejection.reason, rejection.detail) == ("same_meaning", "1.00 to: my parcel never came")
    assert tested.check(Row("where is the parcel now", "a")) is None, "it shares one topic of two"
    assert RowChecks(["a"], Firewall([], [], [])).check(Row("the package got lost", "a")) is None


def test_rows_are_embedded_in_batches_and_only_once() -> None:
    embed = Embedder()
    tested = RowChecks(["a"], Firewall([], [], []), embed=remembering(embed))
    rows = [Row(f"the kettle {number} {chr(97 + number) * 9}", "a") for number in range(20)]
    for row in rows[:10]:
        tested.remember(row)
    tested.expect([row.input for row in rows[10:]])
    for row in rows[10:]:
        tested.check(row)
        tested.remember(row)
    assert embed.asked == [[row.input for row in rows]]


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
def test_the_first_of_equally_near_texts_is_named(count: int) -> None:
    known = SameMeaning(Embedder())
    for number in range(count):
        known.add(f"kettle {number}")
    known.add("a box")
    known.add("the package")
    found = known.nearest("my parcel")
    assert found is not None
    assert found[0] == count
    assert known.nearest("nothing of all this") is None


def test_an_embedder_forgets_only_what_it_was_not_asked_for_lately() -> None:
    embed = Embedder()
    known = remembering(embed, most=4)
    for number in range(12):
        texts = ["box", f"kettle {number}"]
        assert np.allclose(known(texts), Embedder()(texts), atol=1e-6)
    assert sum("box" in asked for asked in embed.asked) == 1
    known(["kettle 0"])
    assert embed.asked[-1] == ["kettle 0"]
