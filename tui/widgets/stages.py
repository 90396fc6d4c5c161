"""The stages of a run as a row, and how far the run is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.content import Content
from textual.widget import Widget

from tui.state import RunView, Stage
from tui.text import about, duration
from tui.widgets.marks import FAINT, MUTED, STAGE_MARKS

WORDS = {
    "prepare": "reading the data",
    "baseline": "asking the untrained student",
    "plan": "the engineer plans",
    "generate": "the teacher writes",
    "train": "the student learns",
    "evaluate": "asking the student",
    "exam": "the sealed exam",
    "report": "writing the report",
}
MOST_CELL = 18
Wish = Literal["", "pause", "go on"]


class StageRow(Widget):
    """Stages from left to right: their state above, their time below."""

    DEFAULT_CSS = "StageRow { height: 2; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stages: tuple[Stage, ...] = ()
        self._now = 0.0

    def show(self, view: RunView, now: float) -> None:
        self._stages, self._now = view.stages, now
        self.refresh()

    def render(self) -> Content:
        if not self._stages:
            return Content("")
        pairs = list(zip(self._stages, cells(self._stages, self.size.width), strict=True))
        above = [_name_cell(stage, cell) for stage, cell in pairs]
        below = [_time_cell(stage, cell, self._now) for stage, cell in pairs]
        return Content("\n").join([Content("").join(above), Content("").join(below)])


def cells(stages: Sequence[Stage], width: int) -> list[int]:
    """The width of each stage: equal ones when every name fits, else as long as the names, else cut."""
    equal = min(MOST_CELL, width // len(stages))
    wanted = [len(stage.name) + 4 for stage in stages]
    return wanted if max(wanted) > equal and sum(wanted) <= width else [equal] * len(stages)


def _name_cell(stage: Stage, width: int) -> Content:
    mark, style = STAGE_MARKS[stage.state]
    label = f" {mark} {stage.name.capitalize()} "[:width]
    name_style = style if stage.state != "done" else ""
    if stage.state == "done":
        text = Content.assemble(" ", (mark, style), (label[2:], name_style))
    else:
        text = Content.styled(label, style)
    return text.pad_right(width - text.cell_length)


def _time_cell(stage: Stage, width: int, now: float) -> Content:
    seconds = stage.seconds(now)
    words = "" if seconds is None else duration(seconds)
    if len(words) > width - 3:  # rather hours than half a figure
        words = f"{(seconds or 0) / 3600:.0f} h"
    style = "bold $accent" if stage.state == "live" else MUTED
    return Content.styled(f"   {words}".ljust(width)[:width], style)


class Progress(Widget):
    """What is going on, in words, over a bar with the time that is left."""

    DEFAULT_CSS = "Progress { height: 2; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: RunView | None = None
        self._now = 0.0
        self._words = ("", "")

    def show(self, view: RunView, now: float, words: tuple[str, str]) -> None:
        """`words` and their style stand above the bar; see `activity`."""
        self._view, self._now, self._words = view, now, words
        self.refresh()

    def render(self) -> Content:
        if self._view is None:
            return Content("")
        words, style = self._words
        text, width = Content.styled(words, style), self.size.width
        if style in ("$error", "bold") and text.cell_length > width:  # errors and verdicts are worth more than the bar
            first, *more = text.wrap(width)
            return Content("\n").join([first, Content(" ").join(more).truncate(width, ellipsis=True)])
        return Content("\n").join([text.truncate(width, ellipsis=True), self._bar(self._view)])

    def _bar(self, view: RunView) -> Content:
        share = view.progress(self._now)
        left = view.seconds_left(self._now)
        words = ""
        if share is not None:
            words = f"  {100 * share:3.0f} %"
        if left is not None:
            words += f"   about {about(left)} left" if left > 0 else "   nearly done"
        width = min(60, max(10, self.size.width - len(words) - 1))
        full = round((share or 0.0) * width)
        colour = "$success" if view.status == "finished" else "$accent"
        return Content.assemble(("━" * full, colour), ("─" * (width - full), FAINT), words)


def activity(view: RunView, wish: Wish = "", problem: str = "") -> tuple[str, str]:
    """The state of a run in words, with the style to show them in.

    Args:
        wish: what a person has just asked for, and the run has not done yet.
        problem: why the journal cannot be read.
    """
    if problem:
        return problem, "$error"
    if not view.seen:
        return "Opening …", MUTED
    if wish == "go on" and view.status != "running":
        return "Starting …", MUTED
    if view.failure and view.status == "broken":
        error, fix = view.failure
        return (f"{error}  Fix: {fix}" if fix else error), "$error"
    if view.status == "broken":
        return "The worker process is gone. Everything so far is kept: press p to go on.", "$error"
    if view.status == "finished":
        return _ended(view)
    if view.status == "paused" and view.waiting:
        waiting = view.waiting[0]
        sent_back = f" It was sent back: {waiting.problem}" if waiting.problem else ""
        return f"The {waiting} waits for you: press a to look at it.{sent_back}", "bold $accent"
    if view.status == "paused":
        return "Paused. Everything so far is kept: press p to go on.", "$warning"
    if wish == "pause":
        return "Stopping at the next safe point …", "$warning"
    return _doing(view), ""


def _ended(view: RunView) -> tuple[str, str]:
    if view.unread:
        return "The exam has been sat. Press v to open its verdict.", "bold $accent"
    return view.verdict or "Finished.", "bold"


def _doing(view: RunView) -> str:
    stage = view.live
    if stage is None:
        return "Starting …"
    parts = []
    if view.round and stage.name in ("plan", "generate", "train", "evaluate"):
        parts.append(f"Round {view.round}" + (f" of {view.limits.rounds}" if view.limits.rounds else ""))
    parts.append(WORDS.get(stage.name, stage.name))
    if stage.name == "generate" and view.teaching.calls:
        teaching = view.teaching
        parts.append(f"{teaching.calls} replies, {teaching.accepted} rows, {teaching.tokens_per_second:.0f} tokens/s")
    if stage.name == "train" and view.training.round == view.round and view.training.steps:
        parts.append(f"step {view.training.step} of {view.training.steps}")
        if view.training.seconds_left is not None:
            parts.append(f"{duration(view.training.seconds_left)} to go")
    return " · ".join(parts)
