"""A list to choose several from. What is chosen has a sign of its own: colour alone may be missing."""

from __future__ import annotations

from typing import TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widgets import SelectionList

from tui.widgets.marks import ACCEPTED

Value = TypeVar("Value")


class Checks(SelectionList[Value]):
    """Options with boxes: `[✓]` is chosen, `[ ]` is not."""

    def render_line(self, y: int) -> Strip:
        line = list(super().render_line(y))
        number = self.scroll_offset.y + y
        if number >= self.option_count:
            return Strip(line)
        _, box, _, gap, *rest = line  # textual's box has the same letter in it, whatever is chosen
        sign = ACCEPTED if self.get_option_at_index(number).value in self.selected else " "
        faint = (gap.style or Style()) + Style(dim=True, meta=(box.style or Style()).meta)  # the meta is for the mouse
        return Strip([Segment("[", faint), Segment(sign, box.style), Segment("]", faint), gap, *rest])
