"""The steps of a training, whatever library computes them: events, checkpoints, a stop between two steps.

A training brings its plan of batches and learns one at a time; what is here is the same for all trainers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal, Protocol

from toolkit.errors import TrainingError
from toolkit.models.torch_model import load_tokenizer
from toolkit.process import Emit
from toolkit.training import files
from toolkit.training.encode import Encoded, encode
from toolkit.training.lint import lint, stop_ids

__all__ = ["CLIP", "Checkpoint", "Diverged", "Reporter", "Steps", "go_on", "learn_all", "linted_rows", "listening"]

CLIP = 1.0
"""The largest norm of a step's gradients."""
EVERY = 0.2  # seconds between two `step` events
Checkpoint = tuple[int, dict[str, Any], dict[str, Any]]
"""Step, tensors and state."""


class Steps(Protocol):
    """A model, an optimizer and the place in the data; `framework` is what its snapshots hold: torch's or numpy's."""

    framework: Literal["pt", "np"]
    settings: dict[str, Any]
    plan: list[list[Encoded]]
    step: int
    steps: int

    def learn(self, batch: list[Encoded]) -> tuple[float, float]:
        """One step on one batch; returns learning rate and loss. Raises Diverged before the weights change."""

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tensors and state of everything that the next steps depend on."""

    def restore(self, step: int, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        """Take up a snapshot. Raises TrainingError when it does not fit this model."""

    def peak_bytes(self) -> int:
        """The most memory held so far."""


class Diverged(Exception):
    """The loss or its gradient is no number; the weights are those before the step."""


def linted_rows(job: dict[str, Any], emit: Emit) -> list[Encoded]:
    """The job's rows in tokens. Raises TrainingError when what would be trained is not what will be asked."""
    model, settings = Path(job["model"]), job["settings"]
    tokenizer = load_tokenizer(model)
    rows = encode(tokenizer, job["rows"], settings["max_length"])
    report = lint(tokenizer, job["rows"], rows, stop_ids(tokenizer, model), settings, show=0)
    emit({"event": "lint", **report.figures()})
    report.require()
    return rows


def go_on(training: Steps, found: Checkpoint | None, emit: Emit) -> None:
    """Take up the checkpoint that was found, if one was."""
    if found is not None:
        training.restore(*found)
        emit({"event": "resumed", "step": training.step})


def learn_all(training: Steps, partial: Path, emit: Emit, stopping: Callable[[], bool]) -> bool:
    """Learn what is left of the plan; whether the end was reached.

    Every `checkpoint_steps` steps, and when `stopping` says so after a step, a checkpoint is written to `partial`.
    Raises TrainingError when a step diverges, with the state before it as checkpoint.
    """
    reporter = Reporter(emit, training.steps, training.step)
    for batch in islice(training.plan, training.step, None):
        try:
            lr, loss = training.learn(batch)
        except Diverged as error:
            reporter.tell()
            raise _stopped(error, training, partial) from error
        reporter.step(training.step, loss, lr, sum(len(row.ids) for row in batch))
        if training.step == training.steps:
            break
        stop = stopping()
        if stop or training.step % training.settings["checkpoint_steps"] == 0:
            reporter.tell()  # a training that goes on from here will not tell of them again
            _keep(training, partial)
            emit({"event": "checkpoint", "step": training.step})
            emit({"event": "memory", "peak_bytes": training.peak_bytes()})
        if stop:
            emit({"event": "stopped", "step": training.step})
            return False
    return True


def _keep(training: Steps, partial: Path) -> None:
    files.save_checkpoint(partial, training.step, *training.snapshot(), framework=training.framework)


def _stopped(error: Diverged, training: Steps, partial: Path) -> TrainingError:
    """Keep the state before the step that went wrong, and say what can be done."""
    kept = "no step was good"
    if training.step:
        _keep(training, partial)
        kept = f"the checkpoint of step {training.step} is good"
    lower = training.settings["lr"] / 4
    return TrainingError(f"{error} at step {training.step + 1}; {kept}", f"write `train.lr: {lower:.0e}`")


class Reporter:
    """Tells a few times a second of all steps since it told last, and always of the last step."""

    def __init__(self, emit: Emit, steps: int, first: int = 0) -> None:
        self._emit, self._first, self._steps = emit, first, steps
        self._begun = self._told = time.perf_counter()
        self._tokens = 0
        self._untold: list[tuple[float, dict[str, Any]]] = []

    def step(self, step: int, loss: float, lr: float, tokens: int) -> None:
        now = time.perf_counter()
        self._tokens += tokens
        speed = round(self._tokens / max(now - self._begun, 1e-9), 1)
        figures = {"step": step, "loss": round(loss, 8), "lr": lr, "tokens_per_second": speed}
        self._untold.append((now, figures))
        if now - self._told >= EVERY or step >= self._steps:
            self.tell()

    def tell(self) -> None:
        """One event: the newest step, and in `since` each one since the last event, with how long `ago` it was."""
        if not self._untold:
            return
        now, newest = time.perf_counter(), self._untold[-1][1]
        a_step = (now - self._begun) / (newest["step"] - self._first)
        self._emit(
            {
                "event": "step",
                **newest,
                "steps": self._steps,
                "seconds_left": round((self._steps - newest["step"]) * a_step, 1),
                "since": [{**figures, "ago": round(now - at, 3)} for at, figures in self._untold],
            }
        )
        self._untold.clear()
        self._told = now


def listening(messages: Iterator[dict[str, Any]]) -> Callable[[], bool]:
    """Whether another message has come; whatever it says, it asks to stop after the step that is under way."""
    asked = Event()

    def listen() -> None:
        for _ in messages:
            asked.set()

    Thread(target=listen, daemon=True, name="stop").start()
    return asked.is_set
