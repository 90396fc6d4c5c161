"""Call: the exact prompt that a model got, and its exact reply."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.attempts import Call
from tui.text import clean
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED
from tui.widgets.textpane import TextPane


class CallScreen(Screen[None]):
    """One call in full.

    Args:
        title: which call it is, such as `call 2 of attempt 3`.
    """

    CSS_PATH = "call.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("r", "reply", "To the reply"),
        Binding("home", "start", "To the prompt"),
    ]

    def __init__(self, title: str, call: Call) -> None:
        super().__init__()
        self.call, self._title = call, title

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.styled(f"{HOUSE} {clean(self._title, 80)}", "bold $primary"))
            yield Static(Content.styled(f"{self.call.role}, {self.call.model}", MUTED), classes="right")
        yield TextPane(id="call-text")
        yield Keys()

    def on_mount(self) -> None:
        pane = self.query_one(TextPane)
        pane.show(lambda: prompt_and_reply(self.call), self.call)
        pane.focus()

    def action_reply(self) -> None:
        """Scroll until the reply is in view."""
        pane = self.query_one(TextPane)
        width = max(1, pane.scrollable_content_region.width)
        above = prompt_of(self.call).wrap(width)
        pane.scroll_to(y=len(above) + 1, animate=False)

    def action_start(self) -> None:
        self.query_one(TextPane).scroll_home(animate=False)


def prompt_of(call: Call) -> Content:
    """The messages, the schema and the settings of a call."""
    parts = [Content.assemble((role, "bold $primary"), "\n", text, "\n") for role, text in call.messages]
    if call.schema:
        parts.append(
            Content.assemble(("schema that the reply has to keep to", "bold $primary"), "\n", call.schema, "\n")
        )
    parts.append(Content.styled(f"{call.settings}; {call.prompt_tokens} tokens read", MUTED))
    return Content("\n").join(parts)


def prompt_and_reply(call: Call) -> Content:
    """Everything, the reply below."""
    cost = f"{call.tokens} tokens in {call.seconds:.1f} s, finish reason: {call.finish}"
    reply = Content.assemble(("reply", "bold $accent"), "\n", call.reply or "(empty)", "\n", ("\n" + cost, MUTED))
    return Content("\n\n").join([prompt_of(call), reply])
