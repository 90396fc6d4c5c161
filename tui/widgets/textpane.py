"""A pane of text that scrolls, also by keys, and is drawn anew only when its text is new."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static


class TextPane(VerticalScroll):
    """Shows one text at a time; a new one is shown from its top."""

    DEFAULT_CSS = """
    TextPane { height: 1fr; scrollbar-size-vertical: 1; padding: 0 1; }
    TextPane > Static { height: auto; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._key: object = None

    def compose(self) -> ComposeResult:
        yield Static("")

    def show(self, build: Callable[[], Content], key: object) -> None:
        """Show what `build` gives, unless `key` is that of the last time. `key` begins with what the text is of."""
        if key == self._key:
            return
        same = isinstance(key, tuple) and isinstance(self._key, tuple) and key[:1] == self._key[:1]
        self._key = key
        self.query_one(Static).update(build())
        if not same:
            self.scroll_home(animate=False)
