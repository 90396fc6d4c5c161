"""The torch student answers as the plain model does, however prompts are batched and shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_model import gemma, make_tiny, prompt

from toolkit.errors import ChildError, ModelError
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_model import common_prefix, prompt_ids, token_ids
from toolkit.students.student import growing, open_student
from toolkit.students.torch_child import TorchStudent, _by_length

SYSTEMS = ["Give one label.", "Labels: late, refund, broken. " * 3]


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


def plainly(folder: Path, asked: Any, most: int) -> str:
    """The answer of `generate`, one prompt at a time, nothing shared."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.tensor([prompt_ids(tokenizer, asked)])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, do_sample=False)
    return str(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip())


@pytest.mark.parametrize("system", SYSTEMS)
def test_answers_equal_plain_generation(gguf: Path, system: str) -> None:
    folder = hf_folder(gguf)
    student = TorchStudent({"model": str(folder), "adapter": None, "dtype": "float32"})
    prompts = [prompt("where " + "is it " * n, system) for n in (3, 0, 7, 1, 1)]
    answers = dict(student.answer(prompts, 9))  # type: ignore[arg-type]
    assert [answers[i] for i in range(5)] == [plainly(folder, asked, 9) for asked in prompts]
    assert dict(student.answer(prompts[2:3], 9)) == {0: answers[2]}  # type: ignore[arg-type]


def test_a_beginning_is_computed_once_for_all_questions_that_have_it(
    gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = TorchStudent({"model": str(hf_folder(gguf)), "adapter": None, "dtype": "float32"})
    asked = [[prompt(f"{n} {word}", system) for n in range(4)] for system in SYSTEMS for word in ("where", "why")]
    plain = [[plainly(hf_folder(gguf), one, 5) for one in prompts] for prompts in asked]
    computed, forward = [], student._forward

    def counting(rows: list[list[int]], *others: Any) -> Any:
        computed.append(len(rows[0]))
        return forward(rows, *others)

    monkeypatch.setattr(student, "_forward", counting)
    for prompts, answers in zip([*asked, asked[0]], [*plain, plain[0]], strict=True):
        found = dict(student.answer(prompts, 5))  # type: ignore[arg-type]
        assert [found[index] for index in range(4)] == answers
    beginnings = [tokens for tokens in computed if tokens > 1]
    assert len(beginnings) == 3, "the second question of each system finds it there, the last one does not"


@pytest.mark.parametrize(
    ("version", "window", "plain"), [(2, 20, True), (2, 300, True), (3, 20, True), (3, 300, False)]
)
def test_windows_and_soft_caps_are_the_models_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, window: int, plain: bool
) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    folder = hf_folder(make_tiny(tmp_path, model=gemma(version, window)))
    student = TorchStudent({"model": str(folder), "adapter": None, "dtype": "float32"})
    prompts = [prompt("where " + "is it " * n, SYSTEMS[0]) for n in (3, 0, 7, 1)]
    answers = dict(student.answer(prompts, 9))  # type: ignore[arg-type]
    assert [answers[i] for i in range(4)] == [plainly(folder, asked, 9) for asked in prompts]
    assert student.plain is plain
    assert any(answers.values())


def test_closed_answers_are_the_likeliest_walk_through_the_labels(gguf: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, labels = hf_folder(gguf), ["late", "lately", "refund", "broken"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    left = [[*token_ids(tokenizer, label), tokenizer.eos_token_id] for label in labels]
    asked = prompt("where is it", SYSTEMS[0])
    answer: list[int] = []
    while len(left) > 1:  # the plain way: one prompt, no cache, all logits
        with torch.inference_mode():
            logits = model(torch.tensor([prompt_ids(tokenizer, asked) + answer])).logits[0, -1]
        answer.append(max({ids[len(answer)] for ids in left}, key=lambda token: float(logits[token])))
        left = [ids for ids in left if ids[: len(answer)] == answer]
    student = TorchStudent({"model": str(folder), "adapter": None, "dtype": "float32"})
    answers = dict(student.answer([asked, prompt("x", SYSTEMS[0])], 1, labels))  # type: ignore[list-item]
    assert answers[0] == tokenizer.decode(left[0], skip_special_tokens=True)


def test_bfloat16_answers_every_prompt(gguf: Path) -> None:
    student = TorchStudent({"model": str(hf_folder(gguf)), "adapter": None, "dtype": "bfloat16"})
    prompts = [prompt("where " + "is it " * n, SYSTEMS[1]) for n in range(5)]
    assert sorted(index for index, _ in student.answer(prompts, 4)) == list(range(5))  # type: ignore[arg-type]


def test_a_row_that_ends_early_does_not_change_the_others(gguf: Path) -> None:
    student = TorchStudent({"model": str(hf_folder(gguf)), "adapter": None, "dtype": "float32"})
    rows = [prompt_ids(student.tokenizer, prompt(f"{n} " + "abc" * n)) for n in range(12)]  # type: ignore[arg-type]
    whole = dict(student._generate(rows, 0, 12))
    student.ends = student.ends | set(whole[3][4:6])  # now some answers end at other places
    ended = dict(student._generate(rows, 0, 12))
    expected = {
        i: ids[: next((at for at, token in enumerate(ids) if token in student.ends), 12)] for i, ids in whole.items()
    }
    assert ended == expected != whole
    assert len({len(ids) for ids in ended.values()}) > 1


def test_the_child_answers_twice_and_an_iterator_may_be_left(gguf: Path, tmp_path: Path) -> None:
    student = open_student("auto", gguf, log=tmp_path / "student.log")
    try:
        prompts = [prompt(f"message {n}") for n in range(5)]
        next(iter(student.answer(prompts, max_new_tokens=3)))  # type: ignore[arg-type]
        again = dict(student.answer(prompts, max_new_tokens=3))  # type: ignore[arg-type]
        assert sorted(again) == [0, 1, 2, 3, 4]
        assert list(student.answer([])) == []
        assert 0 < student.peak_bytes < 3 << 30
        with pytest.raises(ChildError, match="do not fit into the student's 512"):
            list(student.answer([prompt("x" * 600)]))  # type: ignore[arg-type]
    finally:
        student.close()


@pytest.mark.parametrize("choices", [(), ("late", "lately", "refund")])
def test_a_stream_grows_to_the_answer(gguf: Path, choices: tuple[str, ...]) -> None:
    student = open_student("torch", gguf)
    try:
        asked: Any = prompt("where is it", SYSTEMS[0])
        ((_, whole),) = student.answer([asked], max_new_tokens=9, choices=choices)
        seen = list(growing(student, asked, max_new_tokens=9, choices=choices))
        assert seen[-1] == whole
        assert len(seen) > 1
        assert all(whole.startswith(text.strip()) for text in seen)
        assert dict(student.answer([asked], max_new_tokens=9, choices=choices)) == {0: whole}
    finally:
        student.close()


def test_a_student_that_cannot_stream_gives_its_answer_whole() -> None:
    class Plain:
        peak_bytes = 0

        def answer(self, prompts: Any, **_: Any) -> Any:
            return iter([(0, f"{len(prompts)} said")])

        def close(self) -> None: ...

    assert list(growing(Plain(), prompt("x"))) == ["1 said"]  # type: ignore[arg-type]


def test_unknown_backend_and_missing_adapter_are_refused(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no student backend 'abacus'"):
        open_student("abacus", gguf)
    with pytest.raises(ModelError, match="not an adapter folder"):
        open_student("torch", gguf, tmp_path / "nothing")


def test_the_common_prefix_leaves_each_row_a_token() -> None:
    assert common_prefix([[1, 2, 3], [1, 2, 4], [1, 2, 3, 5]]) == 2
    assert common_prefix([[1, 2], [1, 2, 3]]) == 1
    assert common_prefix([[7], [7, 8]]) == 0


def test_batches_by_length_hold_every_row_once() -> None:
    rows = [[0] * (n * 37 % 300 + 20) for n in range(100)]
    for workers in (1, 2, 3):
        found = list(_by_length(rows, 10, workers))
        assert sorted(index for batch in found for index in batch) == list(range(100))
        assert all(max(len(rows[i]) - 10 for i in batch) * len(batch) <= 4096 for batch in found)
        assert all(len(batch) <= 32 for batch in found)


def test_workers_are_dealt_about_as_many_tokens() -> None:
    rows = [[0] * (n % 60 + 10) for n in range(37)]
    one, other = (sum(len(rows[index]) for index in batch) for batch in _by_length(rows, 8, 2))
    assert abs(one - other) < 0.1 * one
    assert [len(batch) for batch in _by_length(rows[:1], 8, 2)] == [1]
