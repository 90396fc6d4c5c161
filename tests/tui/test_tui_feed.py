from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from made_up import MadeUpRuns
from recorded import Recorder

from toolkit.journal import Journal, JournalReader
from tui import feed
from tui.feed import Feed, FeedFailed, RunNews, RunsListed, RunSource, RunsSource
from tui.runs import Runs
from tui.state import Limits, RunView, advance


@pytest.fixture
def recorder(tmp_path: Path):
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        yield recorder


def test_a_look_gives_only_what_is_new(tmp_path: Path, recorder: Recorder) -> None:
    source = RunSource(MadeUpRuns(tmp_path), recorder.folder)
    first = source.look()
    assert isinstance(first, RunNews)
    assert [event["kind"] for event in first.news.events][:2] == ["run_started", "forecast"]
    assert first.news.limits == Limits(rounds=3, rows=400, teacher_calls=400)
    assert source.look() is None

    recorder.row(1, "where is it", "parcel_late")
    recorder.journal.event("log", text="hello")
    second = source.look()
    assert isinstance(second, RunNews)
    assert [event["data"]["text"] for event in second.news.events] == ["hello"]
    assert [row["input"] for row in second.news.rows] == ["where is it"]
    source.close()


def test_more_events_than_one_read_gives_all_arrive(tmp_path: Path, recorder: Recorder) -> None:
    for number in range(1100):
        recorder.journal.event("log", text=str(number))
    news = RunSource(MadeUpRuns(tmp_path), recorder.folder).look()
    assert isinstance(news, RunNews)
    assert news.news.events[-1]["data"]["text"] == "1099"


def test_opening_a_large_run_reads_its_newest_rows_only(tmp_path: Path, recorder: Recorder) -> None:
    for number in range(320):
        recorder.row(1, f"message {number}", "parcel_late")
    source = RunSource(MadeUpRuns(tmp_path), recorder.folder)
    first = source.look()
    assert isinstance(first, RunNews)
    assert [row["input"] for row in first.news.rows] == [f"message {number}" for number in range(20, 320)]
    assert first.news.counts["accepted"] == 320
    recorder.journal.drop_rows(1, "too_few_rows")
    second = source.look()
    assert isinstance(second, RunNews)
    assert {row["status"] for row in second.news.rows} == {"rejected"}
    view = advance(advance(RunView("x"), first.news), second.news)
    assert not [sample for sample in view.samples if sample.accepted], "rows of a failed attempt are no lessons"
    assert (view.teaching.accepted, view.teaching.rejected) == (0, (("too_few_rows", 320),))
    source.close()


def test_the_replies_of_a_long_run_are_read_look_by_look(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(1200):
        recorder.call(1)
    monkeypatch.setattr(feed, "REPLIES_A_LOOK", 500)
    source = RunSource(MadeUpRuns(tmp_path), recorder.folder)
    found = [source.look() for _ in range(6)]
    answered = [look.news.gained.answered for look in found if isinstance(look, RunNews)]
    assert answered == [500, 1000, 1200] and found[3:] == [None] * 3
    source.close()


def test_a_look_at_a_live_run_reads_no_whole_table(tmp_path: Path, recorder: Recorder) -> None:
    recorder.row(1, "where is it", "parcel_late")
    recorder.call(1)
    source = RunSource(MadeUpRuns(tmp_path), recorder.folder)
    source.look()
    assert source._reader
    recorder.call(1)
    asked: list[str] = []
    source._reader._db.set_trace_callback(asked.append)
    second = source.look()
    source._reader._db.set_trace_callback(None)
    assert isinstance(second, RunNews)
    assert second.news.totals["calls"] == len(recorder.journal.calls())
    steps = {
        step["detail"]: sql
        for sql in asked
        if sql.startswith("SELECT")
        for step in source._reader._db.execute(f"EXPLAIN QUERY PLAN {sql}")
    }
    scans = {detail: sql for detail, sql in steps.items() if detail in ("SCAN rows", "SCAN calls")}
    assert [sql for sql in scans.values() if "ORDER BY rowid DESC LIMIT" not in sql] == []
    source.close()


def test_a_journal_of_an_earlier_version_gets_what_it_lacks(tmp_path: Path, recorder: Recorder) -> None:
    recorder.journal._db.execute("DROP INDEX rows_by_time")
    assert RunSource(MadeUpRuns(tmp_path), recorder.folder).look(), "it can be looked at without"
    recorder.journal.close()
    with Journal(recorder.folder) as journal:
        found = journal._all("SELECT name FROM sqlite_master WHERE name = 'rows_by_time'")
    assert found


def test_a_worker_that_dies_silently_is_noticed(tmp_path: Path, recorder: Recorder) -> None:
    runs = MadeUpRuns(tmp_path)
    source = RunSource(runs, recorder.folder)
    source.look()
    runs.status_now = "broken"
    found = [source.look() for _ in range(6)]
    statuses = [message.news.status for message in found if isinstance(message, RunNews)]
    assert statuses == ["broken"]


def test_the_list_of_runs_is_posted_only_when_it_changed(tmp_path: Path, recorder: Recorder) -> None:
    source = RunsSource(MadeUpRuns(tmp_path))
    assert isinstance(source.look(), RunsListed)
    assert source.look() is None
    with Recorder(tmp_path / "another"):
        assert isinstance(source.look(), RunsListed)


def test_limits_that_cannot_be_read_are_left_open(tmp_path: Path, recorder: Recorder) -> None:
    reader = JournalReader(recorder.folder)
    for text in ("budget: {rounds: none}", "- a list", ": :", ""):
        recorder.journal.set_meta("recipe", text)
        assert Runs().limits(reader).rounds in (0, 3)
    reader.close()


class Receiver:
    message_queue_size = 0

    def __init__(self) -> None:
        self.got: list[object] = []

    def post_message(self, message: object) -> bool:
        self.got.append(message)
        return True


class Failing:
    seconds = 0.01

    def look(self) -> None:
        raise OSError("gone")

    def close(self) -> None: ...


def test_the_thread_reports_a_failed_look_and_lives_on(tmp_path: Path, recorder: Recorder) -> None:
    feed, receiver, stop = Feed(), Receiver(), threading.Event()
    feed.follow(Failing(), receiver)
    thread = threading.Thread(target=feed.work, args=(stop.is_set,))
    thread.start()
    wait_for(lambda: bool(receiver.got))
    assert isinstance(receiver.got[0], FeedFailed)
    after = Receiver()
    feed.follow(RunSource(MadeUpRuns(tmp_path), recorder.folder), after)
    wait_for(lambda: bool(after.got))
    assert isinstance(after.got[0], RunNews)
    stop.set()
    thread.join(timeout=5)
    assert not thread.is_alive()


def wait_for(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
