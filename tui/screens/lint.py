"""Lint: the very tokens of a training, those that are learnt beside those that are only read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.linting import Linted
from tui.text import clean, clean_block
from tui.widgets.keys import Keys
from tui.widgets.marks import ACCEPTED, HOUSE, MUTED, REJECTED
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp

OPEN, CLOSE = "⟦", "⟧"
"""Around what is trained on: colour may be missing."""


class LintScreen(Screen[None]):
    """What a training learns from.

    Args:
        title: of which recipe or run.
        look: finds it out, in a thread; it takes some seconds.
    """

    CSS_PATH = "lint.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "Back")]
    app: SchoolhouseApp

    def __init__(self, title: str, look: Callable[[], Linted]) -> None:
        super().__init__()
        self.found: Linted | None = None
        self._title, self._look = title, look

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self._title, 60)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   what is learnt", MUTED)))
            yield Static("", id="lint-verdict", classes="right")
        yield Static(id="lint-words")
        yield TextPane(id="lint-rows")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(TextPane).focus()
        waiting = "The student's chat template renders the rows; this takes some seconds."
        self.query_one("#lint-words", Static).update(Content.styled(waiting, MUTED))
        self.app.perform(self._look, self._show, self._failed)

    def _failed(self) -> None:
        if self.is_attached:
            self.query_one("#lint-words", Static).update(Content.styled("could not be rendered", "$error"))

    def _show(self, found: Linted) -> None:
        if not self.is_attached:
            return
        self.found = found
        self.query_one("#lint-verdict", Static).update(verdict(found))
        self.query_one("#lint-words", Static).update(words(found))
        self.query_one(TextPane).show(partial(rows, found), ("rows",))


def verdict(found: Linted) -> Content:
    """Whether a training may begin, in few words."""
    if not found.findings:
        return Content.styled(f"{ACCEPTED} nothing to object to", "$success")
    count = len(found.findings)
    return Content.styled(f"{REJECTED} {count} reason{'s' if count > 1 else ''} not to train", "$error")


def words(found: Linted) -> Content:
    """Findings with their fixes, the counts, and what the signs mean."""
    lines = []
    for message, fix in found.findings:
        lines.append(Content.styled(f"{REJECTED} {clean(message)}", "$error"))
        lines.append(Content.assemble(("  fix: ", MUTED), (clean(fix), "$accent")))
    lines.append(Content(clean(found.summary)))
    signs = Content.assemble((f"{OPEN}trained{CLOSE}", "bold $success"), (" and only read", MUTED))
    return Content("\n").join([*lines, signs])


def rows(found: Linted) -> Content:
    """Every row, as the student reads it."""
    parts: list[Content] = []
    for number, texts in found.rows:
        shown = [_piece(text, trained) for text, trained in texts]
        parts.append(Content.assemble((f"row {number}", "bold $primary"), "\n", *shown))
    return Content("\n\n").join(parts)


def _piece(text: str, trained: bool) -> Content:
    shown = clean_block(text)
    return Content.styled(f"{OPEN}{shown}{CLOSE}", "bold $success") if trained else Content.styled(shown, MUTED)
