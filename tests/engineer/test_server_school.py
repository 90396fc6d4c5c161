"""A whole run whose teacher is behind a server: it fails in the middle, and goes on where it stopped."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.engineer import school as schools
from tests.models.http_double import Double, Reply
from tests.models.openai_double import chat, error
from toolkit.errors import ModelError
from toolkit.models.chat import open_chat_model
from toolkit.models.server import ServerSettings
from toolkit.stages.funnel import funnel
from toolkit.types import Request

KEY = "sk-planted-school-0123456789"


class Server:
    """Writes lessons as the school's teacher does; out of order after `answers` of them."""

    def __init__(self, answers: int) -> None:
        self.left = answers
        self.answered: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, method: str, path: str, body: Any) -> Reply:
        with self._lock:
            if not self.left:
                return error(500, f"out of order, {KEY}")
            self.left -= 1
            self.answered[str([body["messages"], body["seed"]])] += 1
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        request = Request(tuple(body["messages"]), schema=schema, sample=body["seed"])
        return Reply(200, chat(schools.lessons(request)))


def test_a_run_survives_its_server_and_asks_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school = schools.build(tmp_path, monkeypatch)
    fast = ServerSettings(patience=0.001, silence=5.0)
    monkeypatch.setattr("toolkit.stages.session.open_chat_model", open_chat_model)
    monkeypatch.setattr("toolkit.stages.session.server_settings", lambda recipe: {"teacher": fast, "engineer": fast})
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = Server(answers=3)
    with Double(server) as double:
        run = school.begin(teacher={"model": f"openai/any@{double.url}/v1"}, engineer={"kind": "fixed"})
        with pytest.raises(ModelError, match="got no answer"):
            run.carry_out()
        kept = run.reader.call_totals("teacher")["calls"]
        assert kept == 3 and run.status == "broken"
        server.left = 10_000
        assert run.carry_out() is not None
    assert run.status == "finished"
    assert set(server.answered.values()) == {1}
    found = funnel(run.reader)
    assert found.answered == server.answered.total() and found.trained == found.unique == 24
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_run_does_not_begin_while_nothing_listens_at_its_servers_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = schools.build(tmp_path, monkeypatch)
    with Double(Server(answers=0)) as double:
        name = f"openai/any@{double.url}/v1"
    with pytest.raises(ModelError, match="no server listens at http://127") as caught:
        school.begin(teacher={"model": name}, engineer={"kind": "fixed"})
    assert "llama_cpp.server" in caught.value.fix
