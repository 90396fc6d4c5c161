"""A server that does everything wrong: no row is lost, invented or counted twice, and no secret gets out."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.models.http_double import Double, Reply
from tests.models.openai_double import chat, error
from tests.programs.hosted import QUICK
from toolkit.data.checks import RowChecks
from toolkit.data.firewall import Firewall
from toolkit.errors import SchoolhouseError
from toolkit.journal import Journal
from toolkit.models.chat import open_chat_model
from toolkit.models.journaled import JournaledModel
from toolkit.models.reading import read
from toolkit.models.server import ServerSettings
from toolkit.programs.host import Allowance, ProgramHost
from toolkit.programs.sandbox import run_program
from toolkit.types import Request

PLANTED = "sk-planted-fedcba9876543210"
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
DEEP = "[" * 10_000 + "]" * 10_000
EVERY = 14
ENDLESS = json.dumps(chat("word " * 2_000_000)).encode()


def right(name: str) -> str:
    return json.dumps({"text": f"where is the parcel {name} now"})


def wrong(kind: int, name: str) -> Reply:
    """One way of going wrong for each number."""
    long = b" " * 10
    ways: list[Reply] = [
        error(429, "slow down", **{"retry-after": "1"}),
        error(503, f"overloaded, your key {PLANTED} is fine"),
        Reply(reset=True),
        Reply(200, pieces=(long, long, json.dumps(chat(right(name))).encode()), pause=0.02),  # slow, but right
        Reply(200, wait=2.0, body=chat(right(name))),  # a hang
        Reply(200, raw=b"<html><body>Bad gateway</body></html>", headers={"content-type": "text/html"}),
        Reply(200, body=chat(right(name)[:-9], "length")),
        Reply(200, body=chat(json.dumps({"message": name}))),
        Reply(200, body=chat('{"text": "one", "text": "two"}')),
        Reply(200, raw=json.dumps(chat('{"text": NaN}')).encode()),
        Reply(200, raw=b'{"choices": ' + DEEP.encode() + b"}") if name[0] in "01234567" else Reply(200, chat(DEEP)),
        Reply(200, raw=b'{"choices":[{"message":{"content":"{\\"text\\": \\"a\\ud800b\\"}"},"finish_reason":"stop"}]}'),
        Reply(200, body=chat('{"text": "nul\\u0000nul"}\x00')),
        Reply(200, raw=ENDLESS),  # 10 MB
    ]
    return ways[kind]


class Chaos:
    """Each question goes wrong in its own way; those from 15 to 29 at every try, the others only at the first."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()

    def __call__(self, method: str, path: str, body: Any) -> Reply:
        name = body["messages"][-1]["content"].split()[-1]
        number = int(name)
        self.tries[name] += 1
        kind = number % (EVERY + 1)
        if kind == EVERY or (number // (EVERY + 1) != 1 and self.tries[name] > 1):
            return Reply(200, chat(right(name)))
        return wrong(kind, f"{number % 10} {name}")


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    return tmp_path


def teacher_of(journal: Journal, url: str) -> JournaledModel:
    name = f"openai/any@{url}/v1"
    settings = ServerSettings(patience=0.002, silence=1.5)
    return JournaledModel(name, "teacher", journal, lambda: open_chat_model(name, server=settings))


def test_every_question_is_accepted_rejected_or_pending_and_no_key_gets_out(
    school: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = [
        Request(({"role": "user", "content": f"Write message {number}"},), schema=SCHEMA, max_tokens=50)
        for number in range(3 * (EVERY + 1))
    ]
    said = ""
    with Double(Chaos()) as double, Journal(school / "run") as journal:
        for _ in range(2):  # resumed once: what is answered is never asked again
            teacher = teacher_of(journal, double.url)
            try:
                teacher.complete(asked, attempt=1)
            except SchoolhouseError as problem:
                said += str(problem)
            teacher.release()
        answered = {request.hash: found for request in asked if (found := journal.answered(request.hash))}
        problems = Counter(
            read(request, answered[request.hash]).problem for request in asked if request.hash in answered
        )
    accepted, rejected = problems.pop("", 0), problems.total()
    pending = len(asked) - len(answered)
    assert accepted + rejected + pending == len(asked)
    assert accepted >= 10 and pending and "got no answer" in said
    assert {"json_cut_off", "wrong_schema", "no_json"} <= problems.keys()
    for request in asked:  # an accepted reply is the server's own, to the letter
        if request.hash in answered and not read(request, answered[request.hash]).problem:
            assert request.messages[0]["content"].split()[-1] in answered[request.hash].text
    no_key_in(school, said, capfd, caplog)


def no_key_in(folder: Path, said: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert (folder / "run" / "run.db") in files
    for path in files:
        assert PLANTED.encode() not in path.read_bytes(), path
    assert PLANTED not in said + "".join(capfd.readouterr()) + caplog.text
    assert PLANTED not in " ".join(psutil.Process().cmdline())


def test_a_program_on_such_a_server_loses_and_invents_nothing(school: Path) -> None:
    program = """
replies = ask_many(["Write message " + str(number) for number in NUMBERS], schema=SCHEMA, max_tokens=50)
rows = [{"input": reply.data["text"], "output": "a", "replies": [reply.id]} for reply in replies if reply.data]
submit(rows)
"""
    numbers = [0, 2, 6, 7, 8, 9, 11, 12, 14, 21, 29, 44]  # those that get an answer of some kind
    text = program.replace("NUMBERS", str(numbers)).replace("SCHEMA", repr(SCHEMA))
    with Double(Chaos()) as double, Journal(school / "run") as journal:
        teacher = teacher_of(journal, double.url)
        host = ProgramHost(
            attempt=1,
            allowance=Allowance(calls=50, rows={"a": 20}, room=20, seconds=600),
            journal=journal,
            teacher=teacher,
            checks=RowChecks(("a", "b"), Firewall([], [], [])),
            temperature=0.8,
            clock=lambda: 0.0,
        )
        inputs = {"task": {"about": "x", "answer": "label", "labels": {}}, "plan": {}, "seeds": []}
        ending = run_program(text, host.functions(), inputs, seed=1, limits=QUICK)
        teacher.release()
        rows = journal.rows()
        assert host.interruption is None and not ending.error_class, (host.interruption, ending.error)
        replies = [call["text"] for call in journal.calls()]
        assert len(replies) == len(numbers)
        assert rows and all(any(json.dumps(row["input"])[1:-1] in reply for reply in replies) for row in rows)
