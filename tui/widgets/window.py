"""A list of which only the lines in view are built: as fast at 100,000 lines as at ten."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from tui.widgets.marks import FAINT, MUTED

Line = Callable[[int, int], Content | None]
"""A line's number and the width in cells -> the line; None while it is not there yet."""


class Window(ScrollView, can_focus=True):
    """Shows `count` lines that `line` builds when they come into view; one is pointed at.

    Args:
        empty: what stands there while there are no lines.
    """

    DEFAULT_CSS = """
    Window { height: 1fr; background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden; }
    Window > .window--cursor { background: $primary 12%; }
    Window:focus > .window--cursor { background: $primary 26%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"window--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000000)", "First", show=False),
        Binding("end", "move(1000000000)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]
    cursor: reactive[int] = reactive(0, init=False)

    class Moved(Message):
        """Another line is pointed at."""

        def __init__(self, window: Window, index: int) -> None:
            super().__init__()
            self.window, self.index = window, index

        @property
        def control(self) -> Window:
            return self.window

    class Opened(Moved):
        """Enter was pressed on a line."""

    def __init__(self, line: Line, empty: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line, self._empty = line, empty
        self.count = 0

    def fill(self, count: int, empty: str = "") -> None:
        """There are `count` lines now, perhaps other ones; what is in view is built again."""
        self.count, self._empty = count, empty or self._empty
        self.virtual_size = Size(0, max(1, count))
        if self.cursor >= count:
            self.cursor = max(0, count - 1)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        number, width = y + self.scroll_offset.y, self.size.width
        style = self.visual_style
        if number < self.count:
            content = self._line(number, width) or Content.styled("…", FAINT)
            if number == self.cursor:
                style += self.get_visual_style("window--cursor", partial=True)
        else:
            content = Content.styled(self._empty if number == 0 else "", MUTED)
        strips = Visual.to_strips(self, content.truncate(width, ellipsis=True), width, 1, style, pad=True)
        return strips[0]

    def validate_cursor(self, cursor: int) -> int:
        return min(max(0, cursor), max(0, self.count - 1))

    def watch_cursor(self, cursor: int) -> None:
        height = max(1, self.scrollable_content_region.height)
        top = self.scroll_offset.y
        if cursor < top:
            self.scroll_to(y=cursor, animate=False, immediate=True)
        elif cursor >= top + height:
            self.scroll_to(y=cursor - height + 1, animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Moved(self, cursor))

    def action_move(self, lines: int) -> None:
        self.cursor += lines

    def action_page(self, pages: int) -> None:
        self.cursor += pages * max(1, self.scrollable_content_region.height - 1)

    def action_open(self) -> None:
        if self.count:
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: Click) -> None:
        number = event.y + self.scroll_offset.y
        if number < self.count:
            if number == self.cursor:
                self.action_open()
            self.cursor = number
