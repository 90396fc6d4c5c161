"""Retries, and how many questions are under way: without any server."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from toolkit.errors import ModelError, Paused
from toolkit.models.flight import Flight, Limit
from toolkit.models.retry import RULES, Kind, Policy, Transient, Unanswered
from toolkit.types import Completion, Request

REQUESTS = [Request(({"role": "user", "content": str(number)},)) for number in range(60)]


def reply(request: Request) -> Completion:
    return Completion(request.messages[0]["content"], "stop", 1, 1)


@pytest.mark.parametrize("kind", list(RULES))
def test_each_kind_of_failure_has_its_number_of_tries(kind: Kind) -> None:
    tries = 0

    def send() -> None:
        nonlocal tries
        tries += 1
        raise Transient(kind)

    with pytest.raises(Transient):
        Policy(patience=0.0001).carry_out(send)
    assert tries == RULES[kind].tries


def test_other_errors_are_not_tried_again() -> None:
    tries = 0

    def send() -> None:
        nonlocal tries
        tries += 1
        raise ModelError("no such model")

    with pytest.raises(ModelError):
        Policy().carry_out(send)
    assert tries == 1


def test_retries_write_nothing_to_the_screen(capfd: pytest.CaptureFixture[str]) -> None:
    left = [Transient("reset"), Transient("busy", wait=0.01)]

    def send() -> str:
        if left:
            raise left.pop()
        return "yes"

    assert Policy(patience=0.01).carry_out(send) == "yes"
    assert capfd.readouterr() == ("", "")


def test_one_in_twenty_refused_does_not_slow_a_server_down() -> None:
    limit = Limit(8, 16)
    for number in range(400):
        limit.refused() if number % 20 == 7 else limit.answered()
    assert limit.value == 16


def test_overload_halves_and_recovery_is_by_one() -> None:
    limit = Limit(8, 16)
    for _ in range(8):
        limit.refused()
    assert limit.value == 4
    for _ in range(4):
        limit.answered()
    assert limit.value == 5
    for _ in range(1000):
        limit.refused()
    assert limit.value == 1


def test_every_request_is_answered_once_whatever_the_order() -> None:
    first_try = {request.hash for request in REQUESTS[::7]}
    lock = threading.Lock()

    def send(request: Request) -> Completion:
        with lock:
            fails = request.hash in first_try
            first_try.discard(request.hash)
        if fails:
            raise Transient("unavailable")
        time.sleep(0.001 * (int(request.messages[0]["content"]) % 3))
        return reply(request)

    flight = Flight("openai/x", first=4, most=8, patience=0.001)
    found = list(flight.answers(REQUESTS, send))
    flight.close()
    assert Counter(request.hash for request, _ in found) == Counter(request.hash for request in REQUESTS)
    assert all(completion == reply(request) for request, completion in found)


def test_what_fails_for_good_is_raised_after_the_others() -> None:
    def send(request: Request) -> Completion:
        if request is REQUESTS[3]:
            raise ModelError("refused")
        time.sleep(0.002)
        return reply(request)

    flight = Flight("openai/x", first=8, most=8)
    found = []
    with pytest.raises(ModelError, match="refused"):
        for request, _ in flight.answers(REQUESTS[:8], send):
            found.append(request)
    assert len(found) == 7
    flight.close()


def test_who_waits_for_a_server_that_sleeps_can_leave() -> None:
    asleep, glances = threading.Event(), 0

    def send(request: Request) -> Completion:
        asleep.wait(20)
        return reply(request)

    def glance() -> None:
        nonlocal glances
        glances += 1
        if glances == 2:
            raise Paused("paused")

    flight = Flight("openai/x", first=4, most=8)
    flight.glance = glance
    begun = time.monotonic()
    with pytest.raises(Paused):
        list(flight.answers(REQUESTS, send))
    flight.close()
    assert time.monotonic() - begun < 5
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("teacher-")]
    assert workers and all(worker.daemon for worker in workers), "the process must be able to end"
    asleep.set()
    for worker in workers:
        worker.join(5)
        assert not worker.is_alive()


def test_a_long_wait_ends_when_nobody_wants_the_answer() -> None:
    def send() -> None:
        raise Transient("busy", wait=300)

    policy = Policy()
    threading.Timer(0.1, policy.stopped.set).start()
    begun = time.monotonic()
    with pytest.raises(Transient):
        policy.carry_out(send)
    assert time.monotonic() - begun < 5


def test_a_hopeless_server_is_not_asked_everything() -> None:
    asked = Counter[str]()

    def send(request: Request) -> Completion:
        asked[request.messages[0]["content"]] += 1
        raise Transient("garbage")

    flight = Flight("openai/x", first=2, most=2, patience=0.001)
    with pytest.raises(Unanswered, match=r"60 of 60 .*not asked any more"):
        list(flight.answers(REQUESTS, send))
    assert len(asked) < 10
    flight.close()
