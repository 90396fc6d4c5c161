"""Steer: a note for the engineer, and what became of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.person import Note
from tui.widgets.keys import Keys
from tui.widgets.marks import ACCEPTED, MUTED

MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wrote, and whether it is to be sent; unsent, it is there the next time."""

    text: str
    send: bool


class SteerScreen(ModalScreen[Wish]):
    """Asks for a note.

    Args:
        notes: earlier notes.
        draft: what was written and not sent the last time.
        deaf: the engineer's kind when it asks no model and takes notes word for word, else empty.
    """

    CSS_PATH = "steer.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Leave the note", priority=True),  # the field's own Enter is in no row of keys
        Binding("escape", "leave", "Not now"),
    ]

    def __init__(self, notes: Sequence[Note], draft: str = "", deaf: str = "") -> None:
        super().__init__()
        self._notes, self._draft, self._deaf = tuple(notes), draft, deaf

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "A note for the engineer"
            yield Input(
                self._draft,
                placeholder="more two-part questions, from people who are angry",
                max_length=MOST_CHARACTERS,
            )
            with VerticalScroll(id="steer-notes", can_focus=False):
                yield Static(Content("\n").join([note_line(note) for note in self._notes]), id="steer-list")
            yield Static(self._hint(), id="steer-hint")
        yield Keys()

    def _hint(self) -> Content:
        if self._deaf:
            return Content.styled(f"The engineer ({self._deaf}) asks no model: notes become styles.", "$warning")
        return Content("Enter: leave the note. Escape: not now. The engineer reads it when it plans next.")

    async def action_go(self) -> None:
        await self.query_one(Input).action_submit()

    @on(Input.Submitted)
    def send(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(Wish(event.value, True))

    def action_leave(self) -> None:
        self.dismiss(Wish(self.query_one(Input).value, False))


def note_line(note: Note) -> Content:
    """A note and what became of it."""
    if not note.taken:
        return Content.assemble(("… waiting  ", "$warning"), note.text)
    used = f"used in attempt {note.attempt}" if note.attempt else "read by the engineer"
    return Content.assemble((f"{ACCEPTED} {used}  ", "$success"), (note.text, MUTED))
