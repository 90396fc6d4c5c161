"""Compare: runs or arms side by side; what differs in their recipes beside what differs in their scores."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from tui.comparing import Comparison
from tui.feed import RunsListed, RunsSource
from tui.screens.sure import SureScreen
from tui.state import RunLine
from tui.text import clean, clean_block, percent
from tui.widgets.checks import Checks
from tui.widgets.comparison import comparison_content
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp

ALONE = (
    "This run has no other arms, so it cannot be compared alone: choose a second run with the space key, "
    "or start a recipe with two arms on Home (enter, then a)."
)
HINT = "Choose two or more runs with the space key; of one alone, all arms of its series are compared."


class CompareScreen(Screen[None]):
    """A list of runs to choose from, and how the chosen ones compare.

    Args:
        first: a run that is chosen from the start.
    """

    CSS_PATH = "compare.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("enter", "compare", "Compare", priority=True),
        Binding("tab", "app.focus_next", "Other side"),
    ]
    app: SchoolhouseApp

    def __init__(self, first: Path | None = None) -> None:
        super().__init__()
        self.view: Comparison | None = None
        self._first = str(first) if first else ""
        self._listed: tuple[str, ...] | None = None
        self._asked: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.assemble((f"{HOUSE} Compare", "bold $primary")))
            yield Static(Content.styled("space: choose, enter: compare", MUTED), classes="right")
        with Container(id="compare-body"):
            yield Checks[str](id="compare-runs", classes="panel")
            yield TextPane(id="compare-text")
        yield Keys()

    def on_mount(self) -> None:
        runs = self.query_one(SelectionList)
        runs.border_title = "Runs"
        runs.focus()
        self._say(HINT, MUTED)

    def on_screen_resume(self) -> None:
        self.app.feed.follow(RunsSource(self.app.runs), self)

    @on(RunsListed)
    def show_runs(self, message: RunsListed) -> None:
        folders = tuple(str(run.folder) for run in message.runs)
        if folders == self._listed:
            return
        chosen = {*self.query_one(SelectionList).selected, *([self._first] if self._listed is None else [])}
        self._listed = folders
        options = [Selection(_run(run), str(run.folder), str(run.folder) in chosen) for run in message.runs]
        runs = self.query_one(SelectionList)
        runs.clear_options()
        runs.add_options(options)
        runs.highlighted = 0 if options else None
        self._count()
        if not options:
            self._say("no runs yet: escape, and start one on Home", MUTED)

    @on(SelectionList.SelectedChanged)
    def _count(self) -> None:
        runs = self.query_one(SelectionList)
        names = [Path(folder).name for folder in self._listed or () if folder in runs.selected]
        runs.border_subtitle = Content(clean(f"chosen: {', '.join(names)}" if names else "none chosen", 60))

    def action_compare(self) -> None:
        chosen = self.query_one(SelectionList).selected
        self._asked = tuple(folder for folder in self._listed or () if folder in chosen)
        if not self._asked:
            self._say(HINT, "$warning")
            return
        self._say("comparing …", MUTED)
        folders = [Path(folder) for folder in self._asked]
        self.app.perform(partial(self.app.runs.unread_among, folders), self._ask)

    def _ask(self, unread: tuple[Path, ...]) -> None:
        """A comparison shows what exams found: verdicts that nobody has opened are opened on purpose."""
        if not unread:
            self._go_on((), True)
            return
        names = ", ".join(clean(folder.name, 60) for folder in unread)
        words = f"A comparison shows what the exam found. Nobody has read the verdict of {names} yet."
        screen = SureScreen("Open the verdict too?", words, "compare, and open it")
        self.app.push_screen(screen, partial(self._go_on, unread))

    def _go_on(self, unread: tuple[Path, ...], sure: bool | None) -> None:
        if sure:
            self.app.perform(partial(self._compare, self._asked, unread), partial(self._show, self._asked))
        else:
            self._say(HINT, MUTED)

    def _compare(self, folders: tuple[str, ...], unread: tuple[Path, ...]) -> Comparison | str:
        """In a thread: the comparison, or why there is none."""
        from toolkit.errors import SchoolhouseError
        from toolkit.run.compare import BELOW_TWO

        try:
            found = self.app.runs.compare([Path(folder) for folder in folders])
            for folder in unread:
                self.app.runs.keep_read(folder)
            return found
        except SchoolhouseError as error:
            if error.fix == BELOW_TWO:
                return ALONE
            return f"{error.message}\n\nFix: {error.fix}"

    def _show(self, asked: tuple[str, ...], found: Comparison | str) -> None:
        if not self.is_attached or asked != self._asked:
            return
        if isinstance(found, str):
            self._say(found, "$error")
            return
        self.view = found
        pane = self.query_one(TextPane)
        width = max(40, pane.size.width - 3)
        pane.show(lambda: comparison_content(found, width), (found, width))

    def _say(self, words: str, style: str) -> None:
        self.query_one(TextPane).show(lambda: Content.styled(clean_block(words), style), (words,))


def _run(run: RunLine) -> Content:
    score = percent(run.best) if run.best is not None else "no score"
    score = "verdict unread" if run.unread else score
    return Content.assemble(clean(run.name, 60), (f"  {score}", MUTED))
