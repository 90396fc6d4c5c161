"""Export: the best student as files for other programs, in a process of its own, with the parity check's finding."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.export_feed import ExportNews, ExportSource
from tui.exporting import QUANTS, TARGETS, Exports
from tui.feed import FeedFailed
from tui.screens.sure import SureScreen
from tui.text import clean
from tui.widgets.choices import Choices
from tui.widgets.export import export_content
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED, STATUS_MARKS
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class ExportChoices(Choices):
    """Targets or quantizations."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Export")]


class ExportScreen(Screen[None]):
    """Exports of the run in `folder`. One goes on while one looks elsewhere, or closes the window."""

    CSS_PATH = "export.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("tab", "app.focus_next", "Quantization"),
        Binding("f", "force", "Write it all the same"),
        Binding("s", "stop", "Stop"),
    ]
    app: SchoolhouseApp

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.view: Exports | None = None
        self._source: ExportSource | None = None
        self._asked = False

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.folder.name, 80)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   export", MUTED)))
            yield Static("", id="export-status", classes="right")
        with Horizontal(id="export-body"):
            with Vertical(id="export-choices"):
                yield ExportChoices("Target", id="export-targets")
                yield ExportChoices("Quantization", id="export-quants")
            yield TextPane(id="export-text")
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#export-targets", Choices).fill([Option(Content(name), id=name) for name in TARGETS])
        self.query_one("#export-targets").focus()
        self.set_interval(1.0, self._show, name="clock")

    def on_screen_resume(self) -> None:
        self._source = self._source or ExportSource(self.app.runs, self.folder)
        self.app.feed.follow(self._source, self)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # -- what is chosen ------------------------------------------------------------------------

    @property
    def target(self) -> str:
        index = self.query_one("#export-targets", Choices).highlighted
        return list(TARGETS)[index or 0]

    @property
    def quant(self) -> str | None:
        found = QUANTS.get(self.target, ())
        index = self.query_one("#export-quants", Choices).highlighted or 0
        return found[min(index, len(found) - 1)] if found else None

    @on(OptionList.OptionHighlighted, "#export-targets")
    def _fill_quants(self) -> None:
        names = QUANTS.get(self.target, ())
        nothing = [Option(Content.styled("not quantized", MUTED), disabled=True)]
        quants = self.query_one("#export-quants", Choices)
        quants.clear_options()
        quants.add_options([Option(Content(name), id=name) for name in names] or nothing)
        quants.highlighted = 0 if names else None
        self._show()

    @on(OptionList.OptionHighlighted, "#export-quants")
    def _show(self) -> None:
        view = self.view
        if view is None or not self.is_mounted:
            return
        pane, now = self.query_one(TextPane), self.app.runs.now()
        width, clock = max(30, pane.size.width - 4), int(now) if view.working else 0
        to, quant = self.target, self.quant
        pane.show(lambda: export_content(view, to, quant, now, width), ("export", view, to, quant, width, clock))

    @on(ExportNews)
    def take_news(self, message: ExportNews) -> None:
        self.view = message.exports
        mark, style = STATUS_MARKS[self.view.status]
        self.query_one("#export-status", Static).update(Content.styled(f"{mark} {self.view.status}", style))
        self._show()
        self.refresh_bindings()

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        words = clean(message.error, 600)
        self.query_one(TextPane).show(lambda: Content.styled(words, "$error"), words)

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "force":
            return bool(self.view and self.view.may_force)
        if action == "stop":
            return bool(self.view and self.view.working)
        return True

    @on(OptionList.OptionSelected)
    def export(self) -> None:
        """Begin it; an export that would be replaced is asked about first."""
        view = self.view
        if view is None or view.working or self._asked:
            return
        if view.obstacle:
            self.app.complain(view.obstacle, "")
            return
        start = partial(self._start, self.target, self.quant, False)
        if old := view.replaces(self.target, self.quant):
            words = f"exports/{old} stands already. A new export takes its place once it is whole and checked."
            self.app.push_screen(SureScreen("Replace the earlier export?", words, "export it anew"), start)
        else:
            start(True)

    def _start(self, to: str, quant: str | None, force: bool, sure: bool | None) -> None:
        if sure:
            self._asked = True
            self.app.perform(partial(self._begin, to, quant, force), lambda _none: None)

    def _begin(self, to: str, quant: str | None, force: bool) -> None:
        """In a thread."""
        try:
            self.app.runs.start_export(self.folder, to, quant, force)
        finally:
            self._asked = False

    def action_force(self) -> None:
        """Write what failed its check, after a question: it is not the trained student."""
        if self.view and self.view.may_force and not self.view.obstacle:
            job = self.view.job
            words = "It does not answer as the trained student does. It is written all the same, and its card says so."
            start = partial(self._start, str(job["to"]), job.get("quant"), True)
            self.app.push_screen(SureScreen("Write it all the same?", words, "write it"), start)

    def action_stop(self) -> None:
        words = "The export that is going on ends, and nothing of it is left. Earlier exports stay."
        self.app.push_screen(SureScreen("Stop the export?", words, "stop it"), self._stop)

    def _stop(self, sure: bool | None) -> None:
        if sure:
            self.app.perform(partial(self.app.runs.stop_export, self.folder), lambda _none: None)
