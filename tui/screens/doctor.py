"""Doctor: what works on this machine, and the command that fixes what does not."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.machine import Finding, Health
from tui.text import ago
from tui.widgets.keys import Keys
from tui.widgets.marks import ACCEPTED, HOUSE, MUTED, REJECTED
from tui.widgets.scrolling import hanging
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class DoctorScreen(Screen[Health]):
    """The machine's state, which it gives back; `doctor` runs in a process of its own.

    Args:
        health: what is known already.
    """

    CSS_PATH = "doctor.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("r", "again", "Look again"),
    ]
    app: SchoolhouseApp

    def __init__(self, health: Health) -> None:
        super().__init__()
        self.health = health
        self._looking = self._failed = False

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.assemble((f"{HOUSE} This machine", "bold $primary")))
            yield Static("", id="doctor-when", classes="right")
        yield TextPane(id="doctor-text")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one("#doctor-text").focus()
        if self.health.findings:
            self._show()
        else:
            self.action_again()

    def action_leave(self) -> None:
        self.dismiss(self.health)

    def action_again(self) -> None:
        """Examine now; it takes some seconds."""
        if not self._looking:
            self._looking = True
            self._show()
            self.app.perform(partial(self.app.runs.health, again=True), self._found, partial(self._looked, True))

    def _found(self, found: Health) -> None:
        self.health = found
        self._looked()

    def _looked(self, failed: bool = False) -> None:
        self._looking, self._failed = False, failed
        if self.is_attached:
            self._show()

    def _show(self) -> None:
        if self._looking:
            words = Content.styled("looking …", "$accent")
        elif self._failed:
            words = Content.styled("the look failed", "$error")
        elif self.health.at:
            words = Content.styled(f"looked at {ago(self.app.runs.now() - self.health.at)}", MUTED)
        else:
            words = Content("")
        self.query_one("#doctor-when", Static).update(words)
        failed = self._failed and not self._looking
        width = max(40, self.size.width - 6)
        build = partial(health_content, self.health, width, failed)
        self.query_one(TextPane).show(build, ("doctor", self.health, width, failed))


def health_content(health: Health, width: int, failed: bool = False) -> Content:
    """All findings, those that need something first."""
    if failed and not health.findings:
        return Content.assemble(
            ("Nothing was found out: `doctor` did not come to an end.", "bold $error"),
            "\n\nPress r to look again, or run it in a shell: schoolhouse doctor",
        )
    if not health.findings:
        return Content.styled("The machine is being looked at; this takes some seconds.", MUTED)
    style = "bold $error" if health.problems else "bold $success"
    lines = [Content.styled(health.sentence[:1].upper() + health.sentence[1:] + ".", style), Content("")]
    for found in sorted(health.findings, key=lambda found: found.ok or not found.needed):
        lines += _finding(found, width)
    return Content("\n").join(lines)


def _finding(found: Finding, width: int) -> list[Content]:
    mark, style = (ACCEPTED, "$success") if found.ok else (REJECTED, "$error") if found.needed else ("○", MUTED)
    start = Content.assemble((f"{mark} ", style), (f"{found.what:<16} ", "bold"))
    fix = Content.assemble(" " * start.cell_length, ("fix: ", MUTED))
    lines = [hanging(start, Content(found.state), width)]
    return [*lines, hanging(fix, Content.styled(found.fix, "$accent"), width)] if found.fix else lines
