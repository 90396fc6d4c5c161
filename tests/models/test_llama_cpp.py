"""The llama_cpp backend against a stand-in for its engine, which counts the cells of the cache.

The real engine is in the contract test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.errors import ModelError
from toolkit.models import llama_cpp
from toolkit.models.llama_cpp import LlamaCppModel
from toolkit.models.llama_native import Entry
from toolkit.types import Request

END = -1


class Engine:
    """A word is a token; every answer is as long as it may be."""

    trained_context, vocabulary, end_token = 4096, 5000, END

    def __init__(self, path: Path, *, cells: int, sequences: int, threads: int) -> None:
        self._room = cells
        self._cells: list[tuple[int, set[int]]] = []
        self.computed = 0

    def chat_template(self) -> str:
        return "yes"

    def renderer(self) -> Callable[[Sequence[Any]], str]:
        return lambda messages: " ".join(turn["content"] for turn in messages)

    def tokenize(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def keep(self, sequence: int, length: int) -> bool:
        for position, sequences in self._cells:
            if position >= length:
                sequences.discard(sequence)
        return True

    def share(self, source: int, target: int, length: int) -> bool:
        self.keep(target, 0)
        for position, sequences in self._cells:
            if position < length and source in sequences:
                sequences.add(target)
        return True

    def forward(self, entries: Sequence[Entry]) -> None:
        self._cells = [(position, sequences) for position, sequences in self._cells if sequences]
        self._cells += [(entry.position, {entry.sequence}) for entry in entries]
        self.computed += len(entries)
        if len(self._cells) > self._room:
            raise ModelError("llama.cpp could not go on (llama_decode returned 1)", "lower teacher.context")

    def sampler(self, temperature: float, seed: int, grammar: str | None) -> Any:
        return SimpleNamespace(next=lambda index: 7, complete=lambda: False, close=lambda: None)

    def ends(self, token: int) -> bool:
        return token == END

    def piece(self, token: int) -> bytes:
        return b"7 "

    def close(self) -> None:
        return


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LlamaCppModel:
    monkeypatch.setattr(llama_cpp, "Engine", Engine)
    return LlamaCppModel(tmp_path / "made-up.gguf", context=2048, threads=1)


def prompt(*tokens: int, answer: int = 5) -> Request:
    return Request(({"role": "user", "content": " ".join(map(str, tokens))},), max_tokens=answer)


def questions(count: int, length: int, shared: int) -> list[Request]:
    """Prompts of so many tokens that begin alike."""
    return [prompt(*range(shared), *[9000 + number] * (length - shared)) for number in range(count)]


@pytest.mark.parametrize(("length", "shared"), [(1000, 50), (1000, 8), (600, 0), (2000, 1900), (1500, 15)])
def test_the_cache_is_never_asked_for_more_cells_than_it_has(model: LlamaCppModel, length: int, shared: int) -> None:
    for asked in (questions(24, length, shared), [prompt(1, 2, 3)], questions(9, length, shared)[::-1]):
        answers = list(model.complete(asked))
        assert {completion.finish_reason for _, completion in answers} == {"length"}
        assert sorted(request.hash for request, _ in answers) == sorted(request.hash for request in asked)


def test_room_is_made_by_what_was_not_used_for_longest(model: LlamaCppModel) -> None:
    first = [prompt(*[number] * 1000) for number in range(8)]
    for request in [*first, first[0], prompt(*[99] * 1000), prompt(*[98] * 1000)]:
        list(model.complete([request]))
    cached = [next(iter(model.complete([request])))[1].cached_tokens for request in (first[0], first[7], first[1])]
    assert cached == [999, 999, 0]


def test_a_prompt_that_does_not_fit_costs_no_other_its_answer(model: LlamaCppModel) -> None:
    asked = [prompt(1, 2, 3), prompt(*[4] * 2048), prompt(5, 6)]
    reasons = {request.hash: completion.finish_reason for request, completion in model.complete(asked)}
    assert [reasons[request.hash] for request in asked] == ["length", "context", "length"]


def test_a_student_is_told_what_would_hold_the_prompt(model: LlamaCppModel) -> None:
    refusal = model.refusal(prompt(1, answer=60), 2048)
    assert refusal.message == "a prompt of 2048 tokens does not fit into a context of 2048"
    assert refusal.fix == "shorten it, or set teacher.context to 2108 or more"
    assert "holds more" in model.refusal(prompt(1), 9000).fix
