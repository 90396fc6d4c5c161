"""The ollama backend against a server that behaves as Ollama's documentation says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("ollama", reason="the package `ollama` is not installed: pip install ollama")

from tests.models.http_double import Double, Reply
from tests.models.ollama_double import Ollama
from toolkit.errors import ModelError
from toolkit.models.chat import open_chat_model
from toolkit.models.ollama import OllamaModel
from toolkit.models.ollama_client import Host
from toolkit.models.reading import read
from toolkit.models.retry import Unanswered
from toolkit.models.server import ServerSettings
from toolkit.types import Completion, Request

SCHEMA = {"type": "object", "properties": {"words": {"type": "array"}}, "required": ["words"]}
FAST = ServerSettings(patience=0.001, silence=1.0)
LINES = {"content-type": "application/x-ndjson"}


def ask(text: str = "Say a word.", **options: Any) -> Request:
    return replace(Request(({"role": "user", "content": text},)), **options)


@contextmanager
def opened(state: Ollama, settings: ServerSettings = FAST, context: int = 1024) -> Iterator[tuple[OllamaModel, Double]]:
    with Double(state) as double:
        model = open_chat_model(f"ollama/{state.model}@{double.url}", context=context, server=settings)
        assert isinstance(model, OllamaModel)
        try:
            yield model, double
        finally:
            model.close()


def one(model: OllamaModel, request: Request) -> Completion:
    [(_, completion)] = model.complete([request])
    return completion


def chats(double: Double) -> list[Any]:
    return [body for body in double.bodies if body and body.get("messages")]


def test_an_answer_is_whole_and_counted() -> None:
    with opened(Ollama()) as (model, _):
        completion = one(model, ask())
        assert completion.text.startswith("answer ") and completion.finish_reason == "stop"
        assert completion.prompt_tokens == 10 and completion.completion_tokens == 2
        assert model.info().context == 1024 and model.info().chat_template


def test_the_context_fits_the_longest_prompt_and_never_shrinks() -> None:
    with opened(Ollama()) as (model, double):
        list(model.complete([ask("short"), ask("word " * 600)]))
        one(model, ask("short again"))
        asked = {body["options"]["num_ctx"] for body in chats(double)}
        assert asked == {2048}  # 3,000 bytes at 2.5 a token, and 512 for the answer
        assert double.asked["/api/chat"] == 4  # loaded once


def test_a_prompt_that_the_server_shortens_is_no_answer() -> None:
    with opened(Ollama(shrinks_to=256)) as (model, _):
        request = ask("word " * 400)
        completion = one(model, request)
        assert completion.finish_reason == "context" and completion.text
        assert read(request, completion).problem == "over_context"


def turns(*lengths: int) -> Request:
    """A chat of examples and a question, of so many bytes each."""
    roles = ["system", *["user", "assistant"] * (len(lengths) // 2 - 1), "user"]
    return Request(tuple({"role": role, "content": "word " * (n // 5)} for role, n in zip(roles, lengths, strict=True)))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("lengths", "finish"),
    [
        ((200, 6000, 6000, 4000, 4000, 500), "context"),  # the first example is left out of 4,096 tokens
        ((200, 100, 16000, 100, 100, 500), "context"),
        ((200, 3500, 3500, 3500, 3500, 500), "stop"),  # it may not fit by the estimate, and does
        ((200, 500, 500, 500, 500, 500), "stop"),
        ((200, 13000), "stop"),  # there is nothing to leave out
    ],
)
def test_messages_that_the_server_leaves_out_are_missed(lengths: tuple[int, ...], finish: str) -> None:
    with opened(Ollama()) as (model, _):
        assert one(model, turns(*lengths)).finish_reason == finish


def test_a_prompt_beyond_the_trained_context_is_not_asked() -> None:
    with opened(Ollama()) as (model, double):
        assert one(model, ask("word " * 8000)).finish_reason == "context"
        assert not chats(double)


def test_the_schema_is_sent_and_the_answer_checked_all_the_same() -> None:
    with opened(Ollama(thinks=True, drops_format=True)) as (model, double):
        request = ask(schema=SCHEMA)
        completion = one(model, request)
        assert chats(double)[0]["format"] == SCHEMA
        assert read(request, completion).problem == "no_json" and completion.text.startswith("answer")


@pytest.mark.parametrize(
    ("thinks", "family", "wanted", "schema", "sent"),
    [
        (False, "qwen3", True, None, "absent"),
        (True, "qwen3", None, None, False),
        (True, "qwen3", True, None, True),
        (True, "qwen3", True, SCHEMA, False),
        (True, "gptoss", None, None, "low"),
    ],
)
def test_think_is_sent_as_the_model_takes_it(
    thinks: bool, family: str, wanted: bool | None, schema: Any, sent: Any
) -> None:
    with opened(Ollama(thinks=thinks, family=family), replace(FAST, think=wanted)) as (model, double):
        one(model, ask(schema=schema))
        assert chats(double)[0].get("think", "absent") == sent


def test_thoughts_are_kept_apart() -> None:
    with opened(Ollama(thinks=True), replace(FAST, think=True)) as (model, _):
        request = ask()
        completion = one(model, request)
        assert completion.text.startswith("<think>let me see</think>answer")
        assert read(request, completion).text.startswith("answer")


def test_a_missing_model_names_the_command() -> None:
    with Double(Ollama()) as double, pytest.raises(ModelError) as caught:
        open_chat_model(f"ollama/llama9@{double.url}")
    assert caught.value.fix == "schoolhouse models pull ollama/llama9"


def test_a_server_that_is_down_says_how_to_start_it() -> None:
    double = Double(Ollama())
    double.close()
    with pytest.raises(ModelError) as caught:
        open_chat_model(f"ollama/qwen3:8b@{double.url}", server=FAST)
    assert "ollama serve" in caught.value.fix


def test_a_full_queue_is_waited_for() -> None:
    with opened(Ollama(most=1), replace(FAST, parallel=4, patience=0.02)) as (model, _):
        assert len(list(model.complete([ask(str(number)) for number in range(12)]))) == 12


BUSY = Reply(503, {"error": "server busy, please try again.  maximum pending requests exceeded"})
CRASH = Reply(500, {"error": "llama runner process has terminated: signal: killed"})
MEMORY = Reply(500, {"error": "model requires more system memory (8.4 GiB) than is available (7.7 GiB)"})
LATE = Reply(
    200, pieces=(b'{"message":{"role":"assistant","content":"a"},"done":false}\n', b'{"error":"unexpected EOF"}\n')
)
HALF = Reply(200, pieces=(b'{"message":{"role":"assistant","content":"a"},"done":false}\n',))
HTML = Reply(200, raw=b"<html>gateway</html>")
HANG = Reply(200, wait=1.5, raw=b"")


@pytest.mark.parametrize("reply", [BUSY, CRASH, LATE, HALF, HTML, HANG, Reply(reset=True)])
def test_what_may_pass_is_asked_again(reply: Reply) -> None:
    with opened(Ollama(script=[reply])) as (model, double):
        assert one(model, ask()).text.startswith("answer ")
        assert len(chats(double)) == 2


@pytest.mark.parametrize(
    ("reply", "words"),
    [(CRASH, "the model crashed"), (BUSY, "the server was busy"), (HANG, "no answer came in time")],
)
def test_what_lasts_is_told_apart(reply: Reply, words: str) -> None:
    with opened(Ollama(script=[reply] * 20)) as (model, _), pytest.raises(Unanswered, match=words):
        one(model, ask())


def test_too_little_memory_is_not_tried_again() -> None:
    with opened(Ollama(script=[MEMORY] * 2)) as (model, double):
        with pytest.raises(ModelError, match=r"8\.4 GiB") as caught:
            one(model, ask())
        assert "smaller" in caught.value.fix and len(chats(double)) == 1


def test_a_cold_load_may_take_longer_than_an_answer() -> None:
    with opened(Ollama(load_seconds=1.5)) as (model, double):  # more than the silence that an answer is allowed
        assert one(model, ask()).text
        assert len(chats(double)) == 1


def test_a_model_that_does_not_load_is_an_error_of_its_own() -> None:
    state = Ollama(load_seconds=2.0)
    with (
        opened(state, replace(FAST, silence=0.3)) as (model, _),
        pytest.raises(ModelError, match="did not load") as caught,
    ):
        one(model, ask())
    assert "ollama run" in caught.value.fix


def test_closing_unloads_and_confirms() -> None:
    state = Ollama()
    with opened(state) as (model, double):
        one(model, ask())
        assert state.loaded
        model.close()
        assert not state.loaded
        assert [body for body in double.bodies if body][-1]["keep_alive"] == 0 and double.asked["/api/ps"] >= 2
        assert not model.parting


def test_a_server_that_sleeps_is_left_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.models import ollama_client

    monkeypatch.setattr(ollama_client, "BRIEF_SECONDS", 0.3)
    state = Ollama()
    with opened(state, replace(FAST, silence=20.0)) as (model, _):
        one(model, ask())
        monkeypatch.setattr(Ollama, "_only_load", lambda self, body: Reply(200, {}, wait=8.0))
        begun = time.monotonic()
        model.close()
        assert time.monotonic() - begun < 4 and "ollama stop qwen3:8b" in model.parting


def test_a_model_that_stays_in_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.models import ollama_client

    monkeypatch.setattr(ollama_client, "UNLOAD_SECONDS", 0.2)
    with opened(Ollama(keeps=True)) as (model, _):
        one(model, ask())
        model.close()
        assert "ollama stop qwen3:8b" in model.parting


@pytest.mark.parametrize("text", ["planted/key+123", r"planted\/key\u002B123", r'{"error": "planted\/key+123"}'])
def test_a_key_that_the_recipe_names_is_sent_and_in_no_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LAN_KEY", "planted/key+123")
    script = [Reply(400, {"error": f"bad key {text}"})]
    with opened(Ollama(script=script), replace(FAST, key_variable="LAN_KEY")) as (model, double):
        with pytest.raises(ModelError, match=r"\[key\]") as caught:
            one(model, ask())
        assert {found["authorization"] for found in double.headers} == {"Bearer planted/key+123"}
    assert "planted" not in str(caught.value)


def test_ollamas_own_key_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "planted-key-123")
    with opened(Ollama()) as (model, double):
        one(model, ask())
        assert double.headers and not any("authorization" in found for found in double.headers)
    cloud = Host("gpt-oss", "https://ollama.com", 2.0)
    assert cloud.key and not Host("gpt-oss", "https://notollama.com", 2.0).key
    cloud.close()


def test_a_named_key_that_is_missing_is_said() -> None:
    with Double(Ollama()) as double, pytest.raises(ModelError, match="LAN_KEY") as caught:
        open_chat_model(f"ollama/qwen3:8b@{double.url}", server=replace(FAST, key_variable="LAN_KEY"))
    assert caught.value.fix == "export LAN_KEY=…"


def test_pulling_reports_bytes() -> None:
    with Double(Ollama()) as double:
        seen: list[tuple[int, int]] = []
        host = Host("qwen3:8b", double.url, 2.0)
        host.pull(lambda progress: seen.append((progress.done, progress.total)))
        assert seen == [(10, 100), (60, 100), (100, 100)]
        with pytest.raises(ModelError, match="does not exist"):
            Host("llama9", double.url, 2.0).pull(lambda progress: None)
        assert json.dumps(double.bodies[0]["model"]) == '"qwen3:8b"'
