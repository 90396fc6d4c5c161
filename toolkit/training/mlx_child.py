"""The training loop in MLX: LoRA on all linear layers, the loss on the answer alone.

The same rows, batches, loss, schedule and events as the torch trainer's. Read from top to
bottom. mlx-lm brings the models and the LoRA layer; the loop is ours, since its own keeps
neither the optimizer's state nor its place in the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import TrainingError
from toolkit.models.torch_model import common_prefix, peak_bytes
from toolkit.process import Emit, child_main
from toolkit.training import files
from toolkit.training.encode import Encoded, batches
from toolkit.training.mlx_model import SharedPrefix, faster_dtype, save, trainee
from toolkit.training.recover import MicroBatch, is_out_of_memory
from toolkit.training.schedule import learning_rate
from toolkit.training.steps import CLIP, Diverged, go_on, learn_all, linted_rows, listening

_WORTH_SHARING = 32  # tokens spared in a batch; below that the extra pass costs more
_TOLERANCE = {"float32": 1e-3, "bfloat16": 3e-2}


def train(job: dict[str, Any], emit: Emit, stopping: Callable[[], bool] = lambda: False) -> None:
    """Carry out one job, from its newest checkpoint; the adapter stands when this returns.

    Unless `stopping` says so after a step: then a checkpoint stands.
    """
    settings, partial = job["settings"], Path(job["partial"])
    rows = linted_rows(job, emit)
    found = files.newest_checkpoint(partial, framework="np")
    if settings["dtype"] == "auto":  # a training goes on as it began
        settings["dtype"] = found[2]["dtype"] if found else faster_dtype()
        emit({"event": "dtype", "dtype": settings["dtype"]})
    training = Training(job, rows, emit)
    go_on(training, found, emit)
    if learn_all(training, partial, emit, stopping):
        save(training.model, job, settings["dtype"])
        emit({"event": "memory", "peak_bytes": training.peak_bytes()})


class Training:
    """Model, optimizer and place in the data."""

    framework: Literal["pt", "np"] = "np"

    def __init__(self, job: dict[str, Any], rows: list[Encoded], emit: Emit) -> None:
        import mlx.core as mx
        import mlx.nn as nn
        from mlx import optimizers

        self.mx, self.nn, self.optimizers, self.emit = mx, nn, optimizers, emit
        self.settings = settings = job["settings"]
        mx.random.seed(settings["seed"])
        self.plan = list(batches(rows, settings["batch_size"], settings["epochs"], settings["seed"]))
        self.step, self.steps = 0, len(self.plan)
        self.micro = MicroBatch(settings["batch_size"], settings["accumulation"])
        self.shared = common_prefix([row.ids[: row.start] for row in rows])
        self.model = trainee(job)
        self.lean = self._lean_is_right()
        self.model.train()
        self.optimizer = optimizers.AdamW(learning_rate=0.0, weight_decay=0.0, bias_correction=True)
        self.optimizer.init(self.model.trainable_parameters())
        self.gradients = nn.value_and_grad(self.model, self.loss)

    def learn(self, batch: list[Encoded]) -> tuple[float, float]:
        """One step on one batch; returns learning rate and loss. Raises Diverged before the weights change."""
        settings = self.settings
        lr = learning_rate(self.step, self.steps, settings["lr"], settings["warmup"], settings["schedule"])
        loss, gradients = self.backward(batch)
        clipped, norm = self.optimizers.clip_grad_norm(gradients, CLIP)
        if not math.isfinite(loss):
            raise Diverged(f"the loss is {loss}")
        if not math.isfinite(norm.item()):
            raise Diverged(f"the loss is {loss:.3g}, but its gradient is {norm.item()}")
        self.optimizer.learning_rate = lr
        self.optimizer.update(self.model, clipped)
        self.mx.eval(self.model.trainable_parameters(), self.optimizer.state)
        self.step += 1
        return lr, loss

    def backward(self, batch: list[Encoded]) -> tuple[float, Any]:
        """The loss of a batch and its gradients. When memory runs out, fewer rows are computed at once."""
        while True:
            try:
                return self._in_parts(batch)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) and "alloc" not in str(error):  # MLX: "Unable to allocate …"
                    raise
                reason = str(error)
            self.mx.clear_cache()
            if not self.micro.halve():
                raise self._too_large(batch, reason)
            self.emit({"event": "memory_low", "rows_at_once": self.micro.rows, "batch_size": len(batch)})

    def _in_parts(self, batch: list[Encoded]) -> tuple[float, Any]:
        from mlx.utils import tree_map

        answers = sum(len(row.ids) - row.start for row in batch)
        total, sums = 0.0, None
        for begin in range(0, len(batch), self.micro.rows):
            loss, gradients = self.gradients(batch[begin : begin + self.micro.rows], answers)
            sums = gradients if sums is None else tree_map(lambda a, b: a + b, sums, gradients)
            self.mx.eval(loss, sums)
            total += float(loss.item())
        return total, sums

    def _too_large(self, batch: list[Encoded], reason: str) -> TrainingError:
        longest = max(len(row.ids) for row in batch)
        return TrainingError(
            f"memory ran out, even with {self.micro.rows} of {len(batch)} rows at once, the longest of {longest} tokens"
            f" ({reason})",
            f"write `train.accumulation: {len(batch)}` or `train.max_length: {longest // 2}`, or close other programs",
        )

    def loss(self, part: list[Encoded], answers: int) -> Any:
        """A part's share of the batch's mean cross entropy over `answers` answer tokens."""
        shared = self.shared if self.lean and self.shared * (len(part) - 1) >= _WORTH_SHARING else 0
        logits, targets = self.logits(part, shared, self.lean)
        return self.nn.losses.cross_entropy(logits.astype(self.mx.float32), targets, reduction="sum") / answers

    def logits(self, part: list[Encoded], shared: int, lean: bool) -> tuple[Any, Any]:
        """Logits where an answer token is predicted, and that token. `shared` leading tokens are computed once.

        Args:
            lean: compute the vocabulary's logits at these places alone.
        """
        mx = self.mx
        longest = max(len(row.ids) for row in part) - shared
        ids = mx.array([row.ids[shared:] + [0] * (longest - len(row.ids) + shared) for row in part])
        cache = None
        if shared:
            cache = [SharedPrefix() for _ in self.model.layers]
            self.model.model(mx.array([part[0].ids[:shared]]), cache=cache)
        places = [(i, t - shared) for i, row in enumerate(part) for t in range(row.start - 1, len(row.ids) - 1)]
        line, column = (mx.array(one) for one in zip(*places, strict=True))
        targets = ids[line, column + 1]
        # padding stands behind a row, where causal attention never looks: no mask is needed
        if not lean:
            return self.model(ids)[line, column], targets
        hidden = self.model.model(ids, cache=cache)[line, column]
        head = self.model.lm_head if "lm_head" in self.model else self.model.model.embed_tokens.as_linear
        return head(hidden), targets

    def _lean_is_right(self) -> bool:
        """Whether a shared prefix and logits at answers alone give this model's own logits.

        Architectures that scale their logits or mask in their own way are trained the plain way.
        """
        part = self.plan[0][:2]
        shared = self.shared if len(part) > 1 else 0
        self.model.eval()
        try:
            lean, _ = self.logits(part, shared, lean=True)
        except (AttributeError, TypeError, ValueError):
            return False
        plain, _ = self.logits(part, 0, lean=False)
        error = self.mx.abs(lean - plain).max() / self.mx.abs(plain).max()
        return bool(error.item() < _TOLERANCE[self.settings["dtype"]])

    def peak_bytes(self) -> int:
        """The most memory held so far, that of a GPU included."""
        return max(peak_bytes(), int(self.mx.get_peak_memory()))

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arrays and state of everything that the next steps depend on."""
        import numpy as np

        state = {"step": self.step, "steps": self.steps, "dtype": self.settings["dtype"]}
        state["rows_at_once"] = self.micro.rows
        return {name: np.array(value) for name, value in self._arrays().items()}, state

    def _arrays(self) -> dict[str, Any]:
        from mlx.utils import tree_flatten

        weights = {f"weight/{name}": value for name, value in tree_flatten(self.model.trainable_parameters())}
        adam = {f"adam/{name}": value for name, value in tree_flatten(self.optimizer.state)}
        return {**weights, **adam, "chance": self.mx.random.state[0]}

    def restore(self, step: int, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        """Raises TrainingError when the checkpoint does not fit this model."""
        from mlx.utils import tree_unflatten

        shapes = {name: tuple(value.shape) for name, value in self._arrays().items()}
        if shapes != {name: tuple(value.shape) for name, value in tensors.items()}:
            raise TrainingError(f"the checkpoint at step {step} does not fit this student", "delete it")
        arrays = {name: self.mx.array(value) for name, value in tensors.items()}
        self.model.load_weights(_under("weight/", arrays), strict=False)  # all are there: the shapes were compared
        self.optimizer.state = tree_unflatten(_under("adam/", arrays))
        high, low = (int(half) for half in tensors["chance"])
        self.mx.random.seed(high << 32 | low)  # a seed's two halves are the key itself
        self.step = state["step"]
        self.micro.rows = min(self.micro.rows, state["rows_at_once"])


def _under(prefix: str, arrays: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name.removeprefix(prefix), value) for name, value in arrays.items() if name.startswith(prefix)]


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    """The first message is the job."""
    train(next(messages), emit, listening(messages))
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
