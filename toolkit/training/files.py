"""Folders and checkpoints of a training. No pickle: tensors are safetensors, the rest is JSON."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from toolkit.paths import write_text
from toolkit.types import Json

JOB = "job.json"
WEIGHTS = ("adapter_model.safetensors", "model.safetensors")
"""What a finished training has: an adapter, or all weights."""
_CHECKPOINT = "step-*.safetensors"
_KEPT = 2  # should the newest be damaged, the one before it stands


def is_complete(folder: Path, fingerprint: str) -> bool:
    """Whether the trained student of this job stands."""
    return any((folder / name).is_file() for name in WEIGHTS) and _fingerprint(folder) == fingerprint


def make_room(folder: Path) -> None:
    """Move an adapter of another job aside, to `NAME.replaced`; only the last one is kept."""
    if folder.exists():
        aside = folder.with_name(f"{folder.name}.replaced")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)


def checkpoints_of(folder: Path, fingerprint: str) -> Path:
    """The folder for this job's checkpoints; another job's are removed first."""
    partial = folder.with_name(f"{folder.name}.partial")
    if partial.exists() and _fingerprint(partial) != fingerprint:
        shutil.rmtree(partial)
    if not partial.exists():
        partial.mkdir(parents=True)
        write_text(partial / JOB, json.dumps({"fingerprint": fingerprint}))
    return partial


def _fingerprint(folder: Path) -> str:
    try:
        return str(json.loads((folder / JOB).read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """A temporary folder that becomes `final` once all of its files are on the disk."""
    temporary = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # of a training that was killed here
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in [file for file in temporary.rglob("*") if file.is_file()]:
            _sync(path)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save_checkpoint(
    folder: Path, step: int, tensors: dict[str, Any], state: Json, framework: Literal["pt", "np"] = "pt"
) -> None:
    """Write one file with all that a training needs to go on after `step`; all but the one before it are removed.

    Args:
        framework: what `tensors` are: torch's or numpy's.
    """
    save_file = import_module(f"safetensors.{'torch' if framework == 'pt' else 'numpy'}").save_file
    final = folder / f"step-{step:08d}.safetensors"
    temporary = folder / f".{final.name}.tmp"
    try:
        save_file(tensors, temporary, metadata={"state": json.dumps(state)})
        _sync(temporary)
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)  # half of a checkpoint helps nobody, least of all a full disk
    older = sorted(path for path in folder.glob(_CHECKPOINT) if path != final)
    for path in older[: 1 - _KEPT]:
        path.unlink()


def newest_checkpoint(folder: Path, framework: Literal["pt", "np"] = "pt") -> tuple[int, dict[str, Any], Json] | None:
    """Step, tensors and state of the newest readable checkpoint."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.glob(_CHECKPOINT), reverse=True):
        try:
            with safe_open(path, framework=framework) as stored:
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - not a dict
                return int(path.stem[5:]), tensors, json.loads(stored.metadata()["state"])
        except (SafetensorError, OSError, ValueError, KeyError):
            continue  # cut short by a full disk: an older one may stand
    return None
