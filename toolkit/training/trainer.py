"""The seam for trainers: a job in, an adapter folder out.

A recipe names a trainer (`train.backend`). Other packages add theirs through the entry
point group `schoolhouse.trainers`: an entry's value is a function `open_trainer() -> Trainer`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

from toolkit.errors import TrainingError
from toolkit.models.hf_folder import gguf_fingerprint
from toolkit.training.backends import BACKENDS, has_cuda, interpreter, missing, suits
from toolkit.types import Json, Message, digest

__all__ = [
    "BACKENDS",
    "Example",
    "Problem",
    "TrainJob",
    "Trainer",
    "choose",
    "open_trainer",
    "require_method",
    "require_trainer",
]

ENTRY_POINTS = "schoolhouse.trainers"

_ALL = ("lora", "qlora", "full")
METHODS = {"torch": _ALL, "unsloth": _ALL, "mlx": _ALL, "": ("lora",)}
"""Backend -> what `train.method` may be; the last one is for backends that are not named."""

Emit = Callable[[dict[str, Any]], None]

_NO_MATTER = ("checkpoint_steps", "accumulation")
_LATER: dict[str, Json] = {"method": "lora", "lora_targets": "all-linear", "schedule": "cosine"}
"""Settings that earlier jobs did not have, and what they did."""


@dataclass(frozen=True, slots=True)
class Example:
    """What is trained on: the prompt as it will be asked, and the answer to give."""

    messages: tuple[Message, ...]
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainJob:
    """Everything that decides what comes out; `output` and `python` decide only where and by whom."""

    gguf: Path
    examples: Sequence[Example]
    output: Path
    method: str = "lora"
    """lora, qlora or full."""
    lora_r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    lora_targets: str | tuple[str, ...] = "all-linear"
    lr: float = 1e-3
    schedule: str = "cosine"
    """cosine, linear or constant."""
    epochs: int = 3
    batch_size: int = 8
    accumulation: int = 1
    """Parts of a batch that are computed one after the other: less memory, the same batch."""
    warmup: float = 0.1
    """Share of the steps over which the learning rate rises."""
    max_length: int = 512
    """Tokens of prompt and answer together."""
    dtype: str = "auto"
    checkpoint_steps: int = 20
    seed: int = 0
    python: str | None = None

    def settings(self) -> dict[str, Json]:
        """The numbers of the job, without paths and examples."""
        apart = {"gguf", "examples", "output", "python"}
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in apart}

    def rows(self) -> list[Json]:
        return [{"messages": list(example.messages), "answer": example.answer} for example in self.examples]

    def fingerprint(self) -> str:
        """The same for jobs that must give the same adapter; 64 hex digits."""
        settings = self.settings()
        for name in _NO_MATTER:
            settings.pop(name)
        for name, default in _LATER.items():
            if settings[name] == default:
                settings.pop(name)
        return digest([gguf_fingerprint(self.gguf), settings, self.rows()])


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a trainer cannot work here, and the command that changes that."""

    what: str
    fix: str


class Trainer(Protocol):
    """Trains a LoRA adapter in a process of its own."""

    def problems(self, python: str | None = None) -> list[Problem]:
        """What is missing on this machine; empty when training can start.

        Args:
            python: the interpreter that the recipe names, if it names one.
        """
        ...

    def train(self, job: TrainJob, emit: Emit) -> Path:
        """Train, or carry on where an interrupted training stood; returns `job.output`.

        The folder holds the adapter in peft's format and `job.json` with the fingerprint of
        the job. It is whole or absent; when it stands with this fingerprint, nothing is done.
        `emit` gets events: `step` (step, steps, loss, lr, tokens_per_second, and `since`, a list of all steps since
        the last such event), `dtype`, `resumed`, `checkpoint`, `memory` and `gpu_memory` (peak_bytes). It may raise to
        stop the training.

        Raises TrainingError when the job is not possible or does not end well.
        """
        ...


def choose(backend: str, python: str | None = None) -> str:
    """The trainer that is meant; `auto` is the one that suits the hardware, or torch when that one is not installed."""
    if backend != "auto":
        return backend
    best = suits()
    return best if best in BACKENDS and not open_trainer(best).problems(python) else "torch"


def require_trainer(backend: str, python: str | None = None) -> str:
    """The name of the trainer that is meant. Raises TrainingError when it is unknown or cannot work here."""
    name = choose(backend, python)
    if problems := open_trainer(name).problems(python):
        raise TrainingError(f"the {name} trainer cannot work here: {problems[0].what}", problems[0].fix)
    return name


def require_method(backend: str, method: str, python: str | None = None) -> None:
    """Raises TrainingError when that trainer does not know `train.method`, or cannot follow it on this machine."""
    known = METHODS.get(backend, METHODS[""])
    if method not in known:
        able = ", ".join(name for name, methods in METHODS.items() if method in methods)
        raise TrainingError(
            f"the {backend} trainer cannot do train.method: {method}",
            f"write `train.method: {known[0]}`, or `train.backend: {able}`",
        )
    if method != "qlora" or backend == "mlx":  # MLX has 4-bit layers of its own, everywhere
        return
    if not has_cuda():
        raise TrainingError("train.method: qlora needs an NVIDIA GPU, and there is none", "write `train.method: lora`")
    if missing(["bitsandbytes"], interpreter(backend, ["bitsandbytes"], python)):
        pip = f"{python or 'python'} -m pip install bitsandbytes"
        raise TrainingError("train.method: qlora needs bitsandbytes, which is not installed", pip)


def open_trainer(backend: str) -> Trainer:
    """The trainer of that name, or what `auto` means here. Raises TrainingError for an unknown name."""
    name = choose(backend)
    if module := BACKENDS.get(name):
        return cast("Trainer", importlib.import_module(module).open_trainer())
    for plugin in entry_points(group=ENTRY_POINTS):
        if plugin.name == name:
            return cast("Trainer", plugin.load()())
    raise TrainingError(f"there is no trainer {backend!r}", f"use one of these: auto, {', '.join(BACKENDS)}")
