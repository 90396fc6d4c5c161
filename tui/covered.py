"""What an exam found stays covered until a person opens its verdict. Pure."""

from __future__ import annotations

from dataclasses import replace

from tui.eventlog import LogLine
from tui.state import RunView


def covered(view: RunView) -> RunView:
    """The view without the exam's scores and its verdict; once that was read, the view as it is."""
    if view.read:
        return view
    return replace(
        view,
        scores=tuple(point for point in view.scores if point.split != "private"),
        log=tuple(line for line in map(_covered, view.log) if line.text),
        verdict="" if view.examined else view.verdict,
    )


def _covered(line: LogLine) -> LogLine:
    return line if line.instead is None else replace(line, text=line.instead, tone="live")
