"""The xllamacpp backend against a stand-in for its library, which streams as its README and llama-server's say.

The real library is in the contract test.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.models import made_up_gguf
from toolkit.errors import ModelError, RefusedRequest
from toolkit.models import gguf_engine, llama_native, xllamacpp
from toolkit.models.xllamacpp import XLlamaCppModel
from toolkit.types import Completion, Request

Take = Callable[[dict[str, Any]], bool]


class Stand:
    """What the library was told and asked. `reply` is called with each question and its callback."""

    def __init__(self) -> None:
        self.params = SimpleNamespace(
            model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace()
        )
        self.asked: list[dict[str, Any]] = []
        self.alive = 0
        self.reply: Callable[[dict[str, Any], Take], None] = say
        stand = self

        class Server:
            def __init__(self, params: Any) -> None:
                if "broken" in params.model.path:
                    raise RuntimeError("Failed to init server, please check the input params.")
                stand.alive += 1

            def __del__(self) -> None:
                stand.alive -= 1

            def handle_chat_completions(self, body: dict[str, Any], take: Take) -> None:
                stand.asked.append(body)
                stand.reply(body, take)

        self.Server = Server

    def CommonParams(self) -> Any:
        return self.params

    def json_schema_to_grammar(self, schema: dict[str, Any]) -> str:
        return json.dumps(schema)


def say(body: dict[str, Any], take: Take) -> None:
    """A short answer in two pieces, then the usage."""
    for piece in ("an ", "answer"):
        if take({"choices": [{"delta": {"content": piece}, "finish_reason": None}]}):
            return
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    take({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    take({"choices": [], "usage": usage})


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    found = Stand()
    monkeypatch.setitem(sys.modules, "xllamacpp", found)  # type: ignore[arg-type]
    return found


@pytest.fixture
def model(stand: Stand, tmp_path: Path) -> XLlamaCppModel:
    return XLlamaCppModel(made_up_gguf.model(tmp_path / "made-up.gguf", size=0), context=2048)


def questions(count: int) -> list[Request]:
    return [Request(({"role": "user", "content": f"question {number}"},), max_tokens=7) for number in range(count)]


def test_text_reason_and_usage_are_read_off_the_stream(model: XLlamaCppModel) -> None:
    [(_, found)] = model.complete(questions(1))
    assert found == Completion("an answer", "stop", 9, 2, 4, "xllamacpp/made-up", found.seconds)
    assert model.info().backend == "llama_cpp" and model.info().vocabulary == 5000 and model.info().chat_template


def test_the_listener_is_locked_and_memory_bounded(stand: Stand, model: XLlamaCppModel) -> None:
    params = stand.params
    assert params.hostnames == ["127.0.0.1"] and len(params.api_keys[0]) >= 32 and params.cors_origins == ""
    assert (params.n_ctx, params.n_parallel) == (8192, 4)
    assert params.cache_ram_mib == 0 and params.n_ctx_checkpoints <= 2


@pytest.mark.parametrize(("context", "slots"), [(512, 4), (4096, 2), (8192, 1), (30_000, 1)])
def test_a_longer_context_leaves_fewer_slots(stand: Stand, tmp_path: Path, context: int, slots: int) -> None:
    XLlamaCppModel(made_up_gguf.model(tmp_path / "a.gguf", size=0), context=context)
    assert (stand.params.n_ctx, stand.params.n_parallel) == (context * slots, slots)


def test_each_slot_has_one_question_at_a_time_and_all_are_answered(stand: Stand, model: XLlamaCppModel) -> None:
    busy: set[int] = set()
    together = threading.Barrier(4, timeout=10)

    def reply(body: dict[str, Any], take: Take) -> None:
        slot = body["id_slot"]
        assert slot not in busy
        busy.add(slot)
        together.wait()  # passes only when all four slots are at work
        busy.discard(slot)
        say(body, take)

    stand.reply = reply
    asked = questions(12)
    assert sorted(request.hash for request, _ in model.complete(asked)) == sorted(request.hash for request in asked)


def test_a_schema_is_sent_without_room_for_white_space(stand: Stand, model: XLlamaCppModel) -> None:
    request = replace(questions(1)[0], schema={"type": "object"})
    list(model.complete([request]))
    schema = json.loads(stand.asked[0]["grammar"])
    assert schema["type"] == "object" and schema["x-guidance"]["whitespace_flexible"] is False
    assert request.schema == {"type": "object"}


def test_objects_have_the_keys_that_the_schema_names_and_no_others(stand: Stand, model: XLlamaCppModel) -> None:
    inner = {"type": "object", "properties": {"properties": {"type": "string"}}}
    free = {"type": "object", "properties": {}, "additionalProperties": {"type": "number"}}
    schema = {"type": "array", "items": {"anyOf": [inner, free, {"type": "object"}]}}
    list(model.complete([replace(questions(1)[0], schema=schema)]))
    sent = json.loads(stand.asked[0]["grammar"])["items"]["anyOf"]
    assert sent == [inner | {"additionalProperties": False}, free, {"type": "object"}]


@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_a_question_that_the_library_refuses_is_refused(
    stand: Stand, model: XLlamaCppModel, kind: type[Exception]
) -> None:
    def reply(body: dict[str, Any], take: Take) -> None:
        raise kind("unable to parse")

    stand.reply = reply
    with pytest.raises(RefusedRequest, match="with its JSON schema: unable to parse"):
        list(model.complete([replace(questions(1)[0], schema={"type": "nonsense"})]))


def test_forgetting_lets_each_slot_begin_anew_once(stand: Stand, model: XLlamaCppModel) -> None:
    list(model.complete(questions(1)))
    model.forget()
    for _ in range(2):
        list(model.complete(questions(1)))
    assert [body["cache_prompt"] for body in stand.asked] == [True, False, True]


def test_a_prompt_that_is_too_long_costs_no_other_its_answer(stand: Stand, model: XLlamaCppModel) -> None:
    error = {"code": 400, "type": "exceed_context_size_error", "message": "too long", "n_prompt_tokens": 3000}

    def reply(body: dict[str, Any], take: Take) -> None:
        if body["messages"][0]["content"].endswith(" 1"):
            take({"error": error})
        else:
            say(body, take)

    stand.reply = reply
    asked = questions(9)
    found = {request.hash: completion for request, completion in model.complete(asked)}
    assert [found[request.hash].finish_reason for request in asked] == ["stop", "context", *["stop"] * 7]
    assert found[asked[1].hash].prompt_tokens == 3000


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"code": 400, "message": "bad grammar"}}, RefusedRequest),
        ({"error": {"code": 500, "message": "out of memory"}}, ModelError),
        ({"code": 500, "type": "server_error", "message": "odd"}, ModelError),
        ({"error": "plain words"}, ModelError),
    ],
)
def test_errors_of_the_engine_are_ours(
    stand: Stand, model: XLlamaCppModel, error: dict[str, Any], kind: type[ModelError]
) -> None:
    stand.reply = lambda body, take: (take(error), None)[1]
    with pytest.raises(ModelError) as caught:
        list(model.complete(questions(3)))
    assert type(caught.value) is kind and caught.value.fix


def test_after_an_error_what_is_under_way_is_still_answered(stand: Stand, model: XLlamaCppModel) -> None:
    failed = threading.Event()

    def reply(body: dict[str, Any], take: Take) -> None:
        if body["messages"][0]["content"].endswith(" 0"):
            take({"error": {"code": 500, "message": "no"}})
            failed.set()
        else:
            failed.wait(10)
            time.sleep(0.05)
            say(body, take)

    stand.reply = reply
    answered = []
    with pytest.raises(ModelError):
        for request, _ in model.complete(questions(40)):
            answered.append(request.hash)
    assert len(answered) == len(stand.asked) - 1 < xllamacpp.SLOTS


def test_leaving_early_stops_what_is_under_way(stand: Stand, model: XLlamaCppModel) -> None:
    stopped = []

    def reply(body: dict[str, Any], take: Take) -> None:
        if body["messages"][0]["content"].endswith(" 0"):
            say(body, take)
            return
        while not take({"choices": [{"delta": {"content": "more "}}]}):
            threading.Event().wait(0.001)
        stopped.append(body["id_slot"])

    stand.reply = reply
    answers = model.complete(questions(8))
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert len(stopped) == len(stand.asked) - 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("slot-")]


def test_closing_frees_the_engine_and_twice_is_no_matter(stand: Stand, model: XLlamaCppModel) -> None:
    list(model.complete(questions(5)))
    assert stand.alive == 1
    model.close()
    model.close()
    assert stand.alive == 0
    with pytest.raises(ModelError, match="closed"):
        list(model.complete(questions(1)))


def test_weights_that_cannot_be_loaded_name_the_file(stand: Stand, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot load .*broken\.gguf"):
        XLlamaCppModel(made_up_gguf.model(tmp_path / "broken.gguf", size=0))


def test_a_model_without_chat_template_is_not_asked(stand: Stand, tmp_path: Path) -> None:
    path = made_up_gguf.write(tmp_path / "base.gguf", {"general.architecture": "llama"}, {})
    with pytest.raises(ModelError, match="no chat template"):
        list(XLlamaCppModel(path).complete(questions(1)))


# -- which library -------------------------------------------------------------------------------


def test_without_llama_cpp_python_the_other_library_answers(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    assert gguf_engine.engine() == "xllamacpp"
    model = gguf_engine.open_model(str(made_up_gguf.model(tmp_path / "a.gguf", size=0)))
    assert isinstance(model, XLlamaCppModel)


def test_without_either_both_reasons_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelError, match=r"(?s)xllamacpp cannot be used.*llama-cpp-python cannot be used") as caught:
        gguf_engine.engine()
    assert caught.value.fix == "pip install xllamacpp"


def test_where_llama_cpp_python_works_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_native, "library", lambda: object())
    monkeypatch.setattr(xllamacpp, "library", lambda: pytest.fail("the other one was loaded"))
    assert gguf_engine.engine() == "llama-cpp-python"


def test_what_needs_llama_cpp_python_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(ModelError, match="an export to gguf needs llama-cpp-python") as caught:
        llama_native.require("an export to gguf")
    assert "pip install llama-cpp-python" in caught.value.fix and "build-essential" in caught.value.fix
