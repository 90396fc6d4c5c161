"""Label: the desk on which a person says of answers whether they are right, so that a judge may count."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.feed import FeedFailed
from tui.judging import Card, Desk, first_open, next_open, with_labels
from tui.judging_feed import DeskNews, DeskSource
from tui.text import clean
from tui.widgets.desk import card_content, side_content
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED, STATUS_MARKS
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class LabelScreen(Screen[None]):
    """The labelling desk of the run in `folder`."""

    CSS_PATH = "label.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Leave"),
        Binding("y", "label(True)", "Right"),
        Binding("n", "label(False)", "Wrong"),
        Binding("s", "skip", "Skip"),
        Binding("b", "back", "Back"),
        Binding("g", "go_on", "Go on"),
        Binding("tab", "app.focus_next", "Other side", show=False),
    ]
    app: SchoolhouseApp

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.desk: Desk | None = None
        self.place = 0
        self._pending: dict[Card, bool] = {}
        self._writing = threading.Lock()
        self._source: DeskSource | None = None
        self._went_on = False

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.folder.name, 80)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   labelling desk", MUTED)))
            yield Static("", id="desk-status", classes="right")
        with Container(id="desk-body"):
            yield TextPane(id="desk-card")
            yield TextPane(id="desk-side")
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#desk-card").focus()

    def on_screen_resume(self) -> None:
        self._source = self._source or DeskSource(self.app.runs, self.folder)
        self.app.feed.follow(self._source, self)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # -- what is shown -------------------------------------------------------------------------

    @on(DeskNews)
    def take_news(self, message: DeskNews) -> None:
        """The person stays at the answer that is looked at, wherever it now lies."""
        new = with_labels(message.desk, self._pending)
        if self.desk is None:
            self.place = first_open(new)
        else:
            now = self.desk.cards[self.place].key if self.desk.cards else None
            keys = [card.key for card in new.cards]
            self.place = keys.index(now) if now in keys else first_open(new)
        self._went_on &= new.status != "running"
        self.desk = new
        self._show()

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        words = clean(message.error, 600)
        self.query_one("#desk-side", TextPane).show(lambda: Content.styled(words, "$error"), words)

    def _show(self) -> None:
        desk = self.desk
        if desk is None or not self.is_mounted:
            return
        mark, style = STATUS_MARKS[desk.status]
        self.query_one("#desk-status", Static).update(Content.styled(f"{mark} {desk.status}", style))
        card, side = self.query_one("#desk-card", TextPane), self.query_one("#desk-side", TextPane)
        place = self.place
        tight = self.size.height < 30
        key = (desk.cards[place : place + 1], desk.labelled(place), place, tight)
        card.show(lambda: card_content(desk, place, tight=tight), key)
        side.show(lambda: side_content(desk, max(20, side.size.width - 4)), ("side", desk, side.size.width))
        self.refresh_bindings()

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        desk = self.desk
        if action == "go_on":
            waits = desk is not None and desk.enough and desk.status in ("paused", "broken")
            return waits and not self._went_on
        if action in ("label", "skip", "back"):
            return bool(desk and desk.cards)
        return True

    def action_label(self, right: bool) -> None:
        """Shown at once, written at once; the next answer follows."""
        if self.desk and self.desk.cards:
            self._pending[self.desk.cards[self.place]] = right
            self.desk = with_labels(self.desk, self._pending)
            self.app.perform(self._save, self._saved)
            self.action_skip()

    def _save(self) -> Exception | None:
        """In a thread, one at a time: write what is not on the disk yet, as it now is."""
        with self._writing:
            pending = dict(self._pending)
            try:
                self.app.runs.save_labels(self.folder, pending)
            except Exception as error:
                return error
            for card, right in pending.items():
                if self._pending.get(card) == right:
                    self._pending.pop(card)
        return None

    def _saved(self, error: Exception | None) -> None:
        if error is not None:
            message, fix = getattr(error, "message", str(error)), getattr(error, "fix", "")
            self.app.complain(f"the label is not saved: {message}", fix or "press y or n again")

    def action_skip(self) -> None:
        if self.desk:
            self.place = next_open(self.desk, self.place)
            self._show()

    def action_back(self) -> None:
        """To the answer before, labelled or not."""
        if self.desk and self.desk.cards:
            self.place = (self.place - 1) % len(self.desk.cards)
            self._show()

    def action_go_on(self) -> None:
        self._went_on = True
        self.refresh_bindings()
        self.app.perform(partial(self.app.runs.resume, self.folder), self._resumed)

    def _resumed(self, _result: None) -> None:
        self.app.notify("the run goes on; what the judge is worth is shown here", timeout=5, markup=False)
