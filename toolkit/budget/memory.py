"""How much memory a run will take, and what would fit. Pure: figures in, figures out.

The stages hand the memory over: the teacher is unloaded before training, so that a run needs
what its largest stage needs. The figures are estimates, within about a fifth of what was measured
on quickstart (teacher 2.2 GB, training 2.3 to 2.5 GB; docs/teachers.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

PROCESS_BYTES = 500_000_000
"""The run itself: Python, the data, and the libraries that read it."""

TRAINER_BYTES = 450_000_000
"""A child that trains, beside its model: Python, torch, transformers and peft, the optimizer's buffers."""

BATCH_TOKENS = 512
"""Tokens that llama.cpp computes in one pass, at most."""

USUAL_ROW = 96
"""Tokens of a training row; those of the shipped recipes have 40 to 90."""

LORA_SHARE = 0.0023
"""Trained numbers for each rank, as a share of the base's: LoRA on all linear layers of SmolLM2."""


@dataclass(frozen=True, slots=True)
class ModelSize:
    """What a model's memory depends on.

    Args:
        bytes: of the weights' file.
        parameters: numbers in it.
        cache_width: numbers that the KV cache holds for one token.
    """

    bytes: int
    parameters: int
    layers: int
    width: int
    inner_width: int
    vocabulary: int
    cache_width: int


@dataclass(frozen=True, slots=True)
class Training:
    """The settings that decide what training takes.

    Args:
        rows: of one backward pass.
        max_length: tokens of a row, at most.
        lora_r: rank of the adapter; 0 when all weights are trained.
    """

    rows: int
    max_length: int
    lora_r: int


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes that each stage takes, the run's own process included; 0: nothing that is known."""

    teacher: int = 0
    training: int = 0

    @property
    def peak(self) -> int:
        return max(self.teacher, self.training)


def generating_bytes(model: ModelSize, cells: int) -> int:
    """A llama.cpp model with a KV cache of `cells` tokens: weights, cache (16 bit) and one pass (32 bit)."""
    one_pass = BATCH_TOKENS * (model.vocabulary + 4 * model.inner_width) * 4
    return model.bytes + 2 * cells * model.cache_width + one_pass


def training_bytes(model: ModelSize, training: Training) -> int:
    """32-bit base weights, what is trained with its gradient and two moments, and what backward needs."""
    trained = LORA_SHARE * training.lora_r * model.parameters * 4 if training.lora_r else 3 * model.parameters
    tokens = training.rows * min(USUAL_ROW, training.max_length)
    # kept for each token and layer: the inputs of the linear layers, of norms and activations, some in 16 bits
    kept = 4 * tokens * model.layers * (8 * model.width + 4 * model.inner_width)
    return round(TRAINER_BYTES + 4 * model.parameters + 4 * trained + kept)


def largest_that_fits(wanted: int, least: int, free: int, needed: Callable[[int], int]) -> int | None:
    """The largest setting among `wanted`, its half, its quarter and so on, not below `least`, that fits; or None."""
    setting = wanted
    while setting >= least:
        if needed(setting) <= free:
            return setting
        setting //= 2
    return None
