"""Weights as plain values: what they are, what fits into this machine's memory, what was measured of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.text import clean

Fit = Literal["fits", "tight", "too large"]

TEACHING = (1.2, 0.9e9)
"""A teacher's memory: so many times its file, for weights and context, and so much for the run beside it, in bytes."""

LEARNING = (8.0, 1.4e9)
"""A student's in training: bytes for each parameter, and for the libraries. 135 million parameters took 2.5 GB."""


@dataclass(frozen=True, slots=True)
class Memory:
    """This machine's memory in bytes; 0 where nobody knows."""

    total: int = 0
    free: int = 0

    def holds(self, needed: float) -> Fit:
        """Whether so many bytes fit: now, only with other programs closed, or not at all."""
        if not self.total or needed <= self.free:
            return "fits"
        return "tight" if needed <= 0.95 * self.total else "too large"


@dataclass(frozen=True, slots=True)
class ModelLine:
    """Weights in the catalog, or a measured model on a server.

    Args:
        size: of the file in bytes; 0 for a model on a server.
        fits: whether the file fits into this machine's memory at all.
        probe: what a probe found, in lines; empty before one.
    """

    name: str
    size: int
    licence: str
    context: int
    parameters: int
    sources: tuple[str, ...]
    here: bool
    fits: bool
    memory: Memory = Memory()
    probe: tuple[str, ...] = ()

    @property
    def on_server(self) -> bool:
        return not self.size

    @property
    def teaching(self) -> float:
        """Bytes that it needs as a teacher, about."""
        times, beside = TEACHING
        return times * self.size + beside

    @property
    def learning(self) -> float:
        """Bytes that it needs as a student in training, about."""
        each, beside = LEARNING
        return each * self.parameters + beside


FIT_WORDS: dict[Fit, str] = {
    "fits": "fits",
    "tight": "fits only when other programs leave room",
    "too large": "too large for this memory",
}


def memory_lines(model: ModelLine) -> tuple[tuple[str, Fit], ...]:
    """What fits in memory, as sentences with their verdicts; the teacher is put away before the student learns."""
    if model.on_server:
        return ()
    found = []
    for what, needed in (("as a teacher", model.teaching), ("as a student in training", model.learning)):
        fit = model.memory.holds(needed)
        found.append((f"{what}: about {size(needed)}, {FIT_WORDS[fit]}", fit))
    return tuple(found)


def size(count: float) -> str:
    """Bytes as `98 MB` or `1.12 GB`."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def probe_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    """A probe's page, harmless."""
    return tuple(clean(line, 300) for line in lines)
