"""The torch trainer's child: the training loop, the loss on the answer alone.

Read from top to bottom: each batch gives its gradients (`gradients`), they make a step, and
every few steps all that the next ones depend on is on the disk (`steps`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import TrainingError
from toolkit.hardware.machine import usable_cores
from toolkit.models.torch_model import device, import_torch, peak_bytes, workers
from toolkit.process import Emit, child_main
from toolkit.training import files
from toolkit.training.encode import Encoded, batches
from toolkit.training.gradients import ComputesGradients, Gradients
from toolkit.training.recover import MicroBatch, free, free_bytes, is_out_of_memory, token_bytes, too_large
from toolkit.training.schedule import learning_rate
from toolkit.training.steps import CLIP, Diverged, go_on, learn_all, linted_rows, listening
from toolkit.training.torch_methods import Trainee, save, trainee


def train(
    job: dict[str, Any],
    emit: Emit,
    stopping: Callable[[], bool] = lambda: False,
    kind: type[Training] | None = None,
) -> None:
    """Carry out one job, from its newest checkpoint; the adapter stands when this returns.

    Unless `stopping` says so after a step: then a checkpoint stands. `kind` is another library's training.
    """
    partial = Path(job["partial"])
    training = (kind or Training)(job, linted_rows(job, emit), emit)
    go_on(training, files.newest_checkpoint(partial), emit)
    if learn_all(training, partial, emit, stopping):
        training.save(Path(job["model"]), Path(job["output"]), job["job"])
        emit({"event": "memory", "peak_bytes": training.peak_bytes()})
        if training.device == "cuda":
            emit({"event": "gpu_memory", "peak_bytes": int(training.torch.cuda.max_memory_reserved())})


class Training:
    """Model, optimizer and place in the data."""

    framework: Literal["pt", "np"] = "pt"

    def __init__(self, job: dict[str, Any], rows: list[Encoded], emit: Emit = lambda event: None) -> None:
        self.settings = settings = job["settings"]
        self.torch = torch = import_torch()
        self.emit = emit
        torch.manual_seed(settings["seed"])
        self.device = device(torch)
        self.plan = list(batches(rows, settings["batch_size"], settings["epochs"], settings["seed"]))
        self.step, self.steps = 0, len(self.plan)
        self.micro = MicroBatch(settings["batch_size"], settings["accumulation"])
        self.trainee = self.open_trainee(job)
        self.weights = self.trainee.weights
        self.gradients = self.open_gradients(rows)
        if reason := self.gradients.check(rows):
            emit({"event": "packing", "packed": False, "reason": reason})
        self.optimizer = torch.optim.AdamW(self.weights.values(), lr=settings["lr"], weight_decay=0.0, fused=True)

    def open_trainee(self, job: dict[str, Any]) -> Trainee:
        """The model. Raises TrainingError when the job's method cannot be used here."""
        return trainee(job)

    def open_gradients(self, rows: list[Encoded]) -> ComputesGradients:
        """What computes with the model."""
        # dropout draws from one source of chance, whose order threads would shuffle
        alone = self.device != "cpu" or self.settings["lora_dropout"] > 0
        if alone:
            self.torch.set_num_threads(usable_cores())
        weights = list(self.weights.values())
        return Gradients(self.torch, self.trainee.model, weights, self.settings["dtype"], 1 if alone else workers())

    def save(self, source: Path, output: Path, job: dict[str, Any]) -> None:
        """Write the folder of the trained student."""
        save(self.trainee, source, output, job)

    def learn(self, batch: list[Encoded]) -> tuple[float, float]:
        """One step on one batch; returns learning rate and loss. Raises Diverged before the weights change."""
        settings = self.settings
        lr = learning_rate(self.step, self.steps, settings["lr"], settings["warmup"], settings["schedule"])
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        loss = self.backward(batch)
        norm = float(self.torch.nn.utils.clip_grad_norm_(self.weights.values(), CLIP))
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss}")
        if not math.isfinite(norm):
            raise Diverged(f"the loss is {loss:.3g}, but its gradient is {norm}")
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return lr, loss

    def backward(self, batch: list[Encoded]) -> float:
        """The loss of a batch; its gradients are left in the weights.

        When memory runs out, fewer rows are computed at once. Raises TrainingError when that does not help.
        """
        while True:
            try:
                loss, gradients = self.gradients.of(batch, self.micro.rows)
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            free(self.torch)  # out here: the error held on to what the step had computed
            if not self.micro.halve():
                model = self.trainee.model
                raise too_large(batch, self.micro, free_bytes(self.torch, self.device), token_bytes(model.config))
            self.emit({"event": "memory_low", "rows_at_once": self.micro.rows, "batch_size": len(batch)})
        for weight, gradient in zip(self.weights.values(), gradients, strict=True):
            weight.grad = gradient
        return loss

    def peak_bytes(self) -> int:
        """The most memory this process held so far."""
        return peak_bytes()

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tensors and state of everything that the next steps depend on."""
        tensors = {f"weight/{name}": p.detach().contiguous() for name, p in self.weights.items()}
        for name, p in self.weights.items():
            tensors |= {f"adam/{name}/{key}": value for key, value in self.optimizer.state[p].items()}
        tensors["chance"] = self.torch.get_rng_state()
        if self.device == "cuda":
            tensors["chance/cuda"] = self.torch.cuda.get_rng_state()
        return tensors, {"step": self.step, "steps": self.steps, "rows_at_once": self.micro.rows}

    def restore(self, step: int, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        """Raises TrainingError when the checkpoint does not fit this model."""
        try:
            for name, p in self.weights.items():
                p.data.copy_(tensors[f"weight/{name}"])
                keys = ("step", "exp_avg", "exp_avg_sq")
                moments = {key: tensors[f"adam/{name}/{key}"] for key in keys}
                self.optimizer.state[p] = {key: value.to(p.device) for key, value in moments.items()}
        except (KeyError, RuntimeError) as error:
            raise TrainingError(f"the checkpoint at step {step} does not fit: {error}", "delete it") from error
        self.torch.set_rng_state(tensors["chance"])
        if self.device == "cuda" and "chance/cuda" in tensors:
            self.torch.cuda.set_rng_state(tensors["chance/cuda"])
        self.step = state["step"]
        self.micro.rows = min(self.micro.rows, state.get("rows_at_once", self.micro.rows))


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    train(next(messages), emit, listening(messages))
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
