"""Fetch: the weights that a run needs come first, one after another, with progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.doors.models import StoppedError
from tui.machine import Lacking
from tui.text import clean
from tui.weights import size
from tui.widgets.keys import Keys
from tui.widgets.marks import ACCEPTED, MUTED
from tui.widgets.progress import TICK, Fetched, bar

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class FetchScreen(ModalScreen[bool]):
    """Fetches weights; True when all are here, False when the person stopped it or it did not work.

    What was fetched is kept: the next try goes on there.
    """

    CSS_PATH = "fetch.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop"),
        Binding("question_mark,f1", "app.help", "Help", show=False),  # a modal screen hides the application's keys
    ]
    app: SchoolhouseApp

    def __init__(self, lacking: Sequence[Lacking]) -> None:
        super().__init__()
        self._lacking = tuple(lacking)
        self.progress: dict[str, Fetched] = {}
        self._stopping = threading.Event()

    def compose(self) -> ComposeResult:
        total = sum(one.size for one in self._lacking)
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content("Weights come first")
            words = f"{size(total)} to fetch, once. After that everything works offline."
            yield Static(Content(words if total else "They are fetched once."))
            yield Static("", id="fetch-list")
            yield Static(Content.styled("Escape: stop; what is here is kept, and the next try goes on there.", MUTED))
        yield Keys()

    def on_mount(self) -> None:
        self._show()
        self.app.perform(self._fetch, self._done)

    def on_unmount(self) -> None:
        self._stopping.set()

    # -- in a thread ---------------------------------------------------------------------------

    def _fetch(self) -> Exception | None:
        """All of them; what went wrong, if anything did."""
        try:
            for one in self._lacking:
                self.app.runs.pull(one.name, partial(self._tell, one.name, [0.0]))
        except Exception as error:
            return error
        return None

    def _tell(self, name: str, last: list[float], source: str, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise StoppedError(name)
        if time.monotonic() - last[0] > TICK or done == total:
            last[0] = time.monotonic()
            self.post_message(Fetched(name, source, done, total))

    # -- in the screen -------------------------------------------------------------------------

    @on(Fetched)
    def show_progress(self, message: Fetched) -> None:
        self.progress[message.name] = message
        self._show()

    def _show(self) -> None:
        lines = [line for one in self._lacking for line in _lines(one, self.progress.get(one.name))]
        self.query_one("#fetch-list", Static).update(Content("\n").join(lines))

    def _done(self, error: Exception | None) -> None:
        if not self.is_attached:
            return
        if error is not None and not isinstance(error, StoppedError):
            self.app.complain(getattr(error, "message", str(error)), getattr(error, "fix", ""))
        self.dismiss(error is None)

    def action_stop(self) -> None:
        self._stopping.set()
        self.dismiss(False)


def _lines(one: Lacking, progress: Fetched | None) -> list[Content]:
    """A set of weights and how far it is."""
    if progress and progress.total and progress.done >= progress.total:
        return [Content.assemble((f"{ACCEPTED} ", "$success"), clean(one.name, 60)), bar(progress)]
    mark = ("● ", "$accent") if progress else ("○ ", MUTED)
    return [Content.assemble(mark, clean(one.name, 60)), bar(progress or Fetched(one.name, "", 0, one.size))]
