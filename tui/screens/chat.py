"""Chat: the base and the trained student answer side by side, word by word."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.attempts import difference
from tui.text import clean, clean_block
from tui.widgets.code import coloured_difference
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED
from tui.widgets.scrolling import GrowingList
from tui.widgets.turns import Turn, turn_content

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp
    from tui.doors.chat import Conversation
    from tui.doors.examples import ExamplePlace
    from tui.screens.steer import Wish
    from tui.state import Status

MOST_CHARACTERS = 2000
FRAME = 0.05
"""Seconds between two looks at an answer that grows."""
EMPTY = "Write a message: the untrained and the trained student both answer it. The first answer takes some seconds."


class Grew(Message):
    """One student has said more of its answer to the turn `number`."""

    def __init__(self, number: int, who: int, text: str) -> None:
        super().__init__()
        self.number, self.who, self.text = number, who, text

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Grew) and (message.number, message.who) == (self.number, self.who)


class Teller:
    """Passes on what students have said so far, for each at most once a frame."""

    def __init__(self, post: Callable[[int, str], object]) -> None:
        self._post = post
        self._last = {0: 0.0, 1: 0.0}

    def __call__(self, who: int, text: str) -> None:
        now = time.monotonic()
        if now - self._last[who] >= FRAME:
            self._last[who] = now
            self._post(who, text)


class ChatScreen(Screen[None]):
    """A conversation with the students of the run in `folder`."""

    CSS_PATH = "chat.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("ctrl+n", "note", "As a note", priority=True),
        Binding("ctrl+s", "seed", "To the seeds", priority=True),
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
        yield Keys()

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
            self.app.perform(partial(self._ask, text, len(self.turns) - 1), self._answered)

    @property
    def waiting(self) -> bool:
        return bool(self.turns) and self.turns[-1].answers is None and not self.turns[-1].problem

    def _ask(self, text: str, number: int) -> tuple[str, str] | str:
        """In a thread: both answers, or what is wrong."""
        from toolkit.errors import SchoolhouseError

        with self._one_at_a_time:
            try:
                if self._conversation is None and not self._closed:
                    self._conversation = self.app.runs.converse(self.folder)
                return self._conversation.ask(text, self._teller(number)) if self._conversation else ""
            except SchoolhouseError as error:
                return f"{error.message}  Fix: {error.fix}" if error.fix else error.message
            except Exception as error:
                return f"{type(error).__name__}: {error}"

    def _teller(self, number: int) -> Teller:
        return Teller(lambda who, text: self.post_message(Grew(number, who, text)))

    @on(Grew)
    def show_more(self, message: Grew) -> None:
        if message.number == len(self.turns) - 1 and self.waiting:
            self.turns[-1] = self.turns[-1].grown(message.who, message.text)
            self._show()

    def _answered(self, found: tuple[str, str] | str) -> None:
        if not self.is_attached:
            return
        turn = self.turns[-1]
        if isinstance(found, str):
            self.turns[-1] = Turn(turn.text, problem=clean(found, 600))
        else:
            self.turns[-1] = turn.answered(found)
        self._show()

    def _show(self) -> None:
        words = "the students think …" if self.waiting else ""
        self.query_one("#chat-status", Static).update(Content.styled(words, "$accent"))
        turns = tuple(self.turns)
        self.query_one(GrowingList).show(lambda width: [turn_content(turn, width) for turn in turns], turns)
        self.refresh_bindings()

    # -- a note, an example --------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "note":
            return bool(self.turns) and self.turns[-1].answers is not None
        return bool(self.turns) if action == "seed" else True

    def action_note(self) -> None:
        """What the trained student just said, as the beginning of a note; nobody reads one after the end."""
        self.app.perform(partial(self.app.runs.status, self.folder), self._ask_note)

    def _ask_note(self, status: Status) -> None:
        from tui.screens.steer import SteerScreen

        if not self.is_current or self.waiting:
            return  # something else was begun meanwhile
        if status == "finished":
            self.app.complain("the run is finished: its engineer reads no note any more", "leave it with a new run")
            return
        turn = self.turns[-1]
        said = turn.answers[1] if turn.answers else ""
        draft = f"to {clean(turn.text, 200)!r} the student says {clean(said, 120)!r}, but "
        self.app.push_screen(SteerScreen((), draft), self._wished)

    def _wished(self, wish: Wish | None) -> None:
        if wish and wish.send:
            self.app.perform(partial(self.app.runs.steer, self.folder, wish.text), self._noted)

    def _noted(self, _result: None) -> None:
        self.app.notify("the engineer reads your note when it plans next", timeout=4, markup=False)

    def action_seed(self) -> None:
        """The newest message becomes an example of a label in the recipe, which the teacher sees."""
        self.app.perform(partial(self.app.runs.example_place, self.folder), self._choose_label)

    def _choose_label(self, place: ExamplePlace) -> None:
        from tui.screens.choose import ChooseScreen

        turn = self.turns[-1]
        said = turn.answers[1] if turn.answers else None
        options = [(clean(label, 60), label) for label in place.labels]
        screen = ChooseScreen("Which label is right for this message?", options, said)
        self.app.push_screen(screen, partial(self._preview, place.path, turn.text))

    def _preview(self, path: Path, text: str, chosen: tuple[str] | None) -> None:
        if chosen:
            job = partial(self.app.runs.example_preview, path, chosen[0], text)
            self.app.perform(job, partial(self._confirm, path, chosen[0], text))

    def _confirm(self, path: Path, label: str, text: str, texts: tuple[str, str]) -> None:
        from tui.screens.sure import SureScreen

        before, after = (clean_block(one) for one in texts)
        body = [
            Content.assemble("In ", (clean(str(path), 300), "bold"), ", for the teacher of runs to come:"),
            Content(""),
            coloured_difference(difference(before, after)),
        ]
        screen = SureScreen(f"One more example of {clean(label, 40)}", Content("\n").join(body), "write it")
        job = partial(self.app.runs.add_example, path, label, text)

        def write(sure: bool | None) -> None:
            if sure:
                self.app.perform(job, self._kept)

        self.app.push_screen(screen, write)

    def _kept(self, _result: None) -> None:
        words = "written; runs begun from now on show it to their teacher, this one keeps its recipe"
        self.app.notify(words, timeout=5, markup=False)
