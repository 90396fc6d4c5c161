"""The mask lint: each mistake is found and named, and a sound lesson passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_model import QWEN3, TEMPLATE, make_tiny, prompt, tiny_job

from toolkit.errors import TrainingError
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_model import load_tokenizer
from toolkit.training.encode import Encoded, encode
from toolkit.training.lint import LintReport, lint, lint_in_child, stop_ids
from toolkit.training.trainer import Example, open_trainer

ROWS = [{"messages": list(prompt(f"message {n}")), "answer": label} for n, label in enumerate(["late", "refund"] * 4)]
SETTINGS = {"max_length": 128, "batch_size": 4}


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


@pytest.fixture
def tokenizer(gguf: Path) -> Any:
    return load_tokenizer(hf_folder(gguf))


def linted(tokenizer: Any, encoded: list[Encoded], **settings: int) -> LintReport:
    return lint(tokenizer, ROWS[: len(encoded)], encoded, {2}, SETTINGS | settings)


def rules(report: LintReport) -> list[str]:
    return [found.rule for found in report.findings]


def test_a_sound_lesson_passes_and_shows_what_is_trained(tokenizer: Any, gguf: Path) -> None:
    assert stop_ids(tokenizer, hf_folder(gguf)) == {2}
    report = linted(tokenizer, encode(tokenizer, ROWS, 128))
    assert report.findings == ()
    assert report.end == "<|im_end|>"
    row = report.shown[1]
    assert "".join(text for text, trained in row.pieces if trained) == "refund<|im_end|>"
    assert "".join(text for text, trained in row.pieces if not trained).endswith(
        "message 1<|im_end|>\n<|im_start|>assistant\n"
    )
    assert report.trained == sum(len(row["answer"]) + 1 for row in ROWS) < report.tokens
    report.require()


def test_a_model_that_can_think_is_trained_and_asked_without(gguf: Path, tmp_path: Path) -> None:
    """Qwen3's template puts an empty thought before the answer, and into a prompt only when thinking is turned off."""
    other = tmp_path / "other"
    other.mkdir()
    report = lint_in_child(hf_folder(make_tiny(other, QWEN3)), ROWS, SETTINGS)
    assert report.findings == ()
    (read, _), (learnt, trained) = report.shown[0].parts
    assert read.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert (learnt, trained) == ("late<|im_end|>", True)


def test_an_end_token_that_is_never_trained(tokenizer: Any) -> None:
    encoded = [replace(row, ids=row.ids[:-1]) for row in encode(tokenizer, ROWS, 128)]
    report = linted(tokenizer, encoded)
    assert rules(report) == ["end"]
    assert "the end token is never trained" in report.findings[0].message
    assert "stops at '<|im_end|>'" in report.findings[0].message
    with pytest.raises(TrainingError, match="mask lint: the end token is never trained"):
        report.require()


def test_an_end_token_that_is_missing_in_one_row(tokenizer: Any) -> None:
    first, *others = encode(tokenizer, ROWS, 128)
    report = linted(tokenizer, [replace(first, ids=first.ids[:-1]), *others])
    assert "not trained in 1 of 8 rows" in report.findings[0].message


def test_rows_that_would_be_cut_off(tokenizer: Any) -> None:
    report = linted(tokenizer, encode(tokenizer, ROWS, 128), max_length=40)
    assert rules(report) == ["cut"]
    assert "8 of 8 rows would be cut off at 40 tokens; the first is row 1: 'message 0'" in report.findings[0].message
    assert f"train.max_length: {report.longest}" in report.findings[0].fix


def test_fewer_rows_than_a_batch(tokenizer: Any) -> None:
    report = linted(tokenizer, encode(tokenizer, ROWS, 128)[:3])
    assert rules(report) == ["rows"]
    assert report.findings[0].message == "there are 3 rows, fewer than a batch of 4"


def test_labels_that_are_all_masked(tokenizer: Any) -> None:
    encoded = [replace(row, ids=row.ids[: row.start]) for row in encode(tokenizer, ROWS, 128)]
    report = linted(tokenizer, encoded)
    assert rules(report) == ["masked"]
    assert "all labels are masked" in report.findings[0].message


def test_a_training_prompt_that_is_not_asked(tokenizer: Any) -> None:
    encoded = encode(tokenizer, ROWS, 128)
    encoded[5] = Encoded([1, *encoded[5].ids], encoded[5].start + 1)  # a second token that begins the text
    report = linted(tokenizer, encoded)
    assert rules(report) == ["prompt"]
    assert "row 6: the training prompt differs from the inference prompt at token 2" in report.findings[0].message


def test_the_trainer_refuses_before_its_first_step(gguf: Path, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    short = tiny_job(gguf, tmp_path / "a", examples=[Example(prompt("hello"), "late")] * 3)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="there are 3 rows, fewer than a batch of 4"):
        open_trainer("torch").train(short, events.append)
    assert [event["findings"][0]["rule"] for event in events if event["event"] == "lint"] == ["rows"]
    assert not [event for event in events if event["event"] == "step"]
    assert not short.output.exists()


def test_from_a_child_and_with_a_template_that_changes_answers(gguf: Path, tmp_path: Path) -> None:
    sound = lint_in_child(hf_folder(gguf), ROWS, SETTINGS, show=1)
    assert (sound.findings, sound.rows, len(sound.shown)) == ((), 8, 1)
    assert ("<|im_end|>", True) in sound.shown[0].pieces
    thinking = TEMPLATE.replace("assistant\n{% endif", "assistant\n<think>{% endif")
    other = tmp_path / "other"
    other.mkdir()
    report = lint_in_child(hf_folder(make_tiny(other, thinking)), ROWS, SETTINGS)
    assert rules(report) == ["template", "rows"]
