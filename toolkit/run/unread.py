"""Whether a person has read a run's verdict on this machine. The screens keep it covered until then.

It is kept in the user's cache, by run and not by folder: a folder may be moved or be read only, and a journal has one
writer, the worker.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from toolkit.journal import JournalReader
from toolkit.paths import cache_dir
from toolkit.types import exam_was_sat

FOLDER = "verdicts-read"


def waits_unread(reader: JournalReader) -> bool:
    """Whether the run sat its exam, and nobody here has read what came of it."""
    return exam_was_sat(reader.meta("verdict")) and not was_read(reader)


def was_read(reader: JournalReader) -> bool:
    """Whether `keep_read` was told of this run, wherever its folder was then."""
    return _mark(reader).exists()


def keep_read(reader: JournalReader) -> None:
    """Note that a person has read the verdict. Where nothing can be kept, it is covered again the next time."""
    with suppress(OSError):
        mark = _mark(reader)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _mark(reader: JournalReader) -> Path:
    """An empty file for each run; its name is when the run was made, and of what recipe."""
    made = f"{reader.meta('created')} {reader.meta('fingerprint')}"
    return cache_dir() / FOLDER / sha256(made.encode()).hexdigest()[:32]
