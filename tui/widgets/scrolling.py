"""A list of lines that grows at its end and stays where a person has scrolled to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.widgets.marks import MUTED

Build = Callable[[int], Sequence[Content]]
"""Lines for a width in cells."""


class GrowingList(VerticalScroll):
    """Shows lines; follows the newest one while the end is in view. Hidden, it draws nothing.

    Args:
        empty: what stands there while there are no lines.
    """

    DEFAULT_CSS = "GrowingList { height: 1fr; } GrowingList > Static { height: auto; }"

    def __init__(self, empty: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._empty = empty
        self._build: Build = lambda _width: ()
        self._key: object = None
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield Static(Content.styled(self._empty, MUTED))

    def show(self, build: Build, key: object) -> None:
        """Show what `build` gives; nothing is drawn when `key` is that of the last time."""
        self._build, self._key = build, key
        self._draw()

    def on_show(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.scrollable_content_region.width - self.styles.scrollbar_size_vertical
        drawing = (self._key, width)
        if self._key is None or width <= 0 or not self.size.height or drawing == self._drawn:
            return
        at_end = self._drawn is None or self.is_vertical_scroll_end
        self._drawn = drawing
        if lines := self._build(width):
            self.query_one(Static).update(Content("\n").join(lines))
        if at_end:
            # twice after a refresh: without animations the first one comes before the new lines have their height
            self.call_after_refresh(self.scroll_end, animate=False)


def hanging(start: Content, text: Content, width: int) -> Content:
    """`start`, then `text` wrapped to `width` cells so that its lines stand below each other."""
    indent = start.cell_length
    lines = text.wrap(max(8, width - indent))
    margin = Content(" " * indent)
    return Content("\n").join(
        Content("").join([margin if number else start, line]) for number, line in enumerate(lines)
    )
