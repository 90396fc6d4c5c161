"""A last look before a run is started."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.state import RecipeLine
from tui.text import clean


class ConfirmScreen(ModalScreen[bool]):
    """Asks whether a recipe is to be started; True when it is."""

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,enter", "start", "Start", priority=True),
        Binding("escape,n", "dismiss(False)", "Not now"),
    ]

    def __init__(self, recipe: RecipeLine) -> None:
        super().__init__()
        self.recipe = recipe

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Start {clean(self.recipe.name, 40)}?")
            yield Static(Content(clean(self.recipe.about, 300)), id="about")
            yield Static(Content("…"), id="estimate")
            yield Static(Content("It runs in a process of its own: closing this window does not stop it."), id="note")
            with Horizontal(id="buttons"):
                yield Button(Content("Start (s)"), id="start", variant="primary")
                yield Button(Content("Not now (esc)"), id="cancel")

    def show_estimate(self, words: str) -> None:
        self.query_one("#estimate", Static).update(Content(words))

    def action_start(self) -> None:
        self.dismiss(self.focused is None or self.focused.id != "cancel")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "start")
