"""Answers are in the journal before anybody sees them, those that came together in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from toolkit.errors import ModelError, Paused
from toolkit.journal import Journal
from toolkit.models.chat import ModelInfo
from toolkit.models.journaled import JournaledModel
from toolkit.types import Completion, Request

REQUESTS = [Request(({"role": "user", "content": str(number)},)) for number in range(6)]


class Burst:
    """Has `ready` answers waiting; fails after `fails_after` of them."""

    def __init__(self, ready: int, fails_after: int = 99) -> None:
        self.ready, self.fails_after, self.asked = ready, fails_after, 0
        self.parting = "it stays in memory"

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        for number, request in enumerate(requests):
            if number == self.fails_after:
                raise ModelError("the server is gone")
            self.asked += 1
            self.ready -= 1
            yield request, Completion("half of a pair: \ud800", "stop", 1, 1)

    def info(self) -> ModelInfo:
        return ModelInfo("burst", "test", 1, 0, False)

    def close(self) -> None:
        return


class Counting(Journal):
    written: list[int]

    def calls_answered(self, answered: Sequence[tuple[Request, Completion]], **more: object) -> None:
        self.written.append(len(answered))
        super().calls_answered(answered, **more)  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Counting]:
    with Counting(tmp_path / "run") as found:
        found.written = []
        yield found


def model_of(journal: Journal, burst: Burst, **more: object) -> JournaledModel:
    return JournaledModel("test/burst", "teacher", journal, lambda: burst, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("ready", "written"), [(0, [1, 1, 1, 1, 1, 1]), (4, [4, 1, 1])])
def test_what_is_there_already_shares_a_transaction(journal: Counting, ready: int, written: list[int]) -> None:
    answers = model_of(journal, Burst(ready)).complete(REQUESTS, attempt=1)
    assert [answer.text for answer in answers] == ["half of a pair: \\ud800"] * 6
    assert journal.written == written


class Slow(Burst):
    """Has one answer at a time, and says a few times a second when there is none."""

    def __init__(self, idle_after: int) -> None:
        super().__init__(ready=0)
        self.idle_after = idle_after

    def watch(self, glance: Callable[[], None]) -> None:
        self.glance = glance

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        for number, answered in enumerate(super().complete(requests), start=1):
            yield answered
            if number == self.idle_after:
                self.glance()


@pytest.mark.parametrize(("seconds", "written"), [(60.0, [2, 4]), (0.0, [1, 1, 1, 1, 1, 1])])
def test_answers_wait_a_moment_for_others_and_no_longer_than_the_model_is_busy(
    journal: Counting, monkeypatch: pytest.MonkeyPatch, seconds: float, written: list[int]
) -> None:
    monkeypatch.setattr("toolkit.models.journaled.TOGETHER_SECONDS", seconds)
    known: list[int] = []
    model = model_of(journal, Slow(idle_after=2), safe_point=lambda: known.append(journal.call_totals()["calls"]))
    assert len(model.complete(REQUESTS, attempt=1)) == 6
    assert journal.written == written
    assert known[-1] == (2 if seconds else 6), "what the model had said was kept before anybody may stop the run"


def test_what_was_answered_before_a_failure_is_kept(journal: Counting) -> None:
    burst = Burst(ready=99, fails_after=3)
    with pytest.raises(ModelError):
        model_of(journal, burst).complete(REQUESTS, attempt=1)
    assert journal.call_totals()["calls"] == 3
    again = Burst(0)
    model_of(journal, again).complete(REQUESTS, attempt=1)
    assert again.asked == 3


def test_a_pause_keeps_what_was_answered(journal: Counting) -> None:
    calls = 0

    def pause() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Paused("paused")

    with pytest.raises(Paused):
        model_of(journal, Burst(0), safe_point=pause).complete(REQUESTS, attempt=1)
    assert journal.call_totals()["calls"] == 2


def test_what_a_model_says_at_parting_is_in_the_log(journal: Counting) -> None:
    model = model_of(journal, Burst(0))
    model.complete(REQUESTS, attempt=1)
    model.release()
    event = journal.last_event("log")
    assert event and event["data"]["text"] == "it stays in memory"
