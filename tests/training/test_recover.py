"""Memory that runs out and losses that are no number, with the fault put in on purpose."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny_model import make_tiny, tiny_job
from warm_children import running

from toolkit.errors import ChildError, TrainingError
from toolkit.models.torch_model import load_tokenizer
from toolkit.training import files, recover, torch_trainer
from toolkit.training.encode import Encoded, encode
from toolkit.training.gradients import Gradients
from toolkit.training.recover import MicroBatch, is_out_of_memory, token_bytes, too_large
from toolkit.training.torch_child import Training, train
from toolkit.training.torch_trainer import _message
from toolkit.training.trainer import TrainJob, open_trainer

Events = list[dict[str, Any]]
METAL = "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)"


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


def test_a_full_disk_is_said_with_the_way_on() -> None:
    """What a child's libraries raise, OSError or an exception of their own, reaches the person with a fix."""
    handler = "def handle(*_): raise RuntimeError('Error while serializing: I/O error: no room (os error 28)')"
    code = f"from toolkit.process import child_main\n{handler}\nchild_main(handle)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        said = json.loads(child.stdout.readline())
    assert said["message"].startswith("the disk is full") and "schoolhouse resume" in said["fix"]


def test_a_checkpoint_that_found_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.save_checkpoint(tmp_path, 3, {"a": np.ones(2)}, {}, "np")
    assert list(tmp_path.iterdir()) == []


def message_of(job: TrainJob) -> dict[str, Any]:
    partial = files.checkpoints_of(job.output, "f")
    return _message(job, "f", partial)


def training_here(job: TrainJob, emit: Callable[[dict[str, Any]], None] = lambda event: None) -> Training:
    message = message_of(job)
    return Training(message, encode(load_tokenizer(Path(message["model"])), message["rows"], 512), emit)


def room_for(monkeypatch: pytest.MonkeyPatch, rows: int) -> list[int]:
    """Memory that is enough for so many rows at once; returns how many were tried each time."""
    import torch

    whole, tried = Gradients._rows, list[int]()

    def limited(self: Gradients, batch: list[Encoded], answers: int) -> Any:
        tried.append(len(batch))
        if len(batch) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return whole(self, batch, answers)

    monkeypatch.setattr(Gradients, "_rows", limited)
    return tried


# -- memory -------------------------------------------------------------------------------------


def test_fewer_rows_at_once_learn_the_same(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = training_here(tiny_job(gguf, tmp_path / "a", batch_size=8))
    expected = [plain.learn(batch)[1] for batch in plain.plan]
    tried = room_for(monkeypatch, 3)
    events: Events = []
    training = training_here(tiny_job(gguf, tmp_path / "b", batch_size=8), events.append)
    losses = [training.learn(batch)[1] for batch in training.plan]
    assert tried[:6] == [8, 4, 2, 2, 2, 2]  # halved twice, then the whole batch two rows at a time
    assert tried.count(8) == tried.count(4) == 1  # and it stays so
    assert [(event["rows_at_once"], event["batch_size"]) for event in events] == [(4, 8), (2, 8)]
    assert losses == pytest.approx(expected, rel=1e-4)
    assert training.snapshot()[1]["rows_at_once"] == 2
    again = training_here(tiny_job(gguf, tmp_path / "c", batch_size=8))
    again.restore(training.step, *training.snapshot())
    assert again.micro.rows == 2


def test_after_three_halvings_what_would_fit_is_named(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = room_for(monkeypatch, 0)
    training = training_here(tiny_job(gguf, tmp_path / "a", batch_size=24))
    monkeypatch.setattr("toolkit.training.torch_child.free_bytes", lambda torch, device: 50 * 200_000)
    monkeypatch.setattr("toolkit.training.torch_child.token_bytes", lambda config: 200_000)
    with pytest.raises(TrainingError, match="memory ran out, even with 3 of 24 rows at once") as caught:
        training.learn(training.plan[0])
    assert tried == [24, 12, 6, 3]
    assert "`train.accumulation: 24`" in caught.value.fix  # 50 tokens fit, which is one row
    assert training.step == 0


def test_one_row_that_does_not_fit_needs_shorter_rows() -> None:
    rows = [Encoded(list(range(900)), 890)]
    error = too_large(rows, MicroBatch(1), free_now=300 * 2_000_000, per_token=2_000_000)
    assert "a row of 900 tokens takes about 1.8 GB, 0.6 GB are free" in error.message
    assert "`train.max_length: 300`" in error.fix


def test_other_errors_are_not_taken_for_it(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Gradients, batch: list[Encoded], answers: int) -> Any:
        raise RuntimeError("shapes do not fit")

    training = training_here(tiny_job(gguf, tmp_path / "a"))
    monkeypatch.setattr(Gradients, "_rows", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        training.backward(training.plan[0])
    assert training.micro.halvings == 0


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError(f"[METAL] Command buffer execution failed: {METAL}"), True),
        (MemoryError(), True),
        (ValueError("out of memory"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_each_allocators_words_are_known(error: Exception, found: bool) -> None:
    assert is_out_of_memory(error) is found


def test_a_small_students_token_takes_megabytes() -> None:
    smollm = SimpleNamespace(num_hidden_layers=30, hidden_size=576, intermediate_size=1536)
    assert 1e6 < token_bytes(smollm) < 4e6


def test_the_kernels_kills_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = tmp_path / "memory.events"
    counts.write_text("low 0\noom 3\noom_kill 2\n", encoding="ascii")
    monkeypatch.setattr(recover, "_KERNEL", (str(tmp_path / "absent"), str(counts)))
    assert recover.kills_for_memory() == 2
    monkeypatch.setattr(recover, "_KERNEL", ())
    assert recover.kills_for_memory() == 0


def killing(events: Events, times: int) -> Callable[[dict[str, Any]], None]:
    """A listener that kills the child, `times` times in all, as the kernel does."""
    left = [times]

    def listen(event: dict[str, Any]) -> None:
        events.append(event)
        if event["event"] == "lint" and left[0]:
            left[0] -= 1
            for child in running():
                child.kill()

    return listen


def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that has killed one more process each time it is asked."""
    kills = iter(range(1000))
    monkeypatch.setattr(torch_trainer, "kills_for_memory", lambda: next(kills))


def test_a_child_that_the_kernel_ended_starts_again_with_fewer_rows(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting(monkeypatch)
    events: Events = []
    job = tiny_job(gguf, tmp_path / "a", epochs=1)
    assert open_trainer("torch").train(job, killing(events, 1)) == job.output
    low = [event for event in events if event["event"] == "memory_low"]
    assert [(event["rows_at_once"], event["batch_size"]) for event in low] == [(2, 4)]


@pytest.mark.parametrize(("words", "again"), [(f"libc++abi: terminating: [METAL] {METAL}", True), ("abort", False)])
def test_a_child_that_aborts_for_memory_starts_again_with_fewer_rows(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, again: bool
) -> None:
    """As Metal does; other aborts are errors."""
    whole, asked = torch_trainer.TorchTrainer._work, list[int]()

    def aborted(self: Any, job: TrainJob, message: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> None:
        asked.append(message["settings"]["accumulation"])
        if len(asked) == 1:
            raise ChildError(f"toolkit.training.mlx_child ended with code -6:\n    {words}", "")
        whole(self, job, message, emit)

    monkeypatch.setattr(torch_trainer.TorchTrainer, "_work", aborted)
    job = tiny_job(gguf, tmp_path / "a", epochs=1)
    if again:
        assert open_trainer("torch").train(job, lambda event: None) == job.output
        assert asked == [1, 2]
        return
    with pytest.raises(TrainingError, match="ended with code -6"):
        open_trainer("torch").train(job, lambda event: None)


def test_a_child_that_the_kernel_ends_again_and_again_is_given_up(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting(monkeypatch)
    events: Events = []
    with pytest.raises(TrainingError, match="want of memory, even with 1 of 2 rows") as caught:
        open_trainer("torch").train(tiny_job(gguf, tmp_path / "a", batch_size=2), killing(events, 9))
    assert "train.accumulation: 2" in caught.value.fix
    assert len([event for event in events if event["event"] == "memory_low"]) == 1


# -- losses that are no number --------------------------------------------------------------------


@pytest.mark.parametrize("fault", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_the_last_good_state_is_kept(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: float, where: str
) -> None:
    """At step 6 the loss, or only its gradient, is no number: steps 1 to 5 are on the disk."""
    job = tiny_job(gguf, tmp_path / "a", checkpoint_steps=100)
    good = training_here(job)
    for batch in good.plan[:5]:
        good.learn(batch)
    whole, calls = Gradients.of, [0]

    def faulty(self: Gradients, batch: list[Encoded], at_once: int) -> Any:
        loss, gradients = whole(self, batch, at_once)
        calls[0] += 1
        if calls[0] == 6 and where == "gradient":
            gradients[0][0, 0] = fault
        return (fault if calls[0] == 6 and where == "loss" else loss), gradients

    monkeypatch.setattr(Gradients, "of", faulty)
    message = message_of(job)
    message["job"] = {**message["job"], "base": "tiny"}
    with pytest.raises(TrainingError, match=r"at step 6; the checkpoint of step 5 is good") as caught:
        train(message, lambda event: None)
    assert caught.value.fix == "write `train.lr: 3e-04`"
    found = files.newest_checkpoint(Path(message["partial"]))
    assert found is not None
    assert found[0] == 5
    for name, weight in good.weights.items():
        assert bool((found[1][f"weight/{name}"] == weight).all())
    assert not job.output.exists()


def test_a_first_step_that_is_no_number_leaves_nothing(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gradients, "of", lambda self, batch, at_once: (float("nan"), [w * 0 for w in self.weights]))
    message = message_of(tiny_job(gguf, tmp_path / "a"))
    with pytest.raises(TrainingError, match="the loss is nan at step 1; no step was good"):
        train(message, lambda event: None)
    assert files.newest_checkpoint(Path(message["partial"])) is None
