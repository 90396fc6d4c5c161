"""An export's folder: whole or absent, with a manifest of its files' hashes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from toolkit.errors import DiskFullError, ExportError, is_full
from toolkit.models.weights import sha256_of
from toolkit.types import Json

MANIFEST = "manifest.json"
MAKER, OURS = "made_by", "schoolhouse export"
"""What our manifest says of itself; other programs write a `manifest.json` too."""


@contextmanager
def whole_export(final: Path) -> Iterator[Path]:
    """A temporary neighbour that takes the place of `final` when all of it is on the disk.

    An earlier export there is replaced; anything else is left alone.
    Raises ExportError when something else stands there, DiskFullError when there is no room.
    """
    check_place(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # of an export that was killed here
    temporary.mkdir()
    try:
        yield temporary
        _sync_all(temporary)
        _put(temporary, final)
    except OSError as error:
        if is_full(error):
            raise DiskFullError(final) from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_place(final: Path) -> None:
    """Raises ExportError when `final` holds anything but an earlier export: what stands there is deleted."""
    if not final.exists() or (final.is_dir() and not any(final.iterdir())):
        return
    fix = "name another folder with --out"
    written = _written(final)
    if written is None:
        raise ExportError(f"{final} is there already and is no export", fix)
    found = {path.relative_to(final).as_posix() for path in final.rglob("*") if path.is_symlink() or path.is_file()}
    if strange := sorted(found - written):
        what = f"{strange[0]}{f' and {len(strange) - 1} more' if len(strange) > 1 else ''}"
        raise ExportError(f"{final} also holds {what}, which no export wrote", f"move that away, or {fix}")


def _written(folder: Path) -> set[str] | None:
    """The files that an earlier export wrote into `folder`; None when the folder is no export."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {*found["files"], MANIFEST} if found[MAKER] == OURS else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_manifest(folder: Path, about: Mapping[str, Json]) -> dict[str, str]:
    """Write `manifest.json`: what the export is, and size and SHA-256 of each file; returns path -> SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    hashes = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    listed = {name: {"sha256": found, "bytes": (folder / name).stat().st_size} for name, found in hashes.items()}
    text = json.dumps({MAKER: OURS, **about, "files": listed}, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return hashes


def _put(temporary: Path, final: Path) -> None:
    check_place(final)  # again: an export takes minutes, and what came meanwhile is somebody's
    aside = final.with_name(f".{final.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if final.exists():
        final.rename(aside)
    temporary.rename(final)
    shutil.rmtree(aside, ignore_errors=True)
    if hasattr(os, "O_DIRECTORY"):  # a folder's own entry is written on POSIX only
        _sync(final.parent, os.O_RDONLY)


def _sync_all(folder: Path) -> None:
    for path in [file for file in folder.rglob("*") if file.is_file()]:
        _sync(path, os.O_RDWR)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
