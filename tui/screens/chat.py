"""Chat: the base and the trained student answer side by side."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tui.text import clean, clean_block
from tui.widgets.marks import HOUSE, MUTED
from tui.widgets.scrolling import GrowingList, hanging

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp
    from tui.doors.chat import Conversation
    from tui.screens.steer import Wish

MOST_CHARACTERS = 2000
MOST_SHOWN = 8000
EMPTY = "Write a message: the untrained and the trained student both answer it. The first answer takes some seconds."


@dataclass(frozen=True, slots=True)
class Turn:
    """A message with both answers; None while they are awaited. `problem` is why there are none."""

    text: str
    answers: tuple[str, str] | None = None
    problem: str = ""


class ChatScreen(Screen[None]):
    """A conversation with the students of the run in `folder`."""

    CSS_PATH = "chat.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("ctrl+n", "note", "As a note for the engineer", priority=True),
        Binding("f1", "app.help", "Help"),
    ]
    app: SchoolhouseApp

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.turns: list[Turn] = []
        self._conversation: Conversation | None = None
        self._one_at_a_time = threading.Lock()
        self._closed = False

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.folder.name, 80)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   chat", MUTED)))
            yield Static("", id="chat-status", classes="right")
        yield GrowingList(EMPTY, id="chat-turns")
        yield Input(placeholder="a message, as a user would write it", max_length=MOST_CHARACTERS, id="chat-input")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_unmount(self) -> None:
        self._closed = True
        threading.Thread(target=self._close, name="chat-close", daemon=True).start()  # ending a child takes a moment

    def _close(self) -> None:
        with self._one_at_a_time:
            if self._conversation:
                self._conversation.close()
                self._conversation = None

    # -- a turn --------------------------------------------------------------------------------

    @on(Input.Submitted)
    def send(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text and not self.waiting:
            self.query_one(Input).value = ""
            self.turns.append(Turn(clean_block(text, MOST_CHARACTERS)))
            self._show()
            self.app.perform(partial(self._ask, text), self._answered)

    @property
    def waiting(self) -> bool:
        return bool(self.turns) and self.turns[-1].answers is None and not self.turns[-1].problem

    def _ask(self, text: str) -> tuple[str, str] | str:
        """In a thread: both answers, or what is wrong."""
        from toolkit.errors import SchoolhouseError

        with self._one_at_a_time:
            try:
                if self._conversation is None and not self._closed:
                    self._conversation = self.app.runs.converse(self.folder)
                return self._conversation.ask(text) if self._conversation else ""
            except SchoolhouseError as error:
                return f"{error.message}  Fix: {error.fix}" if error.fix else error.message
            except Exception as error:
                return f"{type(error).__name__}: {error}"

    def _answered(self, found: tuple[str, str] | str) -> None:
        if not self.is_attached:
            return
        turn = self.turns[-1]
        if isinstance(found, str):
            self.turns[-1] = Turn(turn.text, problem=clean(found, 600))
        else:
            base, trained = (clean_block(answer, MOST_SHOWN) for answer in found)
            self.turns[-1] = Turn(turn.text, answers=(base, trained))
        self._show()

    def _show(self) -> None:
        words = "the students think …" if self.waiting else ""
        self.query_one("#chat-status", Static).update(Content.styled(words, "$accent"))
        turns = tuple(self.turns)
        self.query_one(GrowingList).show(lambda width: [turn_content(turn, width) for turn in turns], turns)
        self.refresh_bindings()

    # -- a note --------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self.turns) and self.turns[-1].answers is not None if action == "note" else True

    def action_note(self) -> None:
        """What the trained student just said, as the beginning of a note."""
        from tui.screens.steer import SteerScreen

        turn = self.turns[-1]
        said = turn.answers[1] if turn.answers else ""
        draft = f"to {clean(turn.text, 200)!r} the student says {clean(said, 120)!r}, but "
        self.app.push_screen(SteerScreen((), draft), self._wished)

    def _wished(self, wish: Wish | None) -> None:
        if wish and wish.send:
            self.app.perform(partial(self.app.runs.steer, self.folder, wish.text), self._noted)

    def _noted(self, _result: None) -> None:
        self.app.notify("the engineer reads your note when it plans next", timeout=4, markup=False)


def turn_content(turn: Turn, width: int) -> Content:
    """The message, below it both answers side by side, or below each other where there is no room."""
    lines = [hanging(Content.styled("you  ", "bold $primary"), Content(turn.text), width)]
    if turn.problem:
        lines.append(Content.styled(turn.problem, "$error"))
    elif turn.answers is None:
        lines.append(Content.styled("…", MUTED))
    elif width >= 60:
        lines += _columns(turn.answers, width)
    else:
        for name, answer in zip(("base  ", "trained  "), turn.answers, strict=True):
            lines.append(hanging(Content.styled(name, MUTED), Content(answer or "(empty)"), width))
    return Content("\n").join([*lines, Content("")])


def _columns(answers: tuple[str, str], width: int) -> list[Content]:
    cell = (width - 3) // 2
    heads = [Content.styled("base student", MUTED), Content.styled("trained student", "$accent")]
    columns = [[head, *Content(text or "(empty)").wrap(cell)] for head, text in zip(heads, answers, strict=True)]
    height = max(map(len, columns))
    left, right = ([*column, *[Content("")] * (height - len(column))] for column in columns)
    return [
        Content("").join([one.pad_right(max(0, cell - one.cell_length)), Content.styled(" │ ", MUTED), two])
        for one, two in zip(left, right, strict=True)
    ]
