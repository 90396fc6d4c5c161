"""Edit row: the text and the answer of a row, by hand. The row itself is kept; what comes of it is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static, TextArea
from textual.widgets.option_list import Option

from tui.rows import RowText
from tui.screens.sure import SureScreen
from tui.text import as_written, clean, editable
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED
from tui.widgets.rows import place_of

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp

Edited = tuple[str, str]
"""Text and answer."""


class EditRowScreen(Screen[Edited]):
    """Asks for another text or answer; None when nothing is to change."""

    CSS_PATH = "edit_row.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("escape", "leave", "Leave", priority=True),
        Binding("tab", "app.focus_next", "Text or answer", priority=True),
        Binding("f1", "app.help", "Help"),
    ]
    app: SchoolhouseApp

    def __init__(self, row: RowText) -> None:
        super().__init__()
        self.row = row

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.styled(f"{HOUSE} edit {place_of(self.row.line)}", "bold $primary"))
            yield Static(Content.styled("the original is kept", MUTED), classes="right")
        yield Static("", id="edit-problem")
        with Horizontal(id="edit-body"):
            yield TextArea(editable(self.row.input), id="edit-text", classes="field")
            with Vertical(id="edit-side"):
                if self.row.labels:
                    yield Input(editable(self.row.output), id="edit-label", classes="field", max_length=200)
                    yield OptionList(id="edit-labels", markup=False)
                else:
                    yield TextArea(editable(self.row.output), id="edit-answer", classes="field")
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#edit-text").border_title = "Text"
        answer = self.query_one("#edit-label" if self.row.labels else "#edit-answer")
        answer.border_title = "Label" if self.row.labels else "Answer"
        self.query_one("#edit-text").focus()
        self._show_labels("")
        self._check()

    @property
    def edited(self) -> Edited:
        """What stands there, also with the characters that are not shown as they are."""
        text = self.query_one("#edit-text", TextArea).text
        answer = (
            self.query_one("#edit-label", Input).value.strip()
            if self.row.labels
            else self.query_one("#edit-answer", TextArea).text
        )
        return as_written(text), as_written(answer)

    @property
    def unsaved(self) -> bool:
        return self.edited != (self.row.input, self.row.output)

    # -- labels --------------------------------------------------------------------------------

    def _show_labels(self, typed: str) -> None:
        """The labels that hold what was typed; all of them when none does."""
        if not self.row.labels:
            return
        found = [label for label in self.row.labels if typed.casefold() in label.casefold()] or self.row.labels
        options = self.query_one("#edit-labels", OptionList)
        options.clear_options()
        options.add_options(
            [Option(Content(clean(label, 60)), id=str(self.row.labels.index(label))) for label in found]
        )

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        known = event.value.strip() in self.row.labels
        self._show_labels("" if known else event.value.strip())
        self._check()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.query_one("#edit-label", Input).value = editable(self.row.labels[int(event.option_id or 0)])

    # -- what is wrong -------------------------------------------------------------------------

    @on(TextArea.Changed)
    def _check(self) -> None:
        problem = self.app.runs.edit_problem(self.row.labels, *self.edited)
        words = Content.styled("nothing is changed yet", MUTED)
        if problem:
            words = Content.styled(clean(problem, 200), "$error")
        elif self.unsaved:
            words = Content.styled("not saved yet: ctrl+s", "$warning")
        self.query_one("#edit-problem", Static).update(words)

    # -- keys ----------------------------------------------------------------------------------

    def action_save(self) -> None:
        if not self.app.runs.edit_problem(self.row.labels, *self.edited):
            self.dismiss(self.edited if self.unsaved else None)

    def action_leave(self) -> None:
        if not self.unsaved:
            self.dismiss(None)
            return
        words = "What you changed is not saved: it would be lost. The row stays as it was."
        self.app.push_screen(SureScreen("Leave without saving?", words, "leave, and lose the changes"), self._left)

    def _left(self, sure: bool | None) -> None:
        if sure:
            self.dismiss(None)
