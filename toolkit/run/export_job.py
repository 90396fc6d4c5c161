"""An export in a process of its own, which writes into the run's folder how far it is: for screens that never wait.

`python -m toolkit.run.export_job FOLDER TARGET [QUANT] [--force]` is that process; `start_export` starts it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from toolkit.errors import ExportError, SchoolhouseError
from toolkit.export.export import TARGETS, Target
from toolkit.export.quantize import QUANTS, Quant
from toolkit.hardware.alive import is_alive
from toolkit.paths import write_text
from toolkit.process import start_command
from toolkit.run.run import Run

STATE, LOG = "export.json", "export.log"
TICK = 0.3
"""Seconds between two signs of progress."""
START_SECONDS = 60.0
"""How long a process may take before its first sign of life."""
SILENT_FIX = "export again; what it wrote last is in {log}"

State = Literal["working", "done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class ExportState:
    """How far the newest export of a run is.

    Args:
        what: what is being done; `done` of `total` parts of it.
        worker: pid and creation time of its process; None until that has begun.
        parity: the gate's finding, as `Parity.to_json` gives it, with its `sentence`.
        files: how many, of `size` bytes in all; `usage`: what to do with them.
        created: the model's name in a running Ollama server.
    """

    to: Target
    quant: Quant | None = None
    force: bool = False
    state: State = "working"
    what: str = "starting"
    done: int = 0
    total: int = 0
    started: float = 0.0
    ended: float | None = None
    worker: dict[str, float] | None = None
    folder: str = ""
    files: int = 0
    size: int = 0
    usage: tuple[str, ...] = ()
    created: str | None = None
    parity: dict[str, Any] | None = None
    message: str = ""
    fix: str = ""


def start_export(folder: Path, to: Target, quant: Quant | None = None, *, force: bool = False) -> None:
    """Begin an export and return at once. Raises ExportError while another one of this run is going on."""
    now = export_state(folder)
    if now and now.state == "working":
        raise ExportError("an export of this run is going on", "wait for its end, or stop it")
    _write(folder, ExportState(to, quant, force, started=time.time()))
    command = [str(folder.resolve()), to, *([quant] if quant else []), *(["--force"] if force else [])]
    with (folder / LOG).open("wb") as log:
        subprocess.Popen(
            start_command("toolkit.run.export_job", *command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def stop_export(folder: Path) -> None:
    """End the export that is going on; nothing of it is left. Without one nothing happens."""
    import psutil

    now = export_state(folder)
    if now and now.state == "working" and now.worker and is_alive(now.worker):
        psutil.Process(int(now.worker["pid"])).terminate()


def export_state(folder: Path) -> ExportState | None:
    """The newest export; None when there was none. One whose process is gone without a word has failed."""
    try:
        found = json.loads((folder / STATE).read_text(encoding="utf-8"))
        state = ExportState(**{**found, "usage": tuple(found.get("usage", ()))})
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    if state.state != "working":
        return state
    silent = time.time() - state.started > START_SECONDS if state.worker is None else not is_alive(state.worker)
    if not silent:
        return state
    last = _last_words(folder / LOG)
    message = "the export ended without a word" + (f": {last}" if last else "")
    return replace(state, state="failed", message=message, fix=SILENT_FIX.format(log=folder / LOG))


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""


def _write(folder: Path, state: ExportState) -> None:
    write_text(folder / STATE, json.dumps(asdict(state)))


class Job:
    """The export, as its own process sees it."""

    def __init__(self, folder: Path, state: ExportState) -> None:
        import psutil

        me = psutil.Process()
        self.folder = folder
        self.state = replace(state, worker={"pid": me.pid, "created": me.create_time()})
        self._told = 0.0
        _write(folder, self.state)

    def work(self) -> int:
        """Carry it out; the exit code."""
        try:
            changes = self._export()
        except SchoolhouseError as error:
            changes = {"state": "failed", "message": error.message, "fix": error.fix}
        except KeyboardInterrupt:
            changes = {"state": "stopped", "message": "the export was stopped; nothing of it is left"}
        except Exception as error:
            traceback.print_exc()
            fix = SILENT_FIX.format(log=self.folder / LOG)
            changes = {"state": "failed", "message": f"{type(error).__name__}: {error}", "fix": fix}
        parity = {"parity": self._parity(changes)}
        _write(self.folder, replace(self.state, ended=time.time(), **{**parity, **changes}))
        return 0 if changes["state"] == "done" else 1

    def _export(self) -> dict[str, Any]:
        from toolkit.run.export import export_run

        order = self.state
        found = export_run(
            Run.open(self.folder), order.to, quant=order.quant, force=order.force, progress=self._progress
        )
        made = found.export
        parity = {**made.parity.to_json(), "sentence": made.parity.sentence()} if made.parity else None
        return {
            "state": "done",
            "folder": str(made.folder.resolve()),
            "files": len(made.files),
            "size": sum((made.folder / name).stat().st_size for name in made.files),
            "usage": made.usage,
            "created": found.created,
            "parity": parity,
        }

    def _progress(self, what: str, done: int, total: int) -> None:
        if what != self.state.what or time.monotonic() - self._told > TICK:
            self._told = time.monotonic()
            self.state = replace(self.state, what=what, done=done, total=total)
            _write(self.folder, self.state)

    def _parity(self, changes: dict[str, Any]) -> dict[str, Any] | None:
        """What the gate found in this very export, when that is why it failed."""
        run = Run(self.folder)
        event = run.reader.last_event("parity")
        run.reader.close()
        if event is None or event["at"] < self.state.started or changes["state"] != "failed":
            return None
        return {**event["data"], "sentence": str(changes["message"])}


def main(arguments: Sequence[str]) -> int:
    """The process: FOLDER TARGET [QUANT] [--force]."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    force = "--force" in arguments
    folder, to, *quant = [argument for argument in arguments if argument != "--force"]
    if to not in TARGETS or any(one not in QUANTS for one in quant):
        raise SystemExit(f"there is no export {to} {' '.join(quant)}")
    state = ExportState(to, cast("Quant | None", next(iter(quant), None)), force, started=time.time())
    return Job(Path(folder), state).work()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
