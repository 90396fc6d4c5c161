"""What every student does, on the real SmolLM2: answers from the base weights and with an adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.errors import ChildError
from toolkit.models.weights import present, weights_path
from toolkit.students.student import BACKENDS, Student, growing, open_student
from toolkit.training.trainer import Example, TrainJob, open_trainer
from toolkit.types import Message

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not present("smollm2-135m-instruct"), reason="schoolhouse models pull smollm2-135m-instruct"),
]

KINDS = {
    "parcel_late": ["where is my parcel", "the box was due tuesday", "tracking says delayed", "still no delivery"],
    "refund": ["i want my money back", "refund not arrived", "please pay me back", "give back the 20 euros"],
    "password": ["cannot log in", "forgot my password", "login code never comes", "reset my password please"],
    "invoice": ["send me the bill", "need an invoice for may", "invoice has the wrong name", "where is my receipt"],
}
ROWS = [(text, kind) for texts in zip(*KINDS.values(), strict=True) for text, kind in zip(texts, KINDS, strict=True)]
UNSEEN = ["my parcel has not come", "i need my money", "password is wrong", "the bill please"]


def prompt(text: str) -> tuple[Message, ...]:
    return ({"role": "system", "content": "Name the topic."}, {"role": "user", "content": text})


PROMPTS = [prompt(text) for text in [*(text for text, _ in ROWS), *UNSEEN]]


@pytest.fixture(scope="module")
def gguf() -> Path:
    return weights_path("smollm2-135m-instruct")


@pytest.fixture(scope="module")
def adapter(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny training: 16 rows, enough to learn them by heart."""
    examples = [Example(prompt(text), kind) for text, kind in ROWS]
    output = tmp_path_factory.mktemp("contract") / "adapter"
    return open_trainer("torch").train(
        TrainJob(gguf=gguf, examples=examples, output=output, epochs=8), lambda event: None
    )


@pytest.fixture(scope="module", params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def base(backend: str, gguf: Path) -> Iterator[Student]:
    student = open_student(backend, gguf)
    yield student
    student.close()


@pytest.fixture(scope="module")
def trained(backend: str, gguf: Path, adapter: Path) -> Iterator[Student]:
    student = open_student(backend, gguf, adapter)
    yield student
    student.close()


def test_a_trained_student_knows_its_lesson(trained: Student) -> None:
    answers = dict(trained.answer(PROMPTS, max_new_tokens=8))
    assert sorted(answers) == list(range(len(PROMPTS)))
    assert sum(answers[i] == kind for i, (_, kind) in enumerate(ROWS)) >= 13
    assert all("<|" not in answer and answer == answer.strip() for answer in answers.values())


def test_the_base_does_not_know_it_and_answers_the_same_twice(base: Student) -> None:
    answers = dict(base.answer(PROMPTS[:6], max_new_tokens=6))
    assert sum(answers[i] == ROWS[i][1] for i in answers) <= 1
    assert dict(base.answer(PROMPTS[:6], max_new_tokens=6)) == answers
    assert 0 < base.peak_bytes < 3 << 30


def test_one_prompt_and_no_prompt(trained: Student) -> None:
    assert [index for index, _ in trained.answer(PROMPTS[:1])] == [0]
    assert list(trained.answer([])) == []


def test_where_the_format_is_closed_even_the_base_answers_in_it(base: Student, trained: Student) -> None:
    kinds = [*KINDS, "refund_too_small"]  # "refund" begins another answer
    answers = dict(base.answer(PROMPTS, choices=kinds))
    assert sorted(answers) == list(range(len(PROMPTS)))
    assert set(answers.values()) <= set(kinds)
    taught = dict(trained.answer(PROMPTS, choices=kinds))
    assert sum(taught[i] == kind for i, (_, kind) in enumerate(ROWS)) >= 13
    free = dict(base.answer(PROMPTS[:2], max_new_tokens=6))
    assert not set(free.values()) & set(kinds), "the next question is free again"


def test_llama_cpp_gets_the_context_that_the_recipe_needs(gguf: Path) -> None:
    long = prompt("word " * 2100)
    for context, answers in ((2048, 0), (4096, 1)):
        student = open_student("llama_cpp", gguf, context=context)
        try:
            if answers:
                assert len(list(student.answer([long], max_new_tokens=2))) == answers
            else:
                with pytest.raises(ChildError, match="does not fit into a context of 2048") as caught:
                    list(student.answer([long], max_new_tokens=2))
                assert "set train.max_length to 21" in caught.value.fix
        finally:
            student.close()


def test_a_stream_grows_to_the_answer(trained: Student) -> None:
    for kinds in ((), tuple(KINDS)):
        ((_, whole),) = trained.answer(PROMPTS[:1], max_new_tokens=8, choices=kinds)
        seen = list(growing(trained, PROMPTS[0], max_new_tokens=8, choices=kinds))
        assert seen[-1] == whole
        assert all(whole.startswith(text) for text in seen)


@pytest.mark.parametrize(("taught", "share"), [(False, 0.5), (True, 0.75)])
def test_backends_agree(gguf: Path, adapter: Path, taught: bool, share: float) -> None:
    """The base rambles: one token that flips under 4-bit arithmetic changes the rest of its six (13 of 20 agreed).

    A wrong template or adapter would leave almost none that agree.
    """
    found = []
    for name in sorted(BACKENDS):
        student = open_student(name, gguf, adapter if taught else None)
        found.append(dict(student.answer(PROMPTS, max_new_tokens=6)))
        student.close()
    same = sum(found[0][i] == found[1][i] for i in found[0])
    assert same >= share * len(PROMPTS), found
