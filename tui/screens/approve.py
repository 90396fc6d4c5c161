"""Approve: a plan or a program that waits for a person, in an editor."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static, TextArea

from toolkit.errors import SchoolhouseError
from tui.person import Waiting
from tui.text import as_written, clean, editable
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class ApproveScreen(Screen[bool]):
    """Shows what waits; True once it was approved. Edits are in the file however one leaves.

    Args:
        text: the file as it is now.
    """

    CSS_PATH = "approve.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "approve", "Run it so", priority=True),
        Binding("ctrl+o", "editor", "Own editor", priority=True),
        Binding("escape", "leave", "Back, keep edits", priority=True),
    ]
    app: SchoolhouseApp

    def __init__(self, waiting: Waiting, text: str) -> None:
        super().__init__()
        self.waiting = waiting
        self._file_text = text
        self._sent = False

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.styled(f"{HOUSE} {self.waiting} waits for you", "bold $primary"))
            yield Static(Content.styled(clean(self.waiting.path.name, 40), MUTED), classes="right")
        yield Static(Content("The run stands still until you let this run. Change what you like."), id="approve-words")
        yield TextArea(editable(self._file_text), show_line_numbers=True, tab_behavior="indent", id="approve-text")
        yield Static(Content(self.waiting.problem), id="approve-problem")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()
        self._complain(self.waiting.problem)

    @property
    def text(self) -> str:
        """The text to keep, also with the characters that are not shown as they are."""
        return as_written(self.query_one(TextArea).text)

    @property
    def unsaved(self) -> bool:
        return self.text != self._file_text

    # -- keys ----------------------------------------------------------------------------------

    def action_approve(self) -> None:
        if self._sent:
            return
        self._sent = True
        runs, path, text, before = self.app.runs, self.waiting.path, self.text, self._file_text
        self.app.perform(partial(runs.submit_draft, path, text, before), self._approved)

    def _approved(self, problem: str) -> None:
        if problem:
            self._sent = False
            self._complain(problem)
        else:
            self.dismiss(True)

    def action_leave(self) -> None:
        if self.unsaved:
            self.app.perform(partial(self.app.runs.save, self.waiting.path, self.text), self._kept)
        self.dismiss(False)

    def _kept(self, _result: None) -> None:
        self.app.notify("your edits are in the file; the run waits", timeout=4, markup=False)

    def action_editor(self) -> None:
        """Hand the terminal to the person's own editor; nothing else is drawn meanwhile."""
        runs, path = self.app.runs, self.waiting.path
        try:
            with self.app.suspend():
                runs.save(path, self.text)
                runs.edit(path)
        except SuspendNotSupported:
            self.app.complain("this terminal cannot be handed to an editor", f"open {path} in one, then come back")
            return
        except SchoolhouseError as error:
            self.app.complain(error.message, error.fix)
            return
        self.app.perform(partial(runs.read, path), self._load)

    def _load(self, text: str) -> None:
        self._file_text = text
        self.query_one(TextArea).load_text(editable(text))
        self._complain("")

    def _complain(self, problem: str) -> None:
        words = Content(f"It cannot run so: {clean(problem, 300)}") if problem else Content("")
        self.query_one("#approve-problem", Static).update(words)
