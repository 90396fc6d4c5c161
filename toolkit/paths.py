"""Where things are kept, and how a file comes to stand under its final name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from toolkit.errors import DiskFullError, is_full


def cache_dir() -> Path:
    """The user's cache folder (weights, measurements); `SCHOOLHOUSE_CACHE` moves it."""
    if chosen := os.environ.get("SCHOOLHOUSE_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_path  # imported here: only commands that touch the cache need it

    return user_cache_path("schoolhouse")


def runs_dir() -> Path:
    """The folder that holds runs: `./runs`, or `SCHOOLHOUSE_RUNS`."""
    return Path(os.environ.get("SCHOOLHOUSE_RUNS", "runs"))


def recipe_dirs() -> list[Path]:
    """Where recipes are looked for by name: the working folder's first, then the shipped ones."""
    package = Path(__file__).parent
    candidates = [Path("recipes"), package / "_recipes", package.parent / "recipes"]
    found: dict[Path, Path] = {}
    for folder in candidates:
        if folder.is_dir():
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


@contextmanager
def atomic_write(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Write to a temporary neighbour, fsync, then replace: `path` is whole or absent.

    Raises DiskFullError when there is no room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    # line ends as they are: on Windows too, \r\n would else become \r\r\n
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with os.fdopen(handle, mode, **text) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if is_full(error):
            raise DiskFullError(path) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file atomically."""
    with atomic_write(path) as stream:
        stream.write(text)
