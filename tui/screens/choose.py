"""Choose: one of a few named values, or a text to search for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.widgets.keys import Keys
from tui.widgets.marks import MUTED


class ChooseScreen(ModalScreen[tuple[Any]]):
    """Asks for one of these; gives it in a tuple, or None when nothing was chosen.

    Args:
        options: (what is shown, the value).
        now: the value that is set.
    """

    CSS_PATH = "choose.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Choose nothing")]

    def __init__(self, title: str, options: Sequence[tuple[str, Any]], now: Any = None) -> None:
        super().__init__()
        self._title, self._options, self._now = title, list(options), now

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield OptionList(*(Option(Content(shown)) for shown, _ in self._options), markup=False)
            yield Static(Content.styled("Enter: choose. Escape: choose nothing.", MUTED))
        yield Keys()

    def on_mount(self) -> None:
        values = [value for _, value in self._options]
        self.query_one(OptionList).highlighted = values.index(self._now) if self._now in values else 0

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss((self._options[event.option_index][1],))


class AskScreen(ModalScreen[str]):
    """Asks for a line of text; None when it was left."""

    CSS_PATH = "choose.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Go", priority=True),  # the field's own Enter is in no row of keys
        Binding("escape", "dismiss(None)", "Leave it"),
    ]

    def __init__(self, title: str, text: str = "", hint: str = "") -> None:
        super().__init__()
        self._title, self._text, self._hint = title, text, hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Input(self._text, max_length=200)
            yield Static(Content.styled(self._hint or "Enter: go. Escape: leave it.", MUTED))
        yield Keys()

    async def action_go(self) -> None:
        await self.query_one(Input).action_submit()

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
