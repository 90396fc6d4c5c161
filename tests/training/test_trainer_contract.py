"""What every trainer does, on a tiny random model: the same loss, a peft adapter, resume, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_model import make_tiny, prompt, tiny_job
from warm_children import running

from toolkit.errors import Paused, TrainingError
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_model import load_model, load_tokenizer
from toolkit.training.encode import encode
from toolkit.training.trainer import BACKENDS, Example, Trainer, TrainJob, open_trainer

Events = list[dict[str, Any]]
ANSWERS = ("late", "refund", "broken", "other")
ROWS = [Example(prompt(f"m{'x' * (n % 5)} {n}"), ANSWERS[n % 4]) for n in range(8)]  # type: ignore[arg-type]
ONE_BATCH = {"examples": ROWS, "batch_size": 8, "warmup": 0.0, "lr": 1e-2}


@pytest.fixture(scope="module", params=sorted(BACKENDS))
def trainer(request: pytest.FixtureRequest) -> Trainer:
    found = open_trainer(request.param)
    if problems := found.problems():
        pytest.skip(f"{request.param}: {problems[0].what}; {problems[0].fix}")
    return found


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny model with a rotary base of its own: a trainer that reads the default one has another loss."""
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    gguf = make_tiny(tmp_path)
    path = hf_folder(gguf) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["rope_parameters"] = {"rope_type": "default", "rope_theta": 20.0}
    path.write_text(json.dumps(config), encoding="utf-8")
    return gguf


def train(trainer: Trainer, job: TrainJob) -> Events:
    events: Events = []
    assert trainer.train(job, events.append) == job.output
    return events


def losses(events: Events) -> list[float]:
    return [float(event["loss"]) for event in events if event["event"] == "step"]


def peft_loss(gguf: Path, adapter: Path | None = None) -> float:
    """The mean cross entropy of the rows' answers, as transformers and peft compute it, row by row."""
    import torch
    from peft import PeftModel

    folder = hf_folder(gguf)
    model = load_model(folder, "float32").cpu()
    if adapter:
        model = PeftModel.from_pretrained(model, adapter)
    rows = [{"messages": list(row.messages), "answer": row.answer} for row in ROWS]
    total = tokens = 0.0
    for row in encode(load_tokenizer(folder), rows, 512):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row.ids])).logits[0, row.start - 1 : -1]
        answer = torch.tensor(row.ids[row.start :])
        total += torch.nn.functional.cross_entropy(logits, answer, reduction="sum").item()
        tokens += len(answer)
    return total / tokens


def test_the_first_loss_is_the_base_models_and_the_adapter_gives_peft_the_next(
    trainer: Trainer, gguf: Path, tmp_path: Path
) -> None:
    """After one step, the adapter's loss in peft is the one that a second step begins with."""
    once = tiny_job(gguf, tmp_path / "once", epochs=1, **ONE_BATCH)
    assert losses(train(trainer, once)) == [pytest.approx(peft_loss(gguf), rel=1e-4)]
    twice = tiny_job(gguf, tmp_path / "twice", epochs=2, **ONE_BATCH)
    second = losses(train(trainer, twice))[-1]
    assert second < 0.98 * peft_loss(gguf)
    assert second == pytest.approx(peft_loss(gguf, once.output), rel=1e-4)


def test_events_and_a_whole_folder_that_stands(trainer: Trainer, gguf: Path, tmp_path: Path) -> None:
    job = tiny_job(gguf, tmp_path / "adapter", epochs=2)
    events = train(trainer, job)
    kinds = [event["event"] for event in events]
    assert kinds.count("dtype") == 1
    assert {"lint", "step", "checkpoint", "memory"} <= set(kinds)
    last = [event for event in events if event["event"] == "step"][-1]
    assert last["step"] == last["steps"] == 12
    assert last["lr"] > 0
    assert last["tokens_per_second"] > 0
    assert 0 < next(event["peak_bytes"] for event in events if event["event"] == "memory") < 3 << 30
    assert {"adapter_model.safetensors", "adapter_config.json", "job.json"} <= {p.name for p in job.output.iterdir()}
    assert str(tmp_path) not in (job.output / "adapter_config.json").read_text(encoding="utf-8")
    described = json.loads((job.output / "job.json").read_text(encoding="utf-8"))
    assert (described["fingerprint"], described["trainer"]) == (job.fingerprint(), trainer.name)  # type: ignore[attr-defined]
    assert described["dtype"] == "float32"
    assert not job.output.with_name("adapter.partial").exists()
    assert [train(open_trainer(name), job) for name in ("torch", trainer.name)] == [[], []]  # type: ignore[attr-defined]


def test_killed_and_resumed_equals_uninterrupted(trainer: Trainer, gguf: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    whole, broken = (tiny_job(gguf, tmp_path / name, lora_dropout=0.2, epochs=2) for name in ("whole", "broken"))
    expected = losses(train(trainer, whole))[-1]

    def kill_at_second_checkpoint(event: dict[str, Any]) -> None:
        if event == {"event": "checkpoint", "step": 6}:
            for child in running():
                child.kill()

    with pytest.raises(TrainingError, match="ended with code -9"):
        trainer.train(broken, kill_at_second_checkpoint)
    assert not broken.output.exists()
    events = train(trainer, broken)
    assert next(event for event in events if event["event"] == "resumed")["step"] >= 6
    assert losses(events)[-1] == pytest.approx(expected, abs=1e-6)
    tensors = [load_file(job.output / "adapter_model.safetensors") for job in (whole, broken)]
    assert all((tensors[0][name] - tensors[1][name]).abs().max() < 1e-6 for name in tensors[0])


def test_a_pause_keeps_the_step_under_way(trainer: Trainer, gguf: Path, tmp_path: Path) -> None:
    job = tiny_job(gguf, tmp_path / "adapter", epochs=200, checkpoint_steps=10_000)
    resumed: list[int] = []

    def pause(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            raise Paused("paused")

    def leave(event: dict[str, Any]) -> None:
        if event["event"] in ("resumed", "step"):
            resumed.append(event["step"] if event["event"] == "resumed" else 0)
            raise KeyboardInterrupt

    with pytest.raises(Paused):
        trainer.train(job, pause)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(job, leave)
    assert 0 < resumed[0] < 1200


def test_what_cannot_be_trained_is_refused(trainer: Trainer, gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there are 3 rows, fewer than a batch of 4"):
        trainer.train(tiny_job(gguf, tmp_path / "few", examples=ROWS[:3]), lambda event: None)
    with pytest.raises(TrainingError, match=r"the loss is .* at step") as caught:
        trainer.train(tiny_job(gguf, tmp_path / "nan", lr=1e30), lambda event: None)
    assert "train.lr" in caught.value.fix
    with pytest.raises(TrainingError, match="no rows"):
        trainer.train(tiny_job(gguf, tmp_path / "none", examples=[]), lambda event: None)
    assert not [path for path in (tmp_path / "few", tmp_path / "nan", tmp_path / "none") if path.exists()]
