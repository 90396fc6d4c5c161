"""Rows as they come from the teacher. Their text is shown literally, cut to one line."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from tui.state import Sample
from tui.widgets.marks import ACCEPTED, MUTED, REJECTED
from tui.widgets.scrolling import hanging

SKILL_CELLS = 18


class LatestSamples(Widget):
    """As many of the newest samples as fit, the newest at the bottom."""

    DEFAULT_CSS = "LatestSamples { height: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._samples: tuple[Sample, ...] = ()

    def show(self, samples: tuple[Sample, ...]) -> None:
        self._samples = samples
        self.refresh()

    def render(self) -> Content:
        if not self._samples:
            return Content.styled("nothing yet", MUTED)
        newest = self._samples[-max(1, self.size.height) :]
        return Content("\n").join(sample_line(sample, self.size.width) for sample in newest)


def sample_line(sample: Sample, width: int) -> Content:
    """Mark, skill and text of a sample; for a rejected one the reason, at the right edge."""
    mark, style = (ACCEPTED, "$success") if sample.accepted else (REJECTED, "$error")
    skill = Content(sample.skill or sample.output).truncate(SKILL_CELLS, ellipsis=True, pad=True)
    start = Content.assemble((f"{mark} ", style), skill.stylize(MUTED), "  ")
    reason = Content("") if sample.accepted else Content.styled(f"  {sample.reason}", style)
    room = max(8, width - start.cell_length - reason.cell_length)
    text = Content(sample.input).truncate(room, ellipsis=True, pad=not sample.accepted)
    if not sample.accepted:
        text = text.stylize(MUTED)
    return Content("").join([start, text, reason]).truncate(width, ellipsis=True)


def sample_lines(sample: Sample, width: int) -> Content:
    """A sample in full: its text, and below it what the checks said of a rejected one."""
    mark, style = (ACCEPTED, "$success") if sample.accepted else (REJECTED, "$error")
    skill = Content(sample.skill or sample.output).truncate(SKILL_CELLS, ellipsis=True, pad=True)
    start = Content.assemble((f"{mark} ", style), skill.stylize(MUTED), "  ")
    lines = [hanging(start, Content(sample.input), width)]
    if not sample.accepted:
        why = ": ".join(part for part in (sample.reason, sample.detail) if part)
        lines.append(hanging(Content(" " * start.cell_length), Content.styled(why, style), width))
    return Content("\n").join(lines)
