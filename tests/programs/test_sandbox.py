from __future__ import annotations

import time

import pytest

from toolkit.programs import library
from toolkit.programs.sandbox import Limits, run_program

QUICK = Limits(memory_bytes=50_000_000, seconds=1.0)


def run(source: str, **functions: object) -> tuple[str | None, str]:
    ending = run_program(source, functions, {"task": {"labels": {"a": ""}}}, seed=1, limits=QUICK)  # type: ignore[arg-type]
    return ending.error_class, ending.error


def test_a_program_reaches_the_host_through_the_prelude() -> None:
    asked: list[str] = []

    def host_ask(prompts: list[str], options: dict[str, object]) -> list[dict[str, object]]:
        asked.extend(prompts)
        return [{"id": "1", "text": "hello", "data": None} for _ in prompts]

    assert run("assert ask('say hello').text == 'hello'", host_ask=host_ask) == (None, "")
    assert asked == ["say hello"]


def test_an_exception_comes_back_with_its_line() -> None:
    kind, error = run("x = 1\nraise ValueError('no')")
    assert kind == "code runtime error"
    assert "line 2" in error
    assert "ValueError: no" in error


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("while True: pass", "execution timeout"),
        ("x = [0] * 10**10", "code runtime error"),
        ("def f(): return f()\nf()", "code runtime error"),
        ("open('/etc/passwd').read()", "code runtime error"),
        ("import subprocess", "code runtime error"),
        ("import socket", "code runtime error"),
        ("import os\nos.listdir('/')", "code runtime error"),
        ("().__class__.__mro__[1].__subclasses__()", "code runtime error"),
        ("this is not python", "code runtime error"),
    ],
)
def test_a_hostile_program_ends_in_a_verdict(source: str, kind: str) -> None:
    before = time.monotonic()
    assert run(source)[0] == kind
    assert time.monotonic() - before < QUICK.seconds + 2


def test_random_is_the_same_in_every_run_of_an_attempt() -> None:
    seen: list[str] = []
    for _ in range(2):
        assert run("log(random.random())", host_log=seen.append) == (None, "")
    assert seen[0] == seen[1]


def test_every_library_program_starts() -> None:
    assert "label_messages" in library.names()
    for name in library.names():
        compile(library.source(name), name, "exec")
