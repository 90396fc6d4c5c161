"""The openai backend against a real HTTP server: dialects, refusals, waits, keys."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.models.http_double import Double, Reply
from tests.models.openai_double import Manners, chat, error, serve, well_behaved
from toolkit.errors import ModelError, Paused
from toolkit.journal import Journal
from toolkit.models.chat import ChatModel, open_chat_model, split_name
from toolkit.models.journaled import JournaledModel
from toolkit.models.reading import read
from toolkit.models.retry import Unanswered
from toolkit.models.server import ServerSettings
from toolkit.types import Completion, Request

SCHEMA = {"type": "object", "properties": {"words": {"type": "array"}}, "required": ["words"]}
FAST = ServerSettings(patience=0.001, silence=2.0)
PLANTED = "sk-planted-0123456789abcdef"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def ask(text: str = "Say a word.", **options: Any) -> Request:
    return replace(Request(({"role": "user", "content": text},)), **options)


def opened(double: Double, settings: ServerSettings = FAST) -> ChatModel:
    return open_chat_model(f"openai/any@{double.url}/v1", server=settings)


def answers(double: Double, *requests: Request, settings: ServerSettings = FAST) -> list[Completion]:
    model = opened(double, settings)
    try:
        found = {request.hash: completion for request, completion in model.complete(requests)}
    finally:
        model.close()
    return [found[request.hash] for request in requests]


def in_turn(*replies: Reply) -> Double:
    """Gives the replies out one after the other, the last one for ever."""
    left = list(replies)
    return Double(lambda *_: left.pop(0) if len(left) > 1 else left[0])


@pytest.fixture
def good() -> Iterator[Double]:
    with serve() as double:
        yield double


def test_an_answer_has_its_text_tokens_and_backend(good: Double) -> None:
    [completion] = answers(good, ask())
    assert completion.text.startswith("answer ") and completion.finish_reason == "stop"
    assert (completion.prompt_tokens, completion.completion_tokens) == (12, 2)
    assert completion.backend_id == f"openai/any@{good.url}/v1"


def test_equal_requests_send_equal_seeds_and_other_samples_do_not(good: Double) -> None:
    answers(good, ask(), ask(sample=1))
    answers(good, ask())
    seeds = [body["seed"] for body in good.bodies]
    assert seeds.count(int(ask().hash[:8], 16) & 0x7FFFFFFF) == 2 and len(set(seeds)) == 2


def test_the_length_parameter_is_spelled_as_the_server_wants_and_remembered() -> None:
    with serve(well_behaved(Manners(new_length=True, fixed_temperature=True))) as double:
        answers(double, ask(max_tokens=77))
        tries = len(double.bodies)
        answers(double, ask("Another."))
        assert double.bodies[tries - 1]["max_completion_tokens"] == 77
        assert tries == 3  # max_tokens, then temperature, then right
        assert len(double.bodies) == tries + 1  # the next model knows it from the start


@pytest.mark.parametrize(
    ("formats", "kinds"),
    [
        (("json_schema",), ["json_schema"]),
        (("json_object",), ["json_schema", "json_object"]),
        ((), ["json_schema", "json_object", "json_object", None]),
    ],
)
def test_the_response_format_is_stepped_down(formats: tuple[str, ...], kinds: list[str | None]) -> None:
    with serve(well_behaved(Manners(formats=formats))) as double:
        request = ask("Two words as JSON.", schema=SCHEMA)
        [completion] = answers(double, request)
        assert read(request, completion).data["words"]
        assert [body.get("response_format", {}).get("type") for body in double.bodies] == kinds
        if kinds[-1] != "json_schema":
            assert json.dumps(SCHEMA) in double.bodies[-1]["messages"][-1]["content"]


@pytest.mark.parametrize("schema", [SCHEMA, {"enum": ["calm", "angry"]}, {"type": "array"}])
def test_llama_cpp_pythons_json_mode_is_given_the_schema(schema: dict[str, Any]) -> None:
    # it knows text and json_object, and its JSON mode holds to a schema of any kind
    with serve(well_behaved(Manners(pydantic=True))) as double:
        answers(double, ask("Two words as JSON.", schema=schema))
        assert len(double.bodies) == 2  # its 500 is a refusal to learn from, not an error to wait for
        assert double.bodies[-1]["response_format"] == {"type": "json_object", "schema": schema}


def test_a_refused_list_schema_does_not_spoil_objects() -> None:
    def answer(method: str, path: str, body: Any) -> Reply:
        wanted = body.get("response_format", {})
        if wanted.get("type") == "json_schema" and wanted["json_schema"]["schema"]["type"] != "object":
            # platform.openai.com/docs/guides/structured-outputs: the root must be an object
            return error(400, "Invalid schema for response_format 'answer': schema must be a JSON Schema of 'object'")
        return Reply(200, chat("[1]"))

    with Double(answer) as double:
        answers(double, ask(schema={"type": "array"}), settings=replace(FAST, parallel=1))
        assert "response_format" not in double.bodies[-1]
        answers(double, ask(schema=SCHEMA))
        assert double.bodies[-1]["response_format"]["type"] == "json_schema"


def test_429_waits_as_long_as_it_says() -> None:
    with in_turn(error(429, "slow down", **{"retry-after": "0.3"}), Reply(200, chat("yes"))) as double:
        begun = time.monotonic()
        [completion] = answers(double, ask(), settings=ServerSettings(patience=1.0))
        assert completion.text == "yes" and time.monotonic() - begun >= 0.3


@pytest.mark.parametrize(
    "reply",
    [
        error(500, "oops"),
        Reply(reset=True),
        Reply(200, raw=b"<html>"),
        error(503, "busy"),
        Reply(200, chat("half of a", "error")),
    ],
)
def test_what_may_pass_is_asked_again(reply: Reply) -> None:
    with in_turn(reply, reply, Reply(200, chat("yes"))) as double:
        assert answers(double, ask())[0].text == "yes"
        assert double.asked.total() == 3


def test_a_server_that_is_down_is_an_error_that_keeps_the_rest() -> None:
    double = serve()
    double.close()
    with pytest.raises(Unanswered, match=r"1 of 1 questions .*could not be reached") as caught:
        answers(double, ask())
    assert "resume" in caught.value.fix


def test_what_is_answered_comes_before_the_error() -> None:
    def answer(method: str, path: str, body: Any) -> Reply:
        return error(500, "x") if "3" in str(body["messages"]) else Reply(200, chat("a"))

    found = []
    with Double(answer) as double:
        model = opened(double)
        with pytest.raises(Unanswered, match="1 of 6"):
            for request, _ in model.complete([ask(f"Question {number}") for number in range(6)]):
                found.append(request)
        model.close()
    assert len(found) == 5


def test_a_prompt_over_the_context_is_an_answer_with_a_reason() -> None:
    with serve(well_behaved(Manners(context=10))) as double:
        request = ask("word " * 20)
        [completion] = answers(double, request)
        assert completion.finish_reason == "context" and read(request, completion).problem == "over_context"
        assert double.asked.total() == 1


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (chat("half of a", "length"), "cut_off"),
        (chat("half of a", "model_length"), "cut_off"),
        (chat("half of a", "MAX_TOKENS"), "cut_off"),
        (chat("perhaps all", "recitation"), "unknown_finish"),
        (chat("all of it", ""), ""),
        (chat("all of it", "eos_token"), ""),
        (chat(""), "empty"),
        (chat(None), "empty"),
        (chat(None, refusal="I cannot help with that."), "refused"),
        (chat("", "content_filter"), "refused"),
        (chat("<think>hm, hm</think>"), "thinking_only"),
        (chat("", reasoning_content="hm"), "thinking_only"),
        (chat("<think>never closed"), "thinking_only"),
    ],
)
def test_replies_that_are_none_have_a_reason(reply: dict[str, Any], problem: str) -> None:
    with in_turn(Reply(200, reply)) as double:
        request = ask()
        [completion] = answers(double, request)
        assert read(request, completion).problem == problem
        assert double.asked.total() == 1


def test_thinking_is_kept_and_not_parsed() -> None:
    with in_turn(Reply(200, chat('{"words": []}', reasoning_content='{"words": "no"}'))) as double:
        request = ask(schema=SCHEMA)
        [completion] = answers(double, request)
        assert completion.text.startswith("<think>") and read(request, completion).data == {"words": []}


def test_fewer_questions_are_put_at_once_when_the_server_is_busy() -> None:
    with Double(lambda *_: error(429, "busy")) as busy, pytest.raises(Unanswered):
        model = opened(busy)
        list(model.complete([ask(str(number)) for number in range(20)]))
    assert model._flight.limit.value <= 2  # type: ignore[attr-defined]
    model.close()
    with serve(well_behaved(Manners(wait=0.02))) as double:
        model = opened(double, replace(FAST, parallel=6))
        assert len(list(model.complete([ask(str(number)) for number in range(40)]))) == 40
        model.close()
        assert 4 <= double.most_at_once <= 6


def test_a_server_on_this_machine_is_not_flooded() -> None:
    with serve(well_behaved(Manners(wait=0.02))) as double:
        model = opened(double)
        assert len(list(model.complete([ask(str(number)) for number in range(60)]))) == 60
        model.close()
        assert double.most_at_once <= 8


def test_a_run_can_be_paused_while_a_server_sleeps(tmp_path: Path) -> None:
    begun, calls = time.monotonic(), 0

    def pause() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Paused("paused")

    def answer(method: str, path: str, body: Any) -> Reply:
        return Reply(200, chat("yes"), wait=0.0 if "first" in str(body["messages"]) else 8.0)

    with Double(answer) as double, Journal(tmp_path / "run") as journal:
        teacher = JournaledModel("openai/any", "teacher", journal, lambda: opened(double), pause)
        with pytest.raises(Paused):
            teacher.complete([ask("first"), ask("second")], attempt=1)
        teacher.release()
        assert time.monotonic() - begun < 6 and journal.call_totals()["calls"] == 1


# -- addresses and keys -------------------------------------------------------------------------


def test_the_key_comes_from_the_environment_and_goes_into_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOL_KEY", PLANTED)
    seen: list[str] = []
    with serve() as double:
        model = opened(double, replace(FAST, key_variable="SCHOOL_KEY"))
        seen.append(model._client.headers["authorization"])  # type: ignore[attr-defined]
        model.close()
    assert seen == [f"Bearer {PLANTED}"]


def test_the_usual_key_is_not_sent_in_clear_text_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    model = open_chat_model("openai/any@http://192.0.2.1/v1", server=FAST)
    assert "authorization" not in model._client.headers  # type: ignore[attr-defined]
    model.close()


def test_a_named_variable_that_is_not_set_is_an_error_with_the_command() -> None:
    with pytest.raises(ModelError) as caught:
        open_chat_model("openai/any@http://127.0.0.1:1/v1", server=replace(FAST, key_variable="NOT_SET"))
    assert "export NOT_SET" in caught.value.fix


def test_a_refused_key_is_not_repeated_even_when_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    with in_turn(error(401, f"Incorrect API key provided: {PLANTED}")) as double:
        with pytest.raises(ModelError) as caught:
            answers(double, ask())
        assert PLANTED not in str(caught.value) and "export OPENAI_API_KEY" in caught.value.fix
        assert double.asked.total() == 1


@pytest.mark.parametrize("echo", [r"ab\/cd\u002Bef-0123", r"ab\\/cd+ef-0123", r"\u0061b/cd+ef\u002d0123"])
def test_a_key_that_is_echoed_with_escapes_is_in_no_error(monkeypatch: pytest.MonkeyPatch, echo: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "ab/cd+ef-0123")
    raw = ('{"error": {"message": "Incorrect API key: ' + echo + '"}}').encode()
    with in_turn(Reply(401, raw=raw)) as double, pytest.raises(ModelError, match=r"key: \[key\]") as caught:
        answers(double, ask())
    assert "0123" not in str(caught.value)


def test_an_echoed_key_is_not_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    escaped = "".join(f"\\u{ord(character):04x}" for character in PLANTED)
    raw = json.dumps(chat("your key: X")).replace("X", escaped).encode()
    with in_turn(Reply(200, raw=raw)) as double:
        assert answers(double, ask())[0].text == "your key: [key]"


@pytest.mark.parametrize("name", ["openai/a@http://me:secret@host/v1", "openai/a@http://host/v1?key=secret"])
def test_a_password_in_an_address_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        split_name(name)
    assert "secret" not in str(caught.value)
