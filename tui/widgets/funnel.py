"""The yield funnel: what became of the questions to the teacher, step by step, as bars."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from tui.state import Yield
from tui.widgets.marks import FAINT, MUTED

NAME, COUNT, MOST_BAR = 24, 7, 48


class YieldFunnel(Widget):
    """Questions, replies and those of use; below them rows, of another scale: a reply holds many."""

    DEFAULT_CSS = "YieldFunnel { height: 8; margin-top: 1; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._gained = Yield()

    def show(self, gained: Yield) -> None:
        if gained != self._gained:
            self._gained = gained
            self.refresh()

    def render(self) -> Content:
        return funnel_lines(self._gained, self.size.width)


def funnel_lines(gained: Yield, width: int) -> Content:
    """A line for each step, with how many of the step before it were lost."""
    if not gained.asked and not gained.rows:
        return Content.styled("the teacher was asked nothing yet", MUTED)
    replies = (("asked of the teacher", gained.asked), ("answered", gained.answered), ("of use", gained.usable))
    rows = (
        ("rows in them", gained.rows),
        ("valid", gained.valid),
        ("not said before", gained.unique),
        ("trained on so far", gained.trained),
    )
    lines = [Content.styled("Yield", "bold")]
    for steps in (replies, rows):
        most = max(1, *(count for _, count in steps))
        before = steps[0][1]
        for name, count in steps:
            lines.append(_line(name, count, before - count, most, width))
            before = count
    return Content("\n").join(lines)


def _line(name: str, count: int, lost: int, most: int, width: int) -> Content:
    room = max(0, min(MOST_BAR, width - NAME - COUNT - 12))
    full = min(room, max(1, round(room * count / most))) if count else 0
    less = f"  −{lost}" if lost > 0 else ""
    return Content.assemble(
        (f"{name:<{NAME}}", MUTED),
        f"{count:>{COUNT - 2}}  ",
        ("━" * full, "$accent"),
        ("─" * (room - full), FAINT),
        (less, MUTED),
    )
