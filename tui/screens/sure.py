"""Sure: a last question before something is lost, or written."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.keys import Keys
from tui.widgets.marks import MUTED


class SureScreen(ModalScreen[bool]):
    """Asks whether to do it; True only after y.

    Args:
        question: a short one.
        words: what is lost, written or kept.
        yes: what y does, in two or three words.
    """

    CSS_PATH = "choose.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("escape,n,enter", "dismiss(False)", "No"),
    ]

    def __init__(self, question: str, words: str | Content, yes: str) -> None:
        super().__init__()
        self._question, self._words, self._yes = question, Content(words) if isinstance(words, str) else words, yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._question)
            with VerticalScroll(id="sure-body"):
                yield Static(self._words)
            yield Static(Content.styled(f"y: {self._yes}. Escape: leave it as it is.", MUTED), id="sure-hint")
        yield Keys()
