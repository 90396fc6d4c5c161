from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recorded import SENTENCE, Recorder, three_rounds

from toolkit.journal import JournalReader
from tui.state import News, RunView, Status, advance
from tui.widgets.scores import _named

Row = dict[str, Any]


def read(folder: Path, status: Status, after: int = 0) -> News:
    reader = JournalReader(folder)
    rounds = reader.rounds()
    news = News(
        status=status,
        events=reader.events(after=after),
        stages=reader.stages(),
        rows=reader.rows(),
        counts=reader.row_counts(),
        totals=reader.call_totals(),
        recent_calls=reader.calls(limit=12),
        steps=reader.training_steps(rounds[-1]["number"]) if rounds else [],
        verdict=reader.meta("verdict"),
    )
    reader.close()
    return news


@pytest.fixture
def finished(tmp_path: Path) -> RunView:
    three_rounds(tmp_path / "run")
    return advance(RunView("run"), read(tmp_path / "run", "finished"))


def test_a_finished_run_has_scores_decisions_and_a_verdict(finished: RunView) -> None:
    assert [(point.round, point.score) for point in finished.by_round("gate")] == [(1, 0.552), (2, 0.708), (3, 0.76)]
    assert [point.student for point in finished.baselines("gate")] == ["zero-shot", "few-shot"]
    assert finished.decisions == {1: "accepted", 2: "accepted", 3: "undecided"}
    assert finished.verdict == SENTENCE
    assert finished.progress(0.0) == 1.0
    assert {stage.state for stage in finished.stages} == {"done"}


def test_near_baselines_are_named_once_where_there_is_no_room_for_two(finished: RunView) -> None:
    near = finished.baselines("gate")
    assert [point.student for point in _named(near, 34)] == ["few-shot"]
    assert _named(near, 90) == near
    far = [replace(near[0], score=0.5), near[1]]
    assert _named(far, 34) == far
    assert _named([], 34) == []


def test_the_teacher_s_work_is_counted(finished: RunView) -> None:
    teaching = finished.teaching
    assert teaching.accepted + teaching.rejected_total == 3 * 156
    assert teaching.calls == 78
    assert teaching.tokens_per_second == pytest.approx(118 / 5.1)
    counts = [count for _, count in teaching.rejected]
    assert counts == sorted(counts, reverse=True)


def test_times_go_on_only_while_a_stage_is_live(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        recorder.open_stage("generate", 1)
        began = recorder.clock.now
        running = advance(RunView("run"), read(tmp_path / "run", "running"))
        broken = advance(RunView("run"), read(tmp_path / "run", "broken"))
    assert running.live
    assert running.live.name == "generate"
    assert running.live.seconds(began + 30) == 30
    assert running.elapsed(began + 30) == running.elapsed(began) + 30
    assert broken.live is None
    assert broken.elapsed(began + 30) == broken.elapsed(began)
    assert [stage.state for stage in broken.stages[:4]] == ["done", "done", "stopped", "waiting"]
    assert broken.stages[2].seconds(began + 30) is None


def test_the_share_done_comes_from_the_forecast_and_stays_during_a_pause(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        recorder.forecast(134)
        recorder.open_stage("generate", 1)
        now = recorder.clock.now
        running = advance(RunView("run"), read(tmp_path / "run", "running"))
        paused = advance(RunView("run"), read(tmp_path / "run", "paused"))
    assert running.progress(now) == pytest.approx(66 / 200)
    assert running.seconds_left(now + 1000) == 0
    assert paused.progress(now + 9999) == pytest.approx(66 / 200)
    assert paused.seconds_left(now) is None


def test_a_pause_stops_the_stage_that_its_record_says_has_ended(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        with recorder.journal.stage("train", 1):
            recorder.wait(5)
        paused = advance(RunView("run"), read(tmp_path / "run", "paused"))
    assert {stage.name: stage.state for stage in paused.stages}["train"] == "stopped"


def test_rows_submitted_again_after_a_resume_are_not_shown_twice(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.row(1, "first", "parcel_late")
        recorder.row(1, "second", "parcel_late", "rejected", ("duplicate", "of row 1"))
        view = advance(RunView("run"), read(tmp_path / "run", "running"))
        view = advance(view, read(tmp_path / "run", "running"))
    assert [(sample.input, sample.accepted, sample.reason) for sample in view.samples] == [
        ("first", True, ""),
        ("second", False, "duplicate"),
    ]


def test_hostile_rows_names_and_reasons_are_cleaned(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.row(1, "[bold]x[/] \x1b]0;hi\x07\nعربى", "a\x1b[2Jb", "rejected", ("bad\x07", "\u202eevil"))
        recorder.journal.event("run_started", teacher="t\x1b[31m", student="s")
        view = advance(RunView("run"), read(tmp_path / "run", "running"))
    sample = view.samples[0]
    assert sample.input == "[bold]x[/] ⏎عربى"
    assert (sample.skill, sample.reason, sample.detail) == ("ab", "bad", "evil")
    assert view.teaching.rejected == (("bad", 1),)
    assert view.names["teacher"] == "t"


def test_a_failure_is_forgotten_when_the_run_goes_on(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.journal.event("failed", error="the disk is full", fix="free some space")
        broken = advance(RunView("run"), read(tmp_path / "run", "broken"))
        recorder.journal.event("resumed", teacher="t", student="s")
        again = advance(broken, read(tmp_path / "run", "running", after=1))
    assert broken.failure == ("the disk is full", "free some space")
    assert again.failure is None
    assert [line.tone for line in again.log] == ["bad", "quiet"]


def test_a_split_is_scored_again_the_newest_score_counts(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.score("round-1", "gate", 0.5, 0.4, 0.6, 96)
        recorder.score("round-1", "gate", 0.6, 0.5, 0.7, 96)
        view = advance(RunView("run"), read(tmp_path / "run", "running"))
    assert [point.score for point in view.by_round("gate")] == [0.6]
