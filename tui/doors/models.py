"""The catalog of weights, and what was measured of models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tui.doors.child import ChildDoor
from tui.weights import Memory, ModelLine, probe_lines

if TYPE_CHECKING:
    from toolkit.models.catalog import Entry
    from toolkit.models.probe import Probe
    from toolkit.models.weights import Progress as Fetched

Progress = Callable[[str, int, int], None]
"""Source, bytes so far, bytes in all."""

LOCAL = "llama_cpp/"
"""The backend that runs the catalog's weights."""


class StoppedError(Exception):
    """The program is being left, or the person wants no fetch any more; what was fetched is kept."""


class ModelsDoor(ChildDoor):
    """What the Models screen asks. Every method may block."""

    def models(self) -> list[ModelLine]:
        """The catalog, then models on servers that were measured."""
        from toolkit.hardware import machine
        from toolkit.models.catalog import CATALOG
        from toolkit.models.probe import cached_probes

        here = machine(Path())
        memory = Memory(here.memory, here.memory_free)
        probes = {found.name: found for found in cached_probes()}
        lines = [_line(entry, memory, probes.pop(LOCAL + entry.name, None)) for entry in CATALOG]
        return [*lines, *(_on_server(found) for name, found in probes.items() if not name.startswith(LOCAL))]

    def pull(self, name: str, progress: Progress) -> Path:
        """Fetch weights; a cut download goes on where it stopped. Raises ModelError, StoppedError."""
        from toolkit.models.weights import pull

        def tell(found: Fetched) -> None:
            if self.leaving:
                raise StoppedError(name)
            progress(found.source, found.done, found.total)

        return pull(name, tell)

    def measure(self, name: str) -> None:
        """Probe a model of the catalog, in a process of its own; about two minutes. Raises SchoolhouseError."""
        self.command("models", "probe", LOCAL + name, "--again", "--json")


def _line(entry: Entry, memory: Memory, found: Probe | None) -> ModelLine:
    from toolkit.models.weights import present

    return ModelLine(
        entry.name,
        entry.size,
        entry.licence,
        entry.context,
        entry.parameters,
        tuple(map(str, entry.sources)),
        present(entry.name),
        entry.size * 1.3 < memory.total,  # weights, and some room for a context
        memory,
        _words(found) if found else (),
    )


def _on_server(found: Probe) -> ModelLine:
    return ModelLine(found.name, 0, "", found.context, 0, (), True, True, probe=_words(found))


def _words(found: Probe) -> tuple[str, ...]:
    from toolkit.engineer.fit_for import known_fitness, page

    return probe_lines(tuple(page(found, known_fitness(found.name))))
