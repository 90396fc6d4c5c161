"""The torch trainer on a tiny random model: resume, fingerprint, errors, and what is learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest
from tiny_model import TEMPLATE, make_tiny, prompt, tiny_job

from toolkit.errors import TrainingError
from toolkit.training import files
from toolkit.training.encode import Encoded, batches, encode
from toolkit.training.torch_child import Training, learning_rate
from toolkit.training.trainer import Example, TrainJob, open_trainer

Events = list[dict[str, Any]]


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


def train(job: TrainJob) -> Events:
    events: Events = []
    assert open_trainer("auto").train(job, events.append) == job.output
    return events


def last_loss(events: Events) -> float:
    return float([event for event in events if event["event"] == "step"][-1]["loss"])


def training_here(job: TrainJob) -> Training:
    """The loop's object in this process."""
    from toolkit.models.torch_model import load_tokenizer
    from toolkit.training.torch_trainer import _message

    message = _message(job, "f", job.output)
    return Training(message, encode(load_tokenizer(Path(message["model"])), message["rows"], 512))


def test_an_adapter_stands_and_is_not_trained_twice(gguf: Path, tmp_path: Path) -> None:
    job = tiny_job(gguf, tmp_path / "adapter")
    events = train(job)
    kinds = {event["event"] for event in events}
    assert {"dtype", "step", "checkpoint", "memory"} <= kinds
    steps = [event for event in events if event["event"] == "step"]
    assert steps[-1]["step"] == steps[-1]["steps"] == 24
    assert 0 < next(event["peak_bytes"] for event in events if event["event"] == "memory") < 3 << 30
    names = {path.name for path in job.output.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "job.json"} <= names
    assert str(tmp_path) not in (job.output / "adapter_config.json").read_text()
    assert not job.output.with_name("adapter.partial").exists()
    assert train(job) == []


def test_another_job_moves_the_old_adapter_aside(gguf: Path, tmp_path: Path) -> None:
    first, second = (tiny_job(gguf, tmp_path / "adapter", epochs=1, seed=seed) for seed in (0, 1))
    train(first)
    assert last_loss(train(second)) > 0
    described = json.loads((second.output / "job.json").read_text())
    assert described["fingerprint"] == second.fingerprint() != first.fingerprint()
    assert (tmp_path / "adapter.replaced" / "job.json").is_file()


def test_killed_and_resumed_equals_uninterrupted(gguf: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    whole = tiny_job(gguf, tmp_path / "whole", lora_dropout=0.2)
    expected = last_loss(train(whole))
    broken = tiny_job(gguf, tmp_path / "broken", lora_dropout=0.2)

    def kill_at_second_checkpoint(event: dict[str, Any]) -> None:
        if event == {"event": "checkpoint", "step": 6}:
            for child in psutil.Process().children():
                child.kill()

    with pytest.raises(TrainingError, match="ended with code -9"):
        open_trainer("torch").train(broken, kill_at_second_checkpoint)
    assert not broken.output.exists()
    events = train(broken)
    resumed = next(event for event in events if event["event"] == "resumed")
    assert resumed["step"] >= 6
    assert last_loss(events) == pytest.approx(expected, abs=1e-6)
    tensors = [load_file(job.output / "adapter_model.safetensors") for job in (whole, broken)]
    assert all((tensors[0][name] - tensors[1][name]).abs().max() < 1e-6 for name in tensors[0])


def test_a_stop_from_the_listener_ends_the_child_and_keeps_the_checkpoint(gguf: Path, tmp_path: Path) -> None:
    job = tiny_job(gguf, tmp_path / "adapter")

    def stop(event: dict[str, Any]) -> None:
        if event["event"] == "checkpoint":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_trainer("torch").train(job, stop)
    assert any(event["event"] == "resumed" for event in train(job))


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    files.save_checkpoint(tmp_path, 3, {"a": torch.ones(2)}, {"step": 3})
    (tmp_path / "step-00000006.safetensors").write_bytes(b"cut short")
    found = files.newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0] == 3
    assert found[2] == {"step": 3}


def test_sharing_the_prefix_gives_the_gradients_of_separate_rows(gguf: Path, tmp_path: Path) -> None:
    long = [Example(prompt(f"m{'y' * n}", "Give one label. " * 4), "late") for n in range(6)]  # type: ignore[arg-type]
    training = training_here(tiny_job(gguf, tmp_path / "a", examples=long, epochs=1, batch_size=6))
    batch = training.plan[0]
    assert training.shared > 60
    gradients = []
    for shared in (training.shared, 0):
        training.shared = shared
        training.backward(batch)
        gradients.append({name: p.grad.clone() for name, p in training.weights.items()})
    for name, gradient in gradients[0].items():
        assert (gradient - gradients[1][name]).abs().max() <= 1e-5 * gradients[1][name].abs().max() + 1e-8


def test_the_loss_is_that_of_the_plain_model_on_the_answer(gguf: Path, tmp_path: Path) -> None:
    import torch

    training = training_here(tiny_job(gguf, tmp_path / "a"))
    batch = training.plan[0]
    losses = []
    for row in batch:
        ids = torch.tensor([row.ids])
        labels = torch.tensor([[-100] * row.start + row.ids[row.start :]])
        logits = training.model(input_ids=ids).logits[0, :-1]
        losses.append(
            torch.nn.functional.cross_entropy(logits, labels[0, 1:], reduction="sum", ignore_index=-100).item()
        )
    tokens = sum(len(row.ids) - row.start for row in batch)
    assert training.backward(batch) == pytest.approx(sum(losses) / tokens, rel=1e-5)
    whole = {name: p.grad.clone() for name, p in training.weights.items()}
    training.workers = 3
    assert training.backward(batch[:4]) == pytest.approx(sum(losses) / tokens, rel=1e-5)
    for name, p in training.weights.items():
        assert torch.allclose(p.grad, whole[name], rtol=1e-4, atol=1e-7)


def test_every_answer_ends_with_the_end_token(gguf: Path, tmp_path: Path) -> None:
    training = training_here(tiny_job(gguf, tmp_path / "a"))
    assert all(row.ids[-1] == 2 for batch in training.plan for row in batch)


def test_a_row_that_is_too_long_is_named(gguf: Path, tmp_path: Path) -> None:
    rows = [Example(prompt("short"), "late"), Example(prompt("long " * 30), "late")]  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=r"row 2 has \d+ tokens, more than train.max_length \(100\)"):
        train(tiny_job(gguf, tmp_path / "a", examples=rows, max_length=100))
    assert not (tmp_path / "a").exists()


def test_a_template_that_changes_the_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    gguf = make_tiny(tmp_path, TEMPLATE.replace("m['content']", "m['content'] | upper"))
    with pytest.raises(TrainingError, match="row 1: the model's chat template changes the answer"):
        train(tiny_job(gguf, tmp_path / "a"))


def test_a_loss_that_is_no_number_ends_the_training(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the loss is nan at step") as caught:
        train(tiny_job(gguf, tmp_path / "a", lr=1e30))
    assert "train.lr" in caught.value.fix


def test_bfloat16_learns_too_and_keeps_the_adapter_in_float32(gguf: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    training = training_here(tiny_job(gguf, tmp_path / "a", dtype="bfloat16", lr=1e-2))
    assert {str(p.dtype) for p in training.weights.values()} == {"torch.float32"}
    assert str(training.head.weight.dtype) == "torch.bfloat16"
    losses = [training.learn(batch)[1] for batch in training.plan]
    assert losses[-1] < 0.8 * losses[0]
    training.save(tmp_path / "a", {"fingerprint": "f"})
    assert {str(t.dtype) for t in load_file(tmp_path / "a" / "adapter_model.safetensors").values()} == {"torch.float32"}


def test_no_rows_and_an_unknown_trainer_are_refused(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no rows"):
        train(tiny_job(gguf, tmp_path / "a", examples=[]))
    with pytest.raises(TrainingError, match="no trainer 'mlx9'"):
        open_trainer("mlx9")


def test_batches_hold_every_row_once_an_epoch_in_an_order_of_the_seed() -> None:
    rows = [Encoded([n] * (n % 9 + 2), 1) for n in range(50)]
    plan = list(batches(rows, 8, 2, seed=1))
    assert sorted(row.ids[0] for batch in plan[:7] for row in batch) == list(range(50))
    assert plan == list(batches(rows, 8, 2, seed=1)) != list(batches(rows, 8, 2, seed=2))
    assert all(max(len(r.ids) for r in batch) - min(len(r.ids) for r in batch) <= 6 for batch in plan)


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [learning_rate(step, 100, 1.0, 0.1) for step in range(100)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01 < rates[0] < 0.2
