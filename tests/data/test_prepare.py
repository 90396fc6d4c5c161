from __future__ import annotations

import errno
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import LABELS, messages, recipe_in, write_csv

from toolkit.data import meanings
from toolkit.data.meanings import read_meanings
from toolkit.data.prepare import prepare, prepare_for_work
from toolkit.errors import DataError, JournalError
from toolkit.journal import Journal


def test_a_second_call_needs_no_original_files(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", messages())
    recipe = recipe_in(tmp_path, "data.splits={public: 0.2, gate: 0.2, private: 0.4}")
    first = prepare(recipe, tmp_path / "run")
    (tmp_path / "data.csv").unlink()
    second = prepare(recipe, tmp_path / "run")
    assert (first.public, first.gate, first.extra) == (second.public, second.gate, second.extra)
    assert first.extra and list(first.labels) == list(LABELS)
    assert first.sealed.fingerprints() == second.sealed.fingerprints()
    with Journal(tmp_path / "run") as journal:
        assert len(second.sealed.open_for_exam(journal)) == second.sealed.count >= 10


def test_bad_data_leave_nothing_behind(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", messages()[:3])
    with pytest.raises(DataError):
        prepare(recipe_in(tmp_path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_full_disk_is_a_clear_error_and_the_next_call_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / "data.csv", messages())
    recipe = recipe_in(tmp_path)

    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("toolkit.paths.os.fsync", full)
        with pytest.raises(DataError, match="the disk is full") as caught:
            prepare(recipe, tmp_path / "run")
    assert "SCHOOLHOUSE_RUNS" in caught.value.fix
    assert len(prepare(recipe, tmp_path / "run").public) == 18


def test_other_labels_are_not_mixed_into_a_run(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", messages())
    prepare(recipe_in(tmp_path), tmp_path / "run")
    with pytest.raises(JournalError, match="other labels"):
        prepare(recipe_in(tmp_path, "data.labels=2"), tmp_path / "run")


def test_damage_is_noticed(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", messages())
    recipe = recipe_in(tmp_path)
    prepare(recipe, tmp_path / "run")
    (tmp_path / "run" / "data" / "gate.jsonl").write_text('{"id": ')
    with pytest.raises(JournalError, match="damaged"):
        prepare(recipe, tmp_path / "run")


def embed(texts: Sequence[str]) -> Any:
    """Texts about pools mean the same, all others something of their own."""
    return np.array([[1.0, 0.0] if "pool" in text else [0.0, 1.0] for text in texts])


def test_what_items_mean_is_found_by_the_process_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_csv(tmp_path / "data.csv", [*messages(), ("a pool of water came in the parcel", LABELS[0])])
    write_csv(tmp_path / "pool.csv", [("is the pool open on Easter Monday",), ("a bench for four",)], header=("text",))
    recipe = recipe_in(tmp_path, "data.seeds=pool.csv")
    opened: list[int] = []
    monkeypatch.setattr(meanings, "open_embedder", lambda: opened.append(1) or embed)
    assert len(prepare(recipe, tmp_path / "run").seeds) == 2
    assert not opened and read_meanings(tmp_path / "run" / "data") is None
    found = prepare_for_work(recipe, tmp_path / "run")
    known = json.loads((tmp_path / "run" / "data" / meanings.FILE).read_text())
    assert len(known["keys"]) == len(known["vectors"]) == len(found.public) + len(found.gate) + found.sealed.count
    assert found.seeds == [] and found.dropped["seed too close to an evaluation item"] == 2
    asked, again = len(opened), prepare_for_work(recipe, tmp_path / "run")
    assert (again.dropped, len(opened)) == (found.dropped, asked), "once is enough"


def test_seeds_are_kept_without_those_that_are_close_to_an_item(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", messages())
    close = [("Opened the box:   LAMP in pieces",), ("you owe me for the rug I posted back!",)]
    fresh = [("is the pool open on Easter Monday",), ("Is the pool open on Easter Monday?",), ("a bench for four",)]
    write_csv(tmp_path / "pool.csv", [*close, *fresh], header=("text",))
    recipe = recipe_in(tmp_path, "data.seeds=pool.csv")
    first = prepare(recipe, tmp_path / "run")
    (tmp_path / "pool.csv").unlink()
    second = prepare(recipe, tmp_path / "run")
    assert first.seeds == second.seeds == ["is the pool open on Easter Monday", "a bench for four"]
    assert second.dropped["seed too close to an evaluation item"] == 2
    assert second.dropped["near-duplicate of a seed"] == 1
    (tmp_path / "run" / "data" / "seeds.json").unlink()
    assert prepare(recipe, tmp_path / "run").seeds == [], "run folders of earlier versions have none"
