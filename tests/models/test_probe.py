"""The probe against servers whose strengths and weaknesses are known."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.models.http_double import Double, Reply
from tests.models.openai_double import chat
from toolkit.cli.app import app
from toolkit.engineer.fit_for import page, weaknesses
from toolkit.engineer.fitness import Fitness
from toolkit.errors import ModelError
from toolkit.models.chat import open_chat_model
from toolkit.models.probe import CONTEXTS, SECONDS, Probe, cached_probe, cached_probes, probe, remember
from toolkit.models.server import ServerSettings

FAST = ServerSettings(patience=0.001, silence=5.0)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


class Teacher:
    """Knows `memory` characters of a prompt, writes JSON only where a schema holds it, repeats or not."""

    def __init__(self, *, memory: int = 10**9, json_in_words: bool = True, repeats: bool = False, thinks: bool = False):
        self.memory, self.json_in_words, self.repeats, self.thinks = memory, json_in_words, repeats, thinks

    def __call__(self, method: str, path: str, body: Any) -> Reply:
        return Reply(200, chat(self.text(body["messages"][-1]["content"], body)))

    def text(self, prompt: str, body: Any) -> str:
        name = "same" if self.repeats else hashlib.sha256(json.dumps(body).encode()).hexdigest()[:8]
        if "secret word" in prompt:
            return "It is PELICAN." if "PELICAN" in prompt[-self.memory :] else "I do not know."
        if "JSON" in prompt:
            held = "response_format" in body and not self.thinks
            good = held or self.json_in_words
            return json.dumps({"message": name, "mood": "calm"}) if good else f"<think>hm</think>Sure! {name}"
        if "numbered lines" in prompt:
            return "\n".join(f"{number}. my parcel {name} is late {number}" for number in range(1, 6))
        return f"<think>hm</think>where is {name}" if self.thinks else f"where is {name}"


def probed(teacher: Teacher, context: int = 2048) -> Probe:
    with Double(teacher) as double:
        model = open_chat_model(f"openai/any@{double.url}/v1", context=context, server=FAST)
        try:
            return probe("openai/any", model)
        finally:
            model.close()


def test_a_good_teacher_has_good_figures() -> None:
    found = probed(Teacher())
    assert (found.json_with_schema, found.json_without_schema, found.duplicates) == (1.0, 1.0, 0.0)
    assert found.yield_rows == 100.0 and found.context_usable == 2048 and found.tokens_per_second > 0
    assert found.thinks == 0 and not found.problems and not found.thinking_spoils_json
    assert not list(weaknesses(found, Fitness(True, True)))


def test_each_weakness_is_seen() -> None:
    found = probed(Teacher(memory=2_500, json_in_words=False, repeats=True))
    assert found.context_usable == CONTEXTS[0] and found.json_without_schema == 0.0 and found.json_with_schema == 1.0
    assert found.duplicates == pytest.approx(39 / 40, abs=0.001) and found.yield_rows == pytest.approx(100 / 6, abs=0.1)
    words = " ".join(weaknesses(found, Fitness(False, False, "no code block")))
    assert (
        "loses the start" in words and "other situations" in words and "one row at a time" in words and "code" in words
    )


def test_thinking_that_spoils_json_is_seen() -> None:
    found = probed(Teacher(thinks=True, json_in_words=False))
    assert found.thinks > 0.5 and found.json_with_schema == 0.0
    said = "\n".join(page(found, None))
    assert "teacher.think" not in said and "--reasoning-budget 0" in said
    assert any("teacher.think=false" in line for line in page(replace(found, name="ollama/any"), None))


def test_a_slow_model_is_measured_by_what_it_answers_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.models.probe.SECONDS", {**dict.fromkeys(SECONDS, 0.0), "context": 25.0})
    found = probed(Teacher())
    assert found.reached == {
        "duplicates": [1, 40],
        "json_with_schema": [1, 10],
        "json_without_schema": [1, 10],
        "rows": [1, 6],
    }
    assert (found.json_with_schema, found.json_without_schema, found.yield_rows) == (1.0, 1.0, 100.0)
    assert found.asked == 4 + 3 and found.context_usable == 2048
    assert any("1 of 40 for repeated answers" in line for line in page(found, None))


class Stuck(Teacher):
    """Never answers prompts that hold one of these words."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = words

    def __call__(self, method: str, path: str, body: Any) -> Reply:
        stuck = any(word in turn["content"] for word in self.words for turn in body["messages"])
        return replace(super().__call__(method, path, body), wait=30.0 if stuck else 0.0)


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.models.probe.SECONDS", dict.fromkeys(SECONDS, 0.6))
    monkeypatch.setattr("toolkit.models.probe.FIRST_ANSWER", 0.2)
    monkeypatch.setattr("toolkit.models.probe.ALL_SECONDS", 0.0)
    monkeypatch.setattr("toolkit.models.probe.PROGRAM_SECONDS", 0.6)


@pytest.mark.usefixtures("in_a_hurry")
def test_a_part_without_any_answer_ends_and_is_not_known() -> None:
    begun = time.monotonic()
    found = probed(Stuck("JSON", "numbered lines", "secret word"))
    assert time.monotonic() - begun < 15
    assert found.json_with_schema is None and found.json_without_schema is None and found.yield_rows is None
    assert found.reached["rows"] == [0, 6] and found.reached["context"] == [0, 3] and found.duplicates == 0.0
    words = "\n".join(page(found, None))
    assert "not known with a schema, not known in words" in words and "0 of 3 for lengths of context" in words
    assert "nothing was found that it is too weak for" in words and "teacher.context" not in words


@pytest.mark.usefixtures("in_a_hurry")
def test_a_model_without_any_answer_is_an_error_that_says_how_long_it_took() -> None:
    with pytest.raises(ModelError, match="none came within 1 s"):
        probed(Stuck("parcel is late. Answer with the message only"))


@pytest.mark.usefixtures("in_a_hurry")
def test_a_program_that_does_not_come_ends_the_probe() -> None:
    with Double(Stuck("python block")) as double:
        name = f"openai/any@{double.url}/v1"
        begun = time.monotonic()
        found = CliRunner().invoke(app, ["models", "probe", name, "--context", "600"])
        assert time.monotonic() - begun < 15
        assert found.exit_code == 0, found.output
        assert "writes programs      not known" in found.output and "0 of 1 for a trial program" in found.output
        again = CliRunner().invoke(app, ["models", "probe", name])
    assert "measured before" in again.output and "writes programs      not known" in again.output


def test_a_model_that_says_nothing_is_an_error() -> None:
    with Double(lambda *_: Reply(200, chat(""))) as double:
        model = open_chat_model(f"openai/any@{double.url}/v1", server=FAST)
        with pytest.raises(ModelError, match="40 × empty"):
            probe("openai/any", model)
        model.close()


def test_the_command_measures_once_and_remembers() -> None:
    with Double(Teacher()) as double:
        name = f"openai/any@{double.url}/v1"
        first = CliRunner().invoke(app, ["models", "probe", name, "--context", "600"])
        asked = double.asked.total()
        second = CliRunner().invoke(app, ["models", "probe", name])
        assert double.asked.total() == asked
    assert first.exit_code == 0, first.output
    assert "engineer.kind=" in first.output and "100% with a schema" in first.output
    assert "measured before" in second.output and "writes programs" in second.output


def test_the_command_takes_the_variable_that_holds_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with Double(Teacher()) as double:
        asked = ["models", "probe", f"openai/any@{double.url}/v1", "--context", "600", "--key-variable", "MY_PROBE_KEY"]
        missing = CliRunner().invoke(app, asked)
        assert missing.exit_code != 0 and "MY_PROBE_KEY" in str(missing.exception)
        monkeypatch.setenv("MY_PROBE_KEY", "sk-planted-probe-0123456789")
        assert CliRunner().invoke(app, asked).exit_code == 0


def test_what_was_measured_is_kept_when_the_trial_program_gets_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Fitness:
        raise ModelError("the server is gone", "start it")

    monkeypatch.setattr("toolkit.engineer.fitness.fitness", fails)
    with Double(Teacher()) as double:
        name = f"openai/any@{double.url}/v1"
        assert CliRunner().invoke(app, ["models", "probe", name, "--context", "600"]).exit_code != 0
    assert cached_probe(name) is not None


def test_a_measurement_with_other_questions_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    found = probed(Teacher(), context=600)
    remember(found)
    assert cached_probe("openai/any") == found
    assert cached_probes() == [found]
    monkeypatch.setattr("toolkit.models.probe.VERSION", 99)
    assert cached_probe("openai/any") is None
    assert cached_probes() == []
