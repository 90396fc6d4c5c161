"""The catalog of weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str, int, int], None]
"""Source, bytes so far, bytes in all."""


@dataclass(frozen=True, slots=True)
class ModelLine:
    """Weights in the catalog. Sizes in bytes; `fits` compares the file with the memory of this machine."""

    name: str
    size: int
    licence: str
    context: int
    parameters: int
    sources: tuple[str, ...]
    here: bool
    fits: bool


class ModelsDoor:
    """What the Models screen asks. Every method may block."""

    def models(self) -> list[ModelLine]:
        from toolkit.hardware import machine
        from toolkit.models.catalog import CATALOG
        from toolkit.models.weights import present

        memory = machine(Path()).memory
        return [
            ModelLine(
                entry.name,
                entry.size,
                entry.licence,
                entry.context,
                entry.parameters,
                tuple(map(str, entry.sources)),
                present(entry.name),
                entry.size * 1.3 < memory,  # weights, and some room for a context
            )
            for entry in CATALOG
        ]

    def pull(self, name: str, progress: Progress) -> Path:
        """Fetch weights; a cut download goes on where it stopped. Raises ModelError."""
        from toolkit.models.weights import pull

        return pull(name, lambda found: progress(found.source, found.done, found.total))
