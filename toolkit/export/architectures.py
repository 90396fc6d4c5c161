"""Which families can be merged into a GGUF file.

Those whose LoRA layers llama.cpp stores one to one, and which can be a student at all: transformers must read their
GGUF files. It cannot read those of Gemma 1 and Phi 2.
"""

from __future__ import annotations

from pathlib import Path

from toolkit.errors import ExportError
from toolkit.models.gguf_header import read_header

SUPPORTED = {
    "llama": "Llama, Mistral, SmolLM",
    "qwen2": "Qwen2, Qwen2.5",
    "qwen3": "Qwen3",
    "gemma2": "Gemma 2",
    "gemma3": "Gemma 3",
    "phi3": "Phi 3, Phi 4",
}
"""Architecture, as GGUF files name it -> the models that have it."""


def require_supported(architecture: str) -> None:
    """Raises ExportError, with the architecture's name, when it is none of these."""
    if architecture not in SUPPORTED:
        known = "; ".join(f"{name} ({models})" for name, models in SUPPORTED.items())
        raise ExportError(
            f"a student of the architecture {architecture!r} cannot be exported as GGUF; these can: {known}",
            "schoolhouse export RUN --to hf",
        )


def architecture_of(gguf: Path) -> str:
    """The architecture that a GGUF file names. Raises ModelError when it is none."""
    return read_header(gguf).architecture or "unknown"
