from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from made_up import MadeUpRuns
from recorded import Recorder

from toolkit.journal import JournalReader
from tui.feed import Feed, FeedFailed, RunNews, RunsListed, RunSource, RunsSource
from tui.runs import Runs
from tui.state import Limits


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
