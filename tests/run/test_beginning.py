"""A run begins whole, in a folder of its own, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from school import School, build

from toolkit.errors import DataError, JournalError
from toolkit.journal import Journal, JournalReader
from toolkit.journal import writer as journal_writer
from toolkit.run import Run
from toolkit.run import worker as module

NO_ROOM = "PRAGMA max_page_count = 2;"
"""With it SQLite says that the disk is full."""


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path / "runs"))
    return build(tmp_path, monkeypatch)


def test_runs_that_begin_in_the_same_second_have_folders_of_their_own(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.time, "strftime", lambda _: "20260101-120000")
    recipes = [school.recipe(budget={"rows": rows}) for rows in (12, 18, 24)]
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(Run.create, recipes))
    assert len({run.folder for run in runs}) == 3
    for run, recipe in zip(runs, recipes, strict=True):
        assert run.reader.meta("fingerprint") == recipe.fingerprint


def test_a_run_that_cannot_begin_removes_no_folder_of_another(school: School, tmp_path: Path) -> None:
    run = Run.create(school.recipe(), tmp_path / "runs" / "mine")
    with pytest.raises(JournalError, match="mine exists already"):
        Run.create(school.recipe(), run.folder)
    assert run.status == "paused" and (run.folder / "data").is_dir()


def test_a_kill_while_it_begins_leaves_no_run_that_cannot_be_resumed(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each write, what stands under the journal's name knows its recipe."""
    seen: list[bool] = []
    write = Journal._write

    def looked(self: Journal, sql: str, *values: object) -> Any:
        seen.append(bool(JournalReader(self.folder).meta("recipe")))
        return write(self, sql, *values)

    monkeypatch.setattr(Journal, "_write", looked)
    run = Run.create(school.recipe())
    assert all(seen)
    assert run.reader.meta("state") == "new" and run.reader.meta("journal_version") == 1


def test_a_full_disk_leaves_nothing_of_a_run_that_begins(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(journal_writer, "TABLES", NO_ROOM + journal_writer.TABLES)
        with pytest.raises(DataError, match="the disk is full") as caught:
            Run.create(school.recipe())
    assert "SCHOOLHOUSE_RUNS" in caught.value.fix
    assert list((tmp_path / "runs").iterdir()) == []
    assert Run.create(school.recipe()).status == "paused"
