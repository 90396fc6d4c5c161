"""What the keys do, and what the signs mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = (
    ("Everywhere", ""),
    ("tab", "to the next panel"),
    ("ctrl+p", "all commands, themes, screenshot"),
    ("? f1", "this help"),
    ("q", "quit; runs go on without this window"),
    ("Home", ""),
    ("enter", "start a recipe, or open a run"),
    ("Run", ""),
    ("1 2 3 4", "overview, samples, variety, log"),
    ("s", "the scores of another split"),
    ("p", "pause at the next safe point, or go on"),
    ("t", "the tree of attempts, their programs and calls"),
    ("n", "leave a note for the engineer"),
    ("a", "look at a plan or program that waits for you"),
    ("escape", "back; the run goes on"),
    ("Attempts", ""),
    ("1 – 5", "what, plan, program, difference, calls"),
    ("c", "compare the others with this attempt"),
    ("enter", "to the text; on a call: its prompt and reply"),
    ("Approve", ""),
    ("ctrl+s", "let it run as it stands"),
    ("ctrl+o", "open it in your own editor (EDITOR)"),
    ("Signs", ""),
    ("●", "live"),
    ("✓  ✗", "accepted, rejected"),
    ("~", "undecided: the difference is within the noise"),
    ("‖", "paused, or stopped"),
)


class HelpScreen(ModalScreen[None]):
    """A list of keys and signs; any way out closes it."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter", "dismiss", "Close", key_display="esc"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Help"
            yield Static(Content("\n").join(_line(key, words) for key, words in KEYS))


def _line(key: str, words: str) -> Content:
    if not words:
        return Content.styled(key, "bold $primary")
    return Content.assemble((f"  {key:<8}", "$accent"), words)
