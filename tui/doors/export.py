"""Exports of a run's student: what stands, what is going on, beginning and stopping one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tui.text import clean

if TYPE_CHECKING:
    from toolkit.journal import JournalReader
    from tui.exporting import Exports, Standing
    from tui.state import Status


class ExportDoor:
    """What the Export screen asks. Every method may block."""

    def exports(self, reader: JournalReader, status: Status) -> Exports:
        from toolkit.run.export_job import export_state
        from tui.exporting import Exports

        accepted = [
            found["number"] for found in reader.rounds() if found["decision"] == "accepted" and found["adapter"]
        ]
        job = export_state(reader.folder)
        standing = tuple(
            filter(None, (_standing(path) for path in sorted(reader.folder.glob("exports/*/manifest.json"))))
        )
        return Exports(status, accepted[-1] if accepted else None, standing, asdict(job) if job else {})

    def start_export(self, folder: Path, to: str, quant: str | None, force: bool = False) -> None:
        """Begin an export in a process of its own. Raises ExportError while another one is going on."""
        from toolkit.export.export import Target
        from toolkit.export.quantize import Quant
        from toolkit.run.export_job import start_export

        start_export(folder, cast(Target, to), cast("Quant | None", quant), force=force)

    def stop_export(self, folder: Path) -> None:
        from toolkit.run.export_job import stop_export

        stop_export(folder)


def _standing(manifest: Path) -> Standing | None:
    """An export that stands; None when its manifest cannot be read."""
    from tui.exporting import Standing

    try:
        found: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        size = sum(int(file["bytes"]) for file in found["files"].values())
        passed = (found.get("parity") or {}).get("passed")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    passed = passed if isinstance(passed, bool) else None  # a file that someone may have written over
    return Standing(clean(manifest.parent.name, 80), size, passed, bool(found.get("forced")))
