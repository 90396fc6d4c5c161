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
    ("?", "this help"),
    ("q", "quit; runs go on without this window"),
    ("Home", ""),
    ("enter", "start a recipe, or open a run"),
    ("Run", ""),
    ("1 2 3", "overview, samples, log"),
    ("s", "the scores of another split"),
    ("p", "pause at the next safe point, or go on"),
    ("escape", "back; the run goes on"),
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
