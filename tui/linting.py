"""What a training would learn, as plain values. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Linted:
    """Rows as the student's chat template renders them, and what is wrong with them.

    Args:
        rows: number of each row and its texts; each text is trained on, or only read.
        summary: the counts in a line.
        findings: what is wrong, and what to write.
    """

    rows: tuple[tuple[int, tuple[tuple[str, bool], ...]], ...] = ()
    summary: str = ""
    findings: tuple[tuple[str, str], ...] = ()
