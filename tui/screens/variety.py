"""Variety: the diversity cards of a run as plots and figures, one key away from its rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.text import clean
from tui.variety import Card
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED
from tui.widgets.variety import TrendPlots, VarietyTable

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class VarietyScreen(Screen[None]):
    """How varied the rows of each submission of the run in `folder` were, as it stood when this was opened."""

    CSS_PATH = "variety.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (70, "-narrow"), (160, "-huge")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,v", "app.pop_screen", "Back")]
    app: SchoolhouseApp

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.folder.name, 80)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   variety of its rows", MUTED)))
        with VerticalScroll(id="variety-all"):
            yield TrendPlots()
            yield VarietyTable()
        yield Keys()

    def on_mount(self) -> None:
        self.query_one("#variety-all").focus()
        self.app.perform(partial(self.app.runs.cards, self.folder), self._show)

    def _show(self, cards: tuple[Card, ...]) -> None:
        if self.is_attached:
            self.query_one(TrendPlots).show(cards)
            self.query_one(VarietyTable).show(cards)
