"""The sealed exam: private items that can be had only with a reason, which is journaled first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from toolkit.data.embeddings import Embedder
from toolkit.data.fingerprints import Fingerprint, fingerprint
from toolkit.errors import JournalError
from toolkit.journal import Journal, JournalReader, arms_beside
from toolkit.paths import write_text
from toolkit.types import Item

ITEMS = "private.jsonl"
FINGERPRINTS = "private.fingerprints.json"

EXAM = "final exam"
"""The reason of the first opening; a crash in the middle of the exam opens the items again for it."""


class Sealed:
    """The private items of a run. Text comes out through `open_for_exam` and `open`, and nowhere else."""

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

    def embedded(self, embed: Embedder) -> tuple[list[str], Any]:
        """The ids of all items and their vectors, for the firewall: numbers come out, no text."""
        items = read_items(self._items)
        return [item.id for item in items], embed([item.input for item in items])

    def open_for_exam(self, journal: Journal) -> list[Item]:
        """Journal the opening, then read the items. For the exam only, and again when a crash has broken it off."""
        return self._opened(journal, EXAM)

    def open(self, journal: Journal, reason: str) -> list[Item]:
        """Journal the reason, then read the items once more after the exam; what is found then is spent.

        Raises ValueError without a reason, JournalError before the exam is over or for the exam's own reason.
        """
        if not reason.strip():
            raise ValueError("the sealed exam is opened for a reason only")
        require_exam(journal)
        if reason.strip().casefold() == EXAM:
            raise JournalError(f"{EXAM!r} is the exam's own reason: it was sat", "say why you look again")
        return self._opened(journal, reason)

    def _opened(self, journal: Journal, reason: str) -> list[Item]:
        journal.opened("private", reason)
        return read_items(self._items)

    def _side_file(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_read(self._fingerprints))
        return found


def require_exam(journal: JournalReader) -> None:
    """Raises JournalError when no student has its verdict yet; an exam that was only begun is not sat."""
    if not (journal.meta("verdict") or {}).get("student"):
        message = f"{journal.folder.name} has not sat its exam: its items stay sealed until then"
        raise JournalError(message, f"schoolhouse show {journal.folder.name}")


def times_opened(journal: JournalReader) -> int:
    """How often the sealed items were looked at."""
    return len(looks(journal))


def looks(journal: JournalReader) -> list[str]:
    """The reason of each look at the sealed items; all openings for the exam itself are one look.

    The other arms of a series have the same items, so a later look through one of them counts here as well.
    """
    own = _reasons(journal)
    found = [*([EXAM] if EXAM in own else []), *(reason for reason in own if reason != EXAM)]
    mine = (journal.meta("series") or {}).get("arm")
    for arm, folder in arms_beside(journal).items():
        if arm != mine:
            with suppress(JournalError), closing(JournalReader(folder)) as reader:
                found += [f"{arm}: {reason}" for reason in _reasons(reader) if reason != EXAM]
    return found


def _reasons(journal: JournalReader) -> list[str]:
    return [str(opening["reason"]) for opening in journal.openings("private")]


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
