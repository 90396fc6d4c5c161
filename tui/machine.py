"""The machine's state as `doctor` finds it, as plain values. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tui.text import clean


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` is the command that helps, `needed` whether a run needs it."""

    what: str
    state: str
    ok: bool
    fix: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """All findings, and when they were made, in seconds since the epoch."""

    findings: tuple[Finding, ...] = ()
    at: float = 0.0

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What is missing and needed."""
        return tuple(found for found in self.findings if found.needed and not found.ok)

    @property
    def sentence(self) -> str:
        """The machine's state in a line; empty before anything was looked at."""
        if not self.findings:
            return ""
        if not self.problems:
            return "all that the quickstart needs is here"
        names = dict.fromkeys(found.what for found in self.problems)
        return f"needed and not here: {', '.join(names)}"


def findings_of(records: Iterable[Any]) -> tuple[Finding, ...]:
    """The findings in what `schoolhouse doctor --json` prints; what is not a finding is left out."""
    return tuple(
        Finding(
            clean(str(record["what"]), 40),
            clean(str(record.get("state", "")), 300),
            bool(record.get("ok")),
            clean(str(record.get("fix", "")), 300),
            bool(record.get("needed", True)),
        )
        for record in records
        if isinstance(record, dict) and "what" in record
    )


@dataclass(frozen=True, slots=True)
class Lacking:
    """Weights that a recipe needs and this machine does not have; `size` in bytes, 0 where nobody knows."""

    name: str
    size: int = 0
