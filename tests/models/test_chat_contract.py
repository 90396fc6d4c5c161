"""What every chat model keeps to, over every implementation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tests.models import openai_double
from tests.models.http_double import Double
from tests.models.ollama_double import Ollama
from toolkit.errors import ModelError, ReplayMiss
from toolkit.journal import Journal
from toolkit.models import llama_cpp, xllamacpp
from toolkit.models.chat import BACKENDS, ChatModel, ModelInfo, open_chat_model
from toolkit.models.reading import read
from toolkit.models.replay import record
from toolkit.models.weights import weights_path
from toolkit.types import Completion, Message, Request

SMOLLM2 = "smollm2-135m-instruct"
SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}},
    "required": ["words"],
}


def ask(text: str, **options: object) -> Request:
    messages: tuple[Message, ...] = (
        {"role": "system", "content": "You answer in few words. Never explain, never apologise, never greet."},
        {"role": "user", "content": text},
    )
    return replace(Request(messages, max_tokens=24), **options)  # type: ignore[arg-type]


PLAIN = [ask(f"Name {count} animals.") for count in ("two", "three", "four", "five", "six", "seven")]
EXACT = ask("What is the capital of France?", temperature=0.0)
STRUCTURED = [ask("Two words as JSON.", schema=SCHEMA, max_tokens=120, sample=sample) for sample in range(3)]
SHORT = ask("Count from one to one hundred.", max_tokens=5, temperature=0.0)
LONG = ask("word " * 8000)
EVERYTHING = [*PLAIN, EXACT, *STRUCTURED, SHORT, LONG]


@pytest.fixture(scope="module")
def smollm2() -> Iterator[ChatModel]:
    pytest.importorskip("llama_cpp", reason="pip install llama-cpp-python", exc_type=ImportError)
    model = opened(llama_cpp)
    yield model
    model.close()


@pytest.fixture(scope="module")
def smollm2_without_compiler() -> Iterator[ChatModel]:
    pytest.importorskip("xllamacpp", reason="pip install xllamacpp", exc_type=ImportError)
    model = opened(xllamacpp)
    yield model
    model.close()


def opened(backend: ModuleType) -> ChatModel:
    try:
        weights_path(SMOLLM2)
    except ModelError as error:
        pytest.skip(str(error))
    model: ChatModel = backend.open_model(SMOLLM2, context=512)
    return model


@pytest.fixture(params=["smollm2", "smollm2_without_compiler"])
def in_process(request: pytest.FixtureRequest) -> ChatModel:
    """SmolLM2 in this process, with either library."""
    found: ChatModel = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> ChatModel:
    """A recording made through the seam itself, of a model that is made up."""
    path = tmp_path_factory.mktemp("recording") / "answers.jsonl"
    for _ in record(MadeUp(), EVERYTHING, path):
        pass
    return open_chat_model(f"replay/{path}")


class MadeUp:
    """Answers at once; only there to be recorded."""

    def info(self) -> ModelInfo:
        return ModelInfo("made up", "made_up", 512, 0, False)

    def close(self) -> None:
        return

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        for request in requests:
            if request == LONG:
                yield request, Completion("", "context", 8000, 0)
                continue
            short = request.max_tokens < 10
            text = json.dumps({"words": ["a", "b"]}) if request.schema else f"answer {request.hash[:6]}"
            yield request, Completion(text, "length" if short else "stop", 12, 5 if short else 8)


@pytest.fixture(scope="module")
def openai() -> Iterator[ChatModel]:
    with openai_double.serve() as server:
        model = open_chat_model(f"openai/any@{server.url}/v1", context=512)
        yield model
        model.close()


@pytest.fixture(scope="module")
def ollama() -> Iterator[ChatModel]:
    pytest.importorskip("ollama", reason="pip install ollama")
    with Double(Ollama()) as server:
        model = open_chat_model(f"ollama/qwen3:8b@{server.url}", context=512)
        yield model
        model.close()


REAL = [pytest.param(name, marks=pytest.mark.real) for name in ("smollm2", "smollm2_without_compiler")]


@pytest.fixture(params=[*REAL, "replayed", "openai", "ollama"])
def model(request: pytest.FixtureRequest) -> ChatModel:
    found: ChatModel = request.getfixturevalue(request.param)
    return found


def test_every_request_is_answered_once(model: ChatModel) -> None:
    answers = list(model.complete(PLAIN))
    assert sorted(request.hash for request, _ in answers) == sorted(request.hash for request in PLAIN)
    for request, completion in answers:
        assert completion.text
        assert completion.finish_reason in ("stop", "length")
        assert 0 < completion.completion_tokens <= request.max_tokens
        assert 0 <= completion.cached_tokens <= completion.prompt_tokens
        assert completion.backend_id


def test_the_same_request_gets_the_same_answer(model: ChatModel) -> None:
    first, second = (dict(pair(model, [request])) for _ in range(2) for request in [EXACT])
    assert first == second
    assert pair(model, STRUCTURED[:1]) == pair(model, STRUCTURED[:1])


def pair(model: ChatModel, requests: list[Request]) -> list[tuple[str, str]]:
    return [(request.hash, completion.text) for request, completion in model.complete(requests)]


def test_a_schema_is_kept_to(model: ChatModel) -> None:
    for _, completion in model.complete(STRUCTURED):
        if completion.finish_reason == "stop":
            assert len(json.loads(completion.text)["words"]) == 2


def test_an_answer_that_is_cut_says_so(model: ChatModel) -> None:
    [(_, completion)] = model.complete([SHORT])
    assert completion.finish_reason == "length"
    assert completion.completion_tokens == 5


def test_a_prompt_that_does_not_fit_is_an_error_of_that_question_only(model: ChatModel) -> None:
    answers = {request.hash: completion for request, completion in model.complete([*PLAIN[:2], LONG, *PLAIN[2:]])}
    assert [answers[request.hash].finish_reason for request in (LONG, *PLAIN)].count("context") == 1
    assert read(LONG, answers[LONG.hash]).problem == "over_context" and not answers[LONG.hash].text


def test_nothing_asked_nothing_answered(model: ChatModel) -> None:
    assert list(model.complete([])) == []


def test_stopping_in_the_middle_leaves_the_model_usable(model: ChatModel) -> None:
    answers = iter(model.complete(PLAIN))
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert len(list(model.complete(PLAIN))) == len(PLAIN)


def test_what_comes_too_late_is_dropped_without_an_error(model: ChatModel) -> None:
    late = list(model.complete(PLAIN, seconds=0.0))
    assert not late or model.info().backend == "replay"  # which has all answers at once
    assert len(list(model.complete(PLAIN))) == len(PLAIN)


def test_it_says_what_it_is(model: ChatModel) -> None:
    info = model.info()
    assert info.name and info.context > 0 and info.backend in BACKENDS


# -- in this process ----------------------------------------------------------------------------


@pytest.mark.real
def test_a_shared_prefix_is_computed_once(in_process: ChatModel) -> None:
    requests = [ask(f"Say the number {number}.", max_tokens=3) for number in range(8)]
    answers = [completion for _, completion in in_process.complete(requests)]
    slots = 1 if isinstance(in_process, llama_cpp.LlamaCppModel) else xllamacpp.SLOTS  # each has a cache of its own
    assert sum(c.cached_tokens > c.prompt_tokens // 2 for c in answers) >= len(answers) - slots


@pytest.mark.real
def test_an_answer_never_runs_over_the_context(in_process: ChatModel) -> None:
    [(_, completion)] = in_process.complete([ask("word " * 440, max_tokens=400)])
    assert completion.prompt_tokens + completion.completion_tokens <= 512


@pytest.mark.real
def test_other_samples_of_one_prompt_differ(in_process: ChatModel) -> None:
    requests = [ask("Write a sentence about a dog.", temperature=1.2, sample=sample) for sample in range(4)]
    assert len({completion.text for _, completion in in_process.complete(requests)}) > 1


@pytest.mark.real
def test_strings_hold_no_raw_control_characters(in_process: ChatModel) -> None:
    requests = [replace(STRUCTURED[0], temperature=1.5, sample=sample) for sample in range(10, 18)]
    for _, completion in in_process.complete(requests):
        assert not any(ord(character) < 32 for character in completion.text)


@pytest.mark.real
def test_labels_with_odd_words_survive_the_grammar(in_process: ChatModel) -> None:
    labels = ["outer space", "[now", "a space ]"]
    for label in labels:
        schema = {"type": "object", "properties": {"my space": {"const": label}}, "required": ["my space"]}
        [(_, completion)] = in_process.complete([ask("JSON, please.", schema=schema, max_tokens=60)])
        assert json.loads(completion.text) == {"my space": label}
        assert completion.finish_reason == "stop"


@pytest.mark.real
def test_a_schema_that_llama_cpp_cannot_use_is_an_error_that_says_what_to_write(smollm2: ChatModel) -> None:
    schema = {"const": 'say "please"'}
    with pytest.raises(ModelError, match="JSON schema") as caught:
        list(smollm2.complete([ask("JSON, please.", schema=schema)]))
    assert "double quotes" in caught.value.fix
    assert len(list(smollm2.complete(PLAIN[:1]))) == 1


# -- opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpt/4", "llama_cpp", "llama_cpp/", ""])
def test_an_unknown_backend_lists_the_known_ones(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        open_chat_model(name)
    assert "llama_cpp/" in caught.value.fix and "replay/" in caught.value.fix


def test_without_llama_cpp_the_error_names_package_and_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.models import llama_native

    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(ModelError) as caught:
        llama_native.library()
    assert "pip install llama-cpp-python" in caught.value.fix
    assert "build-essential" in caught.value.fix and "xcode-select" in caught.value.fix


def test_another_package_can_bring_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from toolkit.models import chat

    plugin = EntryPoint("mine", f"{__name__}:open_mine", chat.ENTRY_POINTS)
    monkeypatch.setattr(chat, "_plugins", lambda: [plugin])
    assert open_chat_model("mine/some/name", context=7) == ("some/name", 7)  # type: ignore[comparison-overlap]


def open_mine(name: str, *, context: int, threads: int | None) -> tuple[str, int]:
    return name, context


# -- replay alone -------------------------------------------------------------------------------


def test_a_miss_names_the_prompt(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("")
    with pytest.raises(ReplayMiss, match="capital of France"):
        list(open_chat_model(f"replay/{path}").complete([EXACT]))


def test_matching_answers_are_given_in_turn(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    lines = [
        {"match": "Name", "text": "general"},
        {"match": "Name two", "text": "1"},
        {"match": "Name two", "text": "2"},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    model = open_chat_model(f"replay/{path}")
    texts = [next(iter(model.complete([PLAIN[0]])))[1].text for _ in range(3)]
    assert texts == ["1", "2", "1"]
    assert next(iter(model.complete([PLAIN[1]])))[1].text == "general"


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"match": "a", "text": "b"}\n{"match": "a"}\n')
    with pytest.raises(ModelError, match=r"answers\.jsonl:2"):
        open_chat_model(f"replay/{path}")


def test_line_separators_inside_a_text_do_not_break_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"match": "capital", "text": "a\u2028b"}, ensure_ascii=False), "utf-8")
    [(_, completion)] = open_chat_model(f"replay/{path}").complete([EXACT])
    assert completion.text == "a\u2028b"


def test_the_journal_of_a_run_is_a_recording(tmp_path: Path, replayed: ChatModel) -> None:
    [(request, completion)] = replayed.complete([EXACT])
    journal = Journal(tmp_path / "run")
    journal.call(request, completion, role="teacher", model="replay/x", attempt=1)
    journal.close()
    model = open_chat_model(f"replay/{tmp_path / 'run'}")
    assert list(model.complete([EXACT])) == [(EXACT, completion)]
    model.close()
