"""A whole school of stand-ins: teacher, engineer, student and trainer that cost nothing.

The loop, the journal, the sandbox, the checks and the exam around them are the real ones.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from toolkit.engineer.gaps import with_texts
from toolkit.engineer.skeletons import KINDS, OPEN_SKELETON, SKELETON, STYLES
from toolkit.models.chat import ModelInfo
from toolkit.recipe import Recipe, recipe_from_text
from toolkit.run import Run
from toolkit.types import Completion, Message, Request

LABELS = {"late_parcel": "it has not come", "broken_item": "it is damaged", "refund_status": "where is the money"}
SYLLABLES = ["ka", "lo", "mi", "nu", "re", "sa", "ti", "vo", "pel", "dra", "fin", "gus", "hol", "bra", "ston", "wix"]
RECIPE = {
    "name": "school",
    "task": {"about": "Messages to a shop.", "system": "Classify.", "labels": LABELS},
    "data": {"path": "data.jsonl"},
    "teacher": {"model": "replay/teacher"},
    "student": {"model": "student.gguf"},
    "acceptance": {"probe": "off"},
    "budget": {"rounds": 2, "rows": 24, "min_rows": 6, "teacher_calls": 80},
}
OWN = ["as a list of complaints", "with a joke in it", "like a letter", "all in capitals"]
FILLED = with_texts(SKELETON, STYLES, ["in a hurry, all lower case", *OWN])
"""The skeleton with the engineer's part written."""
OPEN_FILLED = with_texts(OPEN_SKELETON, KINDS, ["an everyday one", *OWN])
Answer = str | Completion
Replies = Callable[[Request], Answer]


def nonsense(seed: str, words: int = 9) -> str:
    """A sentence that is like no other one."""
    chance = random.Random(seed)
    return " ".join("".join(chance.choices(SYLLABLES, k=2)) for _ in range(words))


def cut(text: str) -> Completion:
    """A reply that ran into its token limit."""
    return Completion(text, "length", 10, 10)


def prompt_of(request: Request) -> str:
    return "\n".join(message["content"] for message in request.messages)


@dataclass
class School:
    """What the stand-ins do, and what they were asked."""

    folder: Path
    engineer: Replies = lambda request: "I have no idea."
    teacher: Replies = lambda request: lessons(request)
    skill: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LABELS, 0.8))
    """label -> the share of its messages that a trained student gets right."""
    asked: list[Request] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    last: Run | None = None
    _runs: int = 0
    on_request: Callable[[Request], None] = lambda request: None

    def recipe(self, **sections: dict[str, Any]) -> Recipe:
        values = {key: dict(value) if isinstance(value, dict) else value for key, value in RECIPE.items()}
        for name, keys in sections.items():
            values[name] = {**values.get(name, {}), **keys}  # type: ignore[dict-item]
        return recipe_from_text(json.dumps(values), self.folder, self.folder / "recipe.yaml")

    def begin(self, **sections: dict[str, Any]) -> Run:
        self._runs += 1
        return Run.create(self.recipe(**sections), self.folder / f"run{self._runs}")

    def run(self, **sections: dict[str, Any]) -> Run:
        run = self.begin(**sections)
        run.carry_out()
        return run

    def prompts(self) -> list[str]:
        return [prompt_of(request) for request in self.asked]

    # -- the chat model ----------------------------------------------------------------------

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        for request in requests:
            self.asked.append(request)
            self.on_request(request)
            is_engineer = "data engineer" in request.messages[0]["content"]
            answer = self.engineer(request) if is_engineer else self.teacher(request)
            yield request, answer if isinstance(answer, Completion) else Completion(answer, "stop", 10, 10)

    def info(self) -> ModelInfo:
        return ModelInfo("school", "replay", 4096, 0, False)

    def close(self) -> None:
        self.closed += 1

    # -- the student -------------------------------------------------------------------------

    def answers(self, prompts: Sequence[Sequence[Message]], trained: bool) -> Iterator[tuple[int, str]]:
        labels = {item["input"]: item["output"] for item in read_items(self.folder)}
        for index, messages in enumerate(prompts):
            text = messages[-1]["content"]
            right = trained and random.Random(text).random() < self.skill[labels[text]]
            yield index, labels[text] if right else "late_parcel"


class FakeStudent:
    peak_bytes = 0

    def __init__(self, school: School, trained: bool) -> None:
        self._school, self._trained = school, trained

    def answer(
        self, prompts: Sequence[Sequence[Message]], *, max_new_tokens: int = 24, choices: Sequence[str] = ()
    ) -> Iterator[tuple[int, str]]:
        return self._school.answers(prompts, self._trained)

    def close(self) -> None:
        return


class FakeTrainer:
    """Trains nothing, and keeps what it was given: the examples of each training."""

    def __init__(self) -> None:
        self.trained: list[list[Any]] = []

    def train(self, job: Any, emit: Callable[[dict[str, Any]], None]) -> Path:
        self.trained.append(list(job.examples))
        job.output.mkdir(parents=True, exist_ok=True)
        (job.output / "adapter_config.json").write_text("{}")
        (job.output / "adapter_model.safetensors").write_bytes(b"weights")
        return Path(job.output)


def lessons(request: Request) -> str:
    """What the teacher writes: as many messages as it is asked for, none like another."""
    if request.schema:
        return json.dumps([nonsense(f"{request.hash}{index}") for index in range(request.schema.get("minItems", 1))])
    count = int((re.findall(r"Write (\d+) messages", prompt_of(request)) or ["1"])[-1])
    return "\n".join(f"{index}. {nonsense(f'{request.hash}{index}')}" for index in range(1, count + 1))


def read_items(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "data.jsonl").read_text().splitlines()]


def build(folder: Path, patch: pytest.MonkeyPatch) -> School:
    """A school in a folder; every evaluation item ends with a word of its own, `canary0lateparcel` and so on."""
    items = [
        {"input": f"{nonsense(f'{label}{index}')} canary{index}{label.replace('_', '')}", "output": label}
        for label in LABELS
        for index in range(30)
    ]
    folder.joinpath("data.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    school = School(folder)

    def open_model(*_: Any, **__: Any) -> School:
        school.opened += 1
        return school

    patch.setenv("SCHOOLHOUSE_CACHE", str(folder / "cache"))
    patch.setattr("toolkit.stages.session.open_chat_model", open_model)
    patch.setattr("toolkit.stages.session.weights_path", lambda name: folder / name)
    patch.setattr("toolkit.run.worker.weights_path", lambda name: folder / name)
    patch.setattr("toolkit.stages.train.open_trainer", lambda backend: FakeTrainer())
    patch.setattr(
        "toolkit.stages.evaluate.open_student",
        lambda backend, gguf, adapter, log, **_: FakeStudent(school, adapter is not None),
    )
    return school


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    """A school of stand-ins; a test module may change it in a fixture of the same name."""
    return build(tmp_path, monkeypatch)


@pytest.fixture
def trainer(school: School, monkeypatch: pytest.MonkeyPatch) -> FakeTrainer:
    """The trainer of this school, which keeps what it was given."""
    trainer = FakeTrainer()
    monkeypatch.setattr("toolkit.stages.train.open_trainer", lambda backend: trainer)
    return trainer
