"""The tree of attempts for people: which data program came from which, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

Attempt = dict[str, Any]
MAX_ERROR_LINES = 6


def attempts_table(attempts: Sequence[Attempt]) -> Table:
    """One line an attempt, indented below the attempt that it came from."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("attempt", "from", "calls", "rows", "valid", "outcome", "round", "gain on gate"):
        table.add_column(column, overflow="fold")
    depths: dict[int, int] = {}
    for attempt in attempts:
        depths[attempt["attempt"]] = depth = depths.get(attempt["parent"], -1) + 1
        parent = str(attempt["parent"] or "")
        name = f"{'  ' * depth}{attempt['attempt']} {attempt['operation']}"
        counts = (str(attempt[key]) for key in ("calls", "submitted", "accepted"))
        in_round = f"{attempt['round']}: {attempt['decision'] or '…'}" if attempt["round"] else ""
        table.add_row(*(Text(cell) for cell in (name, parent, *counts, _outcome(attempt), in_round, _gain(attempt))))
    return table


def attempt_details(attempts: Sequence[Attempt]) -> Iterator[Text]:
    """What each failed attempt failed with, and why a plan was changed."""
    for attempt in attempts:
        error = (attempt["error"] or "").strip().splitlines()
        if attempt["status"] == "failed" and error:
            last = error[-MAX_ERROR_LINES:]
            yield Text("\n".join([f"attempt {attempt['attempt']} failed:", *(f"  {line}" for line in last)]))
        for change in attempt["changes"]:
            yield Text(f"attempt {attempt['attempt']}: {change['what']} — {change['why']}")


def _gain(attempt: Attempt) -> str:
    """Absolute points, and relative to the better untrained student."""
    points, relative = attempt["gain_points"], attempt["gain_relative"]
    if points is None:
        return ""
    return f"{points:+.1f} points" + (f", {100 * relative:+.0f} %" if relative is not None else "")


def _outcome(attempt: Attempt) -> str:
    return str(attempt["error_class"] or attempt["status"]) if attempt["status"] != "valid" else "valid"
