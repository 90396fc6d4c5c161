from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import three_rounds

from toolkit.cli.show import print_run, print_runs
from toolkit.journal import Journal, JournalReader
from toolkit.run import Run
from toolkit.run.unread import keep_read, waits_unread, was_read


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[JournalReader]:
    three_rounds(tmp_path / "runs" / "one")
    reader = JournalReader(tmp_path / "runs" / "one")
    yield reader
    reader.close()


def test_a_verdict_waits_until_it_was_read_wherever_its_folder_is_then(finished: JournalReader, tmp_path: Path) -> None:
    assert waits_unread(finished)
    assert Run(finished.folder).line().unread
    before = (finished.folder / "run.db").read_bytes()
    keep_read(finished)
    assert was_read(finished)
    assert not Run(finished.folder).line().unread
    assert (finished.folder / "run.db").read_bytes() == before, "the journal is the worker's alone"
    shutil.copytree(finished.folder, tmp_path / "moved")
    moved = JournalReader(tmp_path / "moved")
    assert not waits_unread(moved)
    moved.close()


def test_another_run_s_verdict_waits_on(finished: JournalReader, tmp_path: Path) -> None:
    keep_read(finished)
    three_rounds(tmp_path / "runs" / "two")
    with Journal(tmp_path / "runs" / "two") as other:
        other.set_meta("created", other.meta("created") + 0.001)
        assert waits_unread(other)


def test_an_exam_that_stayed_sealed_keeps_nobody_waiting(tmp_path: Path) -> None:
    with Journal(tmp_path / "run", {"created": 1.0}) as journal:
        assert not waits_unread(journal)
        journal.set_meta("verdict", {"word": "cannot tell", "sentence": "It stays sealed.", "student": None})
        assert not waits_unread(journal)


def test_where_nothing_can_be_kept_it_is_covered_again(finished: JournalReader, cache: Path) -> None:
    cache.write_text("a file, not a folder", encoding="utf-8")
    keep_read(finished)
    assert waits_unread(finished)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_verdict_that_was_printed_to_a_person_was_read(
    finished: JournalReader, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    with Journal(finished.folder) as journal:
        journal.set_meta("verdict", {**journal.meta("verdict"), "baseline": "few-shot"})
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    print_run(str(finished.folder))
    assert was_read(finished) is terminal


def test_the_list_of_runs_tells_no_unread_verdict(
    finished: JournalReader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(finished.folder.parent))
    print_runs()
    assert "verdict unread" in capsys.readouterr().out
    keep_read(finished)
    print_runs()
    assert "verdict unread" not in capsys.readouterr().out
