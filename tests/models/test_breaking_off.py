"""Answers that nobody waits for any more: dropped here, and broken off at the server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.models.http_double import Double, Reply
from tests.models.ollama_double import Ollama
from toolkit.errors import Paused
from toolkit.models.chat import ChatModel, open_chat_model
from toolkit.models.flight import Flight
from toolkit.models.server import ServerSettings
from toolkit.types import Completion, Request

FAST = ServerSettings(patience=0.001)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))


def ask(text: str) -> Request:
    return Request(({"role": "user", "content": text},), max_tokens=8)


class Sleeper:
    """A server that takes questions, never answers, and counts the clients that hang up."""

    def __init__(self) -> None:
        self.asked = self.left = 0
        self._all_left = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._wait, args=(self._listener.accept()[0],), daemon=True).start()

    def _wait(self, connection: socket.socket) -> None:
        connection.recv(1 << 16)
        with self._all_left:
            self.asked += 1
            self._all_left.notify_all()
        with suppress(OSError):
            while connection.recv(1 << 16):
                pass
        with self._all_left:
            self.left += 1
            self._all_left.notify_all()

    def wait_for(self, *, asked: int = 0, left: int = 0) -> bool:
        with self._all_left:
            return self._all_left.wait_for(lambda: self.asked >= asked and self.left >= left, 10)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def sleeping() -> Iterator[tuple[Sleeper, ChatModel]]:
    server = Sleeper()
    model = open_chat_model(f"openai/any@{server.url}", server=FAST)
    try:
        yield server, model
    finally:
        model.close()
        server.close()


def test_questions_end_with_their_time_also_at_the_server() -> None:
    with sleeping() as (server, model):
        begun = time.monotonic()
        assert list(model.complete([ask(str(number)) for number in range(3)], seconds=0.3)) == []
        assert time.monotonic() - begun < 5
        assert server.asked == 3 and server.wait_for(left=3)


def test_closing_the_iterator_breaks_off_what_is_under_way() -> None:
    with sleeping() as (server, model):

        def leave() -> None:
            if server.asked:
                raise Paused("paused")

        model.watch(leave)  # type: ignore[attr-defined]
        with pytest.raises(Paused):
            list(model.complete([ask("hello")]))
        assert server.wait_for(asked=1, left=1)


def test_a_model_can_be_asked_again_after_that() -> None:
    def answer(method: str, path: str, body: Any) -> Reply:
        text = body["messages"][-1]["content"]
        reply = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
        return Reply(200, reply, wait=20.0 if "slow" in text else 0.0)

    with Double(answer) as double:
        model = open_chat_model(f"openai/any@{double.url}/v1", server=FAST)
        asked = [ask("slow"), *(ask(f"quick {number}") for number in range(5))]
        assert len(list(model.complete(asked, seconds=1.0))) == 5
        begun = time.monotonic()
        again = [ask(f"quick {number}") for number in range(20)]
        assert {answer.text for _, answer in model.complete(again)} == {one.messages[0]["content"] for one in again}
        assert time.monotonic() - begun < 5
        model.close()


def test_ollama_is_not_waited_for_either() -> None:
    ollama = Ollama()

    def answer(method: str, path: str, body: Any) -> Reply:
        reply = ollama(method, path, body)
        asked = path == "/api/chat" and body["messages"]
        return replace(reply, wait=20.0) if asked and "slow" in body["messages"][-1]["content"] else reply

    with Double(answer) as double:
        model = open_chat_model(f"ollama/qwen3:8b@{double.url}", server=FAST)
        begun = time.monotonic()
        assert list(model.complete([ask("slow")], seconds=0.5)) == []
        assert len(list(model.complete([ask("quick")]))) == 1
        assert time.monotonic() - begun < 8
        model.close()


def test_what_waits_for_its_turn_is_forgotten() -> None:
    broken_off, sent = threading.Event(), list[Request]()

    def send(request: Request) -> Completion:
        sent.append(request)
        broken_off.wait(10)
        return Completion("late", "stop", 1, 1)

    flight = Flight("openai/x", first=2, most=2, break_off=broken_off.set)
    asked = [ask(str(number)) for number in range(6)]
    assert list(flight.answers(asked, send, seconds=0.2)) == []
    assert broken_off.is_set()
    again = ask("again")
    assert [request for request, _ in flight.answers([again], send)] == [again]
    assert len(sent) == 3, "only those under way were sent, and the new one"
    flight.close()


def test_nothing_is_broken_off_when_all_is_answered() -> None:
    broken_off = threading.Event()
    flight = Flight("openai/x", first=2, most=2, break_off=broken_off.set)
    asked = [ask(str(number)) for number in range(6)]
    assert len(list(flight.answers(asked, lambda _: Completion("yes", "stop", 1, 1)))) == 6
    assert not broken_off.is_set()
    flight.close()
