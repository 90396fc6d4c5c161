"""The real SmolLM2, taught 16 messages: its exports pass the gate and answer as it does. About a minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_trained import recipe

from toolkit.export.export import Order, export
from toolkit.export.trained import Trained
from toolkit.models.weights import present, weights_path
from toolkit.students.student import open_student
from toolkit.training.trainer import Example, TrainJob, open_trainer
from toolkit.types import Item

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not present("smollm2-135m-instruct"), reason="schoolhouse models pull smollm2-135m-instruct"),
]

LATE = ["where is my parcel", "the box was due tuesday", "tracking says delayed", "still no delivery"]
REFUND = ["i want my money back", "refund not arrived", "please pay me back", "give back the 20 euros"]
PAIRS = [
    (text, label)
    for texts in zip(LATE, REFUND, strict=True)
    for text, label in zip(texts, ("late", "refund"), strict=True)
]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("real")
    items = [Item(f"p{n}", "public", text, label, label) for n, (text, label) in enumerate(PAIRS)]
    unfinished = Trained(
        run="real",
        round=1,
        recipe=recipe(folder),
        gguf=weights_path("smollm2-135m-instruct"),
        adapter=folder / "adapter",
        rows=[],
        public=items,
    )
    examples = [Example(unfinished.prompts.trained(text), label) for text, label in PAIRS]
    job = TrainJob(gguf=unfinished.gguf, examples=examples, output=unfinished.adapter, epochs=6, batch_size=4)
    open_trainer("torch").train(job, lambda event: None)
    return unfinished


def test_adapter_and_merged_file_answer_as_the_student(student: Trained, tmp_path: Path) -> None:
    lora = export(student, Order("gguf-lora", tmp_path / "lora"), lambda *_: None)
    merged = export(student, Order("gguf", tmp_path / "merged", "q8_0"), lambda *_: None)
    for made in (lora, merged):
        assert made.parity
        assert made.parity.passed
        assert made.parity.prompts >= 50
        assert made.parity.drift.exported >= 0.75
    assert (tmp_path / "lora" / "adapter.gguf").stat().st_size < 30 << 20
    file = next((tmp_path / "merged").glob("*.gguf"))
    assert 130 << 20 < file.stat().st_size < 160 << 20
    alone = open_student("llama_cpp", file)  # without the school's adapter
    try:
        answers = dict(alone.answer([student.prompts.trained(text) for text, _ in PAIRS], max_new_tokens=6))
    finally:
        alone.close()
    assert sum(answers[n] == label for n, (_, label) in enumerate(PAIRS)) >= 6
