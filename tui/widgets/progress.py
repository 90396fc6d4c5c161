"""How far a fetch is, as a line."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message

from tui.text import clean
from tui.weights import size
from tui.widgets.marks import FAINT

BAR = 30
TICK = 0.2
"""Seconds between two signs of progress."""


class Fetched(Message):
    """How far a fetch is, in bytes."""

    def __init__(self, name: str, source: str, done: int, total: int) -> None:
        super().__init__()
        self.name, self.source, self.done, self.total = name, source, done, total

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Fetched) and message.name == self.name


def bar(progress: Fetched) -> Content:
    """A bar, the bytes, and where they come from."""
    share = progress.done / progress.total if progress.total else 0.0
    full = round(share * BAR)
    figures = f"  {size(progress.done)} of {size(progress.total)}  {clean(progress.source, 60)}"
    return Content.assemble("  ", ("━" * full, "$accent"), ("─" * (BAR - full), FAINT), figures)
