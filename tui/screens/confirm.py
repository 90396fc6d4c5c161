"""A last look before a run is started, and the arms that it may be started in."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, SelectionList, Static
from textual.widgets.selection_list import Selection

from tui.recipes import ARMS
from tui.state import RecipeLine
from tui.text import clean
from tui.widgets.checks import Checks
from tui.widgets.marks import MUTED


class ConfirmScreen(ModalScreen[tuple[str, ...]]):
    """Asks whether a recipe is to be started: the arms that are wanted, none for a run as it stands; None: not now."""

    CSS_PATH = "confirm.tcss"
    AUTO_FOCUS = "#start"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,enter", "start", "Start", priority=True),
        Binding("a", "arms", "Arms"),
        Binding("escape,n", "dismiss(None)", "Not now"),
        Binding("question_mark,f1", "app.help", "Help", show=False),  # a modal screen hides the application's keys
    ]

    def __init__(self, recipe: RecipeLine) -> None:
        super().__init__()
        self.recipe = recipe

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Start {clean(self.recipe.name, 40)}?")
            yield Static(Content(clean(self.recipe.about, 300)), id="about")
            yield Static(Content("…"), id="estimate")
            yield Static("", id="arms-words")
            yield Checks(*(Selection(_arm(name), name, id=name) for name in ARMS), id="arms")
            yield Static(Content("It runs in a process of its own: closing this window does not stop it."), id="note")
            with Horizontal(id="buttons"):
                yield Button(Content("Start (s)"), id="start", variant="primary")
                yield Button(Content("Not now (esc)"), id="cancel")

    def on_mount(self) -> None:
        self.show_arms()

    @property
    def arms(self) -> tuple[str, ...]:
        """What is chosen, in the order of the list."""
        chosen = self.query_one("#arms", SelectionList).selected
        return tuple(name for name in ARMS if name in chosen)

    def show_estimate(self, words: str) -> None:
        self.query_one("#estimate", Static).update(Content(words))

    @on(SelectionList.SelectedChanged)
    def show_arms(self) -> None:
        count = len(self.arms)
        if not count:
            words = "Arms (a, then space): none chosen, one run as the recipe says."
        elif count == 1:
            words = "One arm: one run, in this way."
        else:
            words = f"{count} arms: {count} runs, one after another, each as long as that; compared at the end."
        self.query_one("#arms-words", Static).update(Content(words))

    def action_arms(self) -> None:
        self.query_one("#arms").focus()

    def action_start(self) -> None:
        leave = self.focused is not None and self.focused.id == "cancel"
        self.dismiss(None if leave else self.arms)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(self.arms if event.button.id == "start" else None)


def _arm(name: str) -> Content:
    return Content.assemble((f"{name:<10}", "bold"), (ARMS[name], MUTED))
