from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from toolkit.errors import JournalError
from toolkit.journal import Journal, JournalReader
from toolkit.run import Run
from toolkit.types import Completion, Outcome, Request, Row

REQUEST = Request(({"role": "user", "content": "hello"},))
REPLY = Completion("hi", "stop", 5, 2, backend_id="1", seconds=0.5)


@pytest.fixture
def journal(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Journal(tmp_path / "run") as opened:
        yield opened


def test_a_reader_sees_what_was_written_while_the_writer_is_open(journal: Journal) -> None:
    journal.call(REQUEST, REPLY, role="teacher", model="replay/x", attempt=1)
    reader = JournalReader(journal.folder)
    assert reader.answered(REQUEST.hash) == REPLY
    assert reader.call_totals()["completion_tokens"] == 2


def test_an_answer_is_kept_once(journal: Journal) -> None:
    journal.call(REQUEST, REPLY, role="teacher", model="replay/x")
    journal.call(REQUEST, Completion("other", "stop", 1, 1), role="teacher", model="replay/x")
    assert journal.answered(REQUEST.hash) == REPLY


def test_steps_say_how_long_a_training_still_takes(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the pace of the last ten steps: a pause before them does not count for long."""
    now = 0.0
    monkeypatch.setattr("toolkit.journal.writer.time.time", lambda: now)
    for step in range(2, 42, 2):
        now += 1000.0 if step == 20 else 4.0
        journal.training_step(1, step, steps=51, loss=1.0, lr=0.1, tokens_per_second=9.0)
    left = [step["seconds_left"] for step in journal.training_steps(1)]
    assert left[0] is None
    assert (left[1], left[-1]) == (94.0, 22.0)


def test_a_second_writer_is_refused(journal: Journal) -> None:
    with pytest.raises(JournalError, match="another process"):
        Journal(journal.folder)


def test_a_reader_cannot_write(journal: Journal) -> None:
    reader = JournalReader(journal.folder)
    with pytest.raises(sqlite3.OperationalError):
        reader._db.execute("DELETE FROM events")


def test_rows_are_counted_by_reason_and_written_again_in_place(journal: Journal) -> None:
    journal.row(1, 0, Row("a", "x"))
    journal.row(1, 1, Row("b", "x"), status="rejected", reason="duplicate")
    journal.row(1, 1, Row("b", "x"), status="rejected", reason="duplicate")
    assert journal.row_counts() == {"accepted": 1, "rejected": {"duplicate": 1}}
    assert [row.input for row in journal.accepted_rows(1)] == ["a"]


def test_a_stage_that_a_crash_left_open_ends_with_the_last_sign_of_life(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal._write("INSERT INTO stages (name, round, started) VALUES ('generate', 1, 1000.0)")
    journal._write("INSERT INTO events (at, kind, data) VALUES (1060.0, 'log', '{}')")
    journal.close_open_stages()
    assert journal.stages()[0]["ended"] == 1060.0
    journal.close()


def test_outcomes_are_one_for_each_item(journal: Journal) -> None:
    journal.outcomes_of("round-1", "gate", [Outcome("a", "x", 1.0), Outcome("b", "y", 0.0)])
    journal.outcomes_of("round-1", "gate", [Outcome("a", "z", 0.0)])
    assert [outcome.score for outcome in journal.outcomes("round-1", "gate")] == [1.0, 0.0]


def test_steps_that_come_together_keep_their_own_times(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.journal.writer.time.time", lambda: 100.0)
    figures = {"loss": 1.0, "lr": 0.1, "tokens_per_second": 9.0}
    taken = [{**figures, "step": step, "ago": 0.5 * (3 - step)} for step in (1, 2, 3)]
    journal.steps_of(1, taken, steps=51)
    assert [(one["step"], one["at"]) for one in journal.training_steps(1)] == [(1, 99.0), (2, 99.5), (3, 100.0)]


def test_steps_of_other_students_stand_apart_from_the_rounds(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.journal.writer.time.time", lambda: 100.0)
    figures = {"loss": 1.0, "lr": 0.1, "tokens_per_second": 9.0}
    journal.steps_of(1, [{**figures, "step": 1}], steps=51)
    taken = [{**figures, "step": step, "ago": 4.0 * (3 - step)} for step in (1, 2, 3)]
    journal.steps_of(1, taken, steps=51, student="round-1-seed-1")
    journal.steps_of(1, taken[:1], steps=40, student="round-1-seed-2")  # the times are older than those of the first
    assert [one["step"] for one in journal.training_steps(1)] == [1]
    told = [(one["step"], one["seconds_left"]) for one in journal.further_steps(50.0)]
    assert told == [(1, None), (2, 196), (3, 192)]
    assert journal.further_steps(100.0) == []
    first, second = journal.further_times().values()
    assert (first["student"], first["round"], first["steps"], first["step"]) == ("round-1-seed-1", 1, 51, 3)
    assert (second["student"], second["step"], second["first"]) == ("round-1-seed-2", 1, 92.0)


def test_a_journal_of_before_they_were_kept_is_read_and_written(tmp_path: Path) -> None:
    with Journal(tmp_path) as old:
        old._write("DROP TABLE further_steps")
        old.event("log", text="x")
        reader = JournalReader(tmp_path)
        assert (reader.further_times(), reader.further_steps(0.0)) == ({}, [])
        assert reader.last_activity() > 0
        reader.close()
    with Journal(tmp_path) as journal:
        figures = {"step": 1, "loss": 1.0, "lr": 0.1, "tokens_per_second": 9.0}
        journal.steps_of(1, [figures], steps=2, student="round-1-seed-1")
        assert len(journal.further_steps(0.0)) == 1


def test_a_full_disk_is_said_with_the_way_on(journal: Journal) -> None:
    journal._db.execute("PRAGMA max_page_count = 1")
    many = [Outcome(f"item {index}", "x" * 500, 1.0) for index in range(500)]
    with pytest.raises(JournalError, match="is full; everything up to here is kept") as caught:
        journal.outcomes_of("round-1", "gate", many)
    assert caught.value.fix.endswith("`schoolhouse resume run`")
    assert journal.outcomes("round-1", "gate") == []


def test_a_folder_without_a_journal_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="is not a run"):
        JournalReader(tmp_path)


def test_requests_are_the_same_only_with_the_same_sample() -> None:
    assert REQUEST.hash == Request(({"role": "user", "content": "hello"},)).hash
    assert REQUEST.hash != Request(({"role": "user", "content": "hello"},), sample=1).hash


def test_a_damaged_journal_is_named_and_hides_no_other_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path))
    with Journal(tmp_path / "whole") as journal:
        journal.set_meta("state", "finished")
    for name, content in {"garbage": b"no database" * 400, "empty": b""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.db").write_bytes(content)
        with pytest.raises(JournalError, match=f"run.db of {name} cannot be read"):
            JournalReader(tmp_path / name).meta("state")
    assert {line.name: line.status for line in Run.list()} == {
        "whole": "finished", "garbage": "broken", "empty": "broken"
    }  # fmt: skip
