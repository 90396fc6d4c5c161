"""Exports as plain values: what may be written, what is being written, what stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tui.state import Status
from tui.text import clean

TARGETS: dict[str, str] = {
    "gguf": "one file for llama.cpp, LM Studio and others",
    "gguf-lora": "the adapter alone, beside its base weights",
    "ollama": "the same as gguf with a Modelfile; made in a server that is up",
    "hf": "a folder for transformers, Unsloth, vLLM",
    "mlx": "a folder for mlx-lm",
    "dataset": "the rows that it learnt from, with their card",
}
"""Target -> what it is for."""
QUANTS: dict[str, tuple[str, ...]] = {"gguf": ("f16", "q8_0", "q4_k_m"), "ollama": ("q8_0", "f16", "q4_k_m")}
"""Target -> what it may be quantized to, the usual first; others are not quantized."""
QUANT_WORDS = {"f16": "f16, whole: 2 bytes a weight", "q8_0": "q8_0, half of that", "q4_k_m": "q4_k_m, a quarter of it"}


@dataclass(frozen=True, slots=True)
class Standing:
    """An export that stands in the run's folder. `passed`: its parity check; None where nothing is checked."""

    name: str
    size: int
    passed: bool | None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Exports:
    """What the screen shows.

    Args:
        round: the best accepted round, which is what is exported; None when there is none.
        job: the newest export's state, as `toolkit.run.export_job.ExportState` has it.
    """

    status: Status = "paused"
    round: int | None = None
    standing: tuple[Standing, ...] = ()
    job: Mapping[str, Any] = field(default_factory=dict)

    @property
    def working(self) -> bool:
        return self.job.get("state") == "working"

    @property
    def obstacle(self) -> str:
        """Why nothing can be exported now; empty when something can."""
        if self.status == "running":
            return "The run is going on: export when it has ended, or pause it first (p on its screen)."
        if self.round is None:
            return "No round was accepted yet: there is no trained student to export."
        return ""

    def replaces(self, to: str, quant: str | None) -> str:
        """The name of the export whose place a new one would take; empty when there is none."""
        name = export_name(self.round, to, quant)
        return name if any(one.name == name for one in self.standing) else ""

    @property
    def may_force(self) -> bool:
        """Whether the newest export failed because it does not answer as the student does."""
        parity = self.job.get("parity") or {}
        return self.job.get("state") == "failed" and parity.get("passed") is False


def export_name(round_number: int | None, to: str, quant: str | None) -> str:
    return "-".join(str(part) for part in (f"round-{round_number}", to, quant) if part)


def job_name(job: Mapping[str, Any]) -> str:
    """What is exported, in words."""
    return clean(" ".join(str(part) for part in (job.get("to"), job.get("quant")) if part), 60)


def bytes_words(count: int) -> str:
    """`98 MB` or `1.12 GB`."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{max(0.1, count / 1e6):.{0 if count >= 1e7 else 1}f} MB"
