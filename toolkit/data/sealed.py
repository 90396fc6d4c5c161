"""The sealed exam: private items that can be had only with a reason, which is journaled first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from toolkit.data.fingerprints import Fingerprint, fingerprint
from toolkit.errors import JournalError
from toolkit.paths import write_text
from toolkit.types import Item

ITEMS = "private.jsonl"
FINGERPRINTS = "private.fingerprints.json"

EXAM = "final exam"
"""The reason of the first opening; a crash in the middle of the exam opens the items again for it."""


class Looks(Protocol):
    """What knows the earlier openings; a run's journal does, whoever reads it."""

    folder: Path

    def openings(self, split: str) -> list[dict[str, Any]]: ...


class Openings(Looks, Protocol):
    """What journals an opening; the run's one writer does."""

    def opened(self, split: str, reason: str) -> None: ...


class Sealed:
    """The private items of a run. Text comes out through `open` and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self._items, self._fingerprints = folder / ITEMS, folder / FINGERPRINTS

    @classmethod
    def write(cls, folder: Path, items: Iterable[Item]) -> Sealed:
        """Seal items in a folder; the file of hashes first, so that items never stand there unguarded."""
        items = list(items)
        prints = [fingerprint(item) for item in items]
        listed = [{**asdict(one), "shingles": sorted(one.shingles), "runs": sorted(one.runs)} for one in prints]
        write_text(folder / FINGERPRINTS, json.dumps({"count": len(items), "fingerprints": listed}))
        write_text(folder / ITEMS, as_lines(items))
        return cls(folder)

    @property
    def count(self) -> int:
        """How many items are sealed."""
        return int(self._side_file()["count"])

    def fingerprints(self) -> list[Fingerprint]:
        """The hashes of all items, for the firewall."""
        return [
            Fingerprint(one["item_id"], one["exact"], frozenset(one["shingles"]), frozenset(one["runs"]))
            for one in self._side_file()["fingerprints"]
        ]

    def open(self, journal: Openings, reason: str) -> list[Item]:
        """Journal the reason, then read the items.

        The first time they are opened for the exam; later for any reason, and what is found then is spent.
        Raises ValueError without a reason, JournalError for any other one before the exam.
        """
        if not reason.strip():
            raise ValueError("the sealed exam is opened for a reason only")
        if reason != EXAM:
            require_exam(journal)
        journal.opened("private", reason)
        return read_items(self._items)

    def _side_file(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_read(self._fingerprints))
        return found


def require_exam(journal: Looks) -> None:
    """Raises JournalError when the exam has not opened the sealed items yet."""
    if not times_opened(journal):
        message = f"{journal.folder.name} has not sat its exam: its items stay sealed until then"
        raise JournalError(message, f"schoolhouse show {journal.folder.name}")


def times_opened(journal: Looks) -> int:
    """How often the sealed items were opened; all openings for the exam itself are one look."""
    reasons = [str(opening["reason"]) for opening in journal.openings("private")]
    return int(EXAM in reasons) + sum(reason != EXAM for reason in reasons)


def as_lines(items: Iterable[Item]) -> str:
    """Items as JSON lines."""
    return "".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items)


def read_items(path: Path) -> list[Item]:
    """Items from JSON lines. Raises JournalError when the file is gone or damaged."""
    try:
        return [Item(**json.loads(line)) for line in _read(path).split("\n") if line]
    except (json.JSONDecodeError, TypeError) as error:
        raise JournalError(f"{path} is damaged: {error}", "start a new run") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}", "start a new run") from None
