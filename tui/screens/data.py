"""Data: every row of a run, whatever became of it, and where it came from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from toolkit.errors import SchoolhouseError
from tui.feed import FeedFailed
from tui.rows import (
    QUARANTINED,
    Chosen,
    Decision,
    Facets,
    Pages,
    RowLine,
    RowText,
    WholeRow,
    choices,
    decision_of,
    may_decide,
    next_similar,
    set_filter,
)
from tui.rows_feed import FacetsNews, RowsSource
from tui.screens.sure import SureScreen
from tui.text import clean
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED, STATUS_MARKS
from tui.widgets.rows import filter_words, in_full, row_prompt
from tui.widgets.textpane import TextPane
from tui.widgets.window import Window

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp
    from tui.attempts import Call

Found = tuple[int, dict[int, list[RowLine]]]
"""How many rows a filter lets through, and some pages of them."""
TITLES = {"status": "Status", "reason": "Reason", "skill": "Label", "attempt": "Round"}


class DataScreen(Screen[None]):
    """The rows of the run in `folder`."""

    CSS_PATH = "data.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-huge")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("s", "filter('status')", "Status"),
        Binding("r", "filter('reason')", "Reason", show=False),  # the footer is full when an edited row offers both
        Binding("l", "filter('skill')", "Label"),
        Binding("e", "edit", "Edit"),
        Binding("x", "decide('drop')", "Drop"),
        Binding("k", "decide('keep')", "Keep"),
        Binding("o", "filter('attempt')", "Round", show=False),
        Binding("b", "beside", "Beside each other", show=False),
        Binding("u", "similar", "Duplicates", show=False),
        Binding("z", "quarantine", "Quarantine", show=False),
        Binding("w", "source", "Where from", show=False),
        Binding("c", "label", "Choose the label", show=False),
        Binding("v", "variety", "Variety", show=False),
        Binding("t", "lint", "Tokens", show=False),
        Binding("y", "yours", "Only yours", show=False),
        Binding("a", "all", "All rows", show=False),
        Binding("tab", "app.focus_next", "Other side", show=False),
    ]
    app: SchoolhouseApp

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.facets, self.chosen, self.pages = Facets(), Chosen(), Pages()
        self.row: WholeRow | None = None
        self._decisions: dict[str, str] = {}
        self._source: RowsSource | None = None
        self._asking = self._row_is_old = self._counted = False
        self._wanted_row: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.folder.name, 80)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   rows", MUTED)))
            yield Static("", id="data-status", classes="right")
        yield Static("", id="data-filter")
        with Container(id="data-body"):
            yield Window(self._line, "reading …", id="data-rows")
            yield TextPane(id="data-row")
        yield Keys(show_command_palette=False)  # all keys fit into 80 columns so

    def on_mount(self) -> None:
        self.query_one(Window).focus()
        self.app.perform(self._first_page, self._take_first)

    def on_screen_resume(self) -> None:
        self._source = self._source or RowsSource(self.app.runs, self.folder)
        self.app.feed.follow(self._source, self)

    # -- what is shown -------------------------------------------------------------------------

    @on(FacetsNews)
    def take_news(self, message: FacetsNews) -> None:
        self._row_is_old |= message.facets.decisions != self.facets.decisions  # its edit may be another one
        self.facets, self._decisions = message.facets, dict(message.facets.decisions)
        mark, style = STATUS_MARKS[self.facets.status]
        self.query_one("#data-status", Static).update(Content.styled(f"{mark} {self.facets.status}", style))
        self.pages.age()
        self._ask()
        if not self._counted:
            self._counted = True
            self.refresh_bindings()

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        self.query_one("#data-filter", Static).update(Content.styled(clean(message.error, 300), "$error"))
        if not self.facets.total:
            self.query_one(Window).fill(0, "no row can be shown")

    def _line(self, number: int, width: int) -> Content | None:
        """A line of the window; what is not there yet is asked for."""
        if not self._asking:
            self._asking = True
            self.call_later(self._ask)
        row = self.pages.line(number)
        return row_prompt(row, decision_of(self._decisions, row), width) if row else None

    def _ask(self) -> None:
        """Ask for the pages in view that are not there, or old."""
        self._asking = False
        window = self.query_one(Window)
        top = window.scroll_offset.y
        pages = self.pages.wanted(top, min(top + window.size.height, max(0, window.count - 1)))
        if pages:
            decided = list(self._decisions) if self.chosen.decided else []
            job = partial(self.app.runs.row_window, self.folder, self.chosen, decided, pages)
            self.app.perform(job, partial(self._take, self.chosen))

    def _first_page(self) -> Found:
        """In a thread. What is wrong with a journal is said by the feed."""
        with suppress(SchoolhouseError):
            return self.app.runs.row_window(self.folder, Chosen(), [], [0])
        return 0, {}

    def _take_first(self, found: Found) -> None:
        """These do not wait for what rows may be filtered by, which is counted over all of them."""
        if found[0] and not self.facets.total and not self.chosen.any and self.is_attached:
            self._fill(found)

    def _take(self, chosen: Chosen, found: Found) -> None:
        if chosen != self.chosen or not self.is_attached:
            return
        empty = "no row is like that; press a for all" if self.chosen.any else "no row yet: the teacher has not written"
        self.query_one("#data-filter", Static).update(filter_words(self.chosen, self.facets, found[0]))
        self._fill(found, empty)

    def _fill(self, found: Found, empty: str = "") -> None:
        count, pages = found
        for page, lines in pages.items():
            self.pages.put(page, lines)
        window = self.query_one(Window)
        window.fill(count, empty)
        self._show_row(window.cursor)

    @on(Window.Moved)
    def _moved(self, message: Window.Moved) -> None:
        self._show_row(message.index)

    @on(Window.Opened)
    def _opened(self) -> None:
        self.query_one("#data-row").focus()

    def _show_row(self, number: int) -> None:
        """Ask for the row that is pointed at; the newest wish is the one that counts."""
        line = self.pages.line(number)
        self._wanted_row = (line.attempt, line.seq) if line else None
        if line is None:
            self._show_whole(None)
        elif self.row is None or self.row.line != line or self._row_is_old:
            self._row_is_old = False
            job = partial(self.app.runs.whole_row, self.folder, line.attempt, line.seq)
            self.app.perform(job, self._show_whole)
        else:
            self._show_whole(self.row)

    def _show_whole(self, row: WholeRow | None) -> None:
        if not self.is_attached or (row and (row.line.attempt, row.line.seq) != self._wanted_row):
            return
        self.row = row
        self.refresh_bindings()
        pane = self.query_one("#data-row", TextPane)
        if row is None:
            pane.show(lambda: Content(""), None)
            return
        waiting = row.line.id in self.facets.waiting
        beside, width = self.has_class("-beside"), max(20, pane.size.width - 4)
        key = ((row.line.attempt, row.line.seq), row, self._decisions.get(row.line.id), waiting, beside and width)
        pane.show(lambda: in_full(row, self._decisions, waiting, width, beside=beside), key)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_again)

    def _show_again(self) -> None:
        self._show_whole(self.row)

    # -- filters -------------------------------------------------------------------------------

    def _choose(self, chosen: Chosen) -> None:
        if chosen != self.chosen:
            self.chosen = chosen
            self.pages.clear()
            window = self.query_one(Window)
            window.cursor = 0
            window.scroll_to(y=0, animate=False, immediate=True)
            self._ask()

    def action_filter(self, name: str) -> None:
        from tui.screens.choose import ChooseScreen

        screen = ChooseScreen(TITLES[name], choices(self.facets)[name], getattr(self.chosen, name))
        self.app.push_screen(screen, partial(self._filtered, name))

    def _filtered(self, name: str, found: tuple[Any] | None) -> None:
        if found:
            self._choose(set_filter(self.chosen, name, found[0]))

    def action_search(self) -> None:
        from tui.screens.choose import AskScreen

        screen = AskScreen("Search", self.chosen.text, "Looked for in texts and answers; empty: everything.")
        self.app.push_screen(screen, self._searched)

    def _searched(self, text: str | None) -> None:
        if text is not None:
            self._choose(set_filter(self.chosen, "text", text))

    def action_yours(self) -> None:
        self._choose(set_filter(self.chosen, "decided", not self.chosen.decided))

    def action_all(self) -> None:
        self._choose(Chosen())

    def action_similar(self) -> None:
        """The rows that were turned away as too much alike, one reason after the other."""
        self._choose(Chosen(reason=next_similar(self.facets, self.chosen.reason)))

    def action_quarantine(self) -> None:
        wanted = None if self.chosen.status == QUARANTINED else QUARANTINED
        self._choose(Chosen(status=wanted))

    def action_beside(self) -> None:
        """The row and what it is like in two columns, below the list; or back."""
        self.toggle_class("-beside")
        self.call_after_refresh(self._show_again)

    def action_back(self) -> None:
        """First out of the filter, then out of the screen."""
        if self.chosen.any:
            self._choose(Chosen())
        else:
            self.app.pop_screen()

    # -- a row ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("filter", "similar"):  # dim until it is known what there is to filter by
            return self._counted or None
        if action == "source":
            return bool(self.row and self.row.calls)
        if action in ("edit", "label"):
            return self.row is not None
        if action == "decide":
            return self._may_decide(str(parameters[0]))
        return True

    def _may_decide(self, decision: str) -> bool:
        if self.row is None:
            return False
        line = self.row.line
        return may_decide(self._decisions, line, decision, keepable=self.app.runs.may_be_kept(line.reason))

    def action_decide(self, decision: Decision) -> None:
        """A decision about an edited row takes the edit's place: that is asked first."""
        if self.row is None:
            return
        row = self.row.line.id
        if self._decisions.get(row) != "edit":
            self._decide(row, decision, True)
            return
        what = "The original is trained on again" if decision == "keep" else "Neither is trained on"
        words = f"{what}; your edit counts no more. It stays in the journal."
        self.app.push_screen(
            SureScreen("Take your edit back?", words, "take it back"), partial(self._decide, row, decision)
        )

    def _decide(self, row: str, decision: Decision, sure: bool | None) -> None:
        if sure:
            words = "not trained on" if decision == "drop" else "trained on"
            self.app.perform(partial(self.app.runs.decide, self.folder, row, decision), partial(self._decided, words))

    def _decided(self, what: str, _result: None) -> None:
        done = self.facets.status == "finished"
        when = "the run is finished: nothing is trained any more" if done else "from the next training on"
        self.app.notify(f"{what}, {when}", timeout=4, markup=False)

    def action_edit(self) -> None:
        self._with_text(self._open_editor)

    def action_label(self) -> None:
        """Another label from the list: an edit of the answer alone."""
        self._with_text(self._open_labels)

    def _with_text(self, then: Callable[[RowText], None]) -> None:
        """Go on with the row as it now stands, unless it is not to be edited."""

        def go_on(row: RowText) -> None:
            if row.problem:
                self.app.complain(row.problem, "")
            elif self.is_current:
                then(row)

        if self.row:
            line = self.row.line
            self.app.perform(partial(self.app.runs.row_text, self.folder, line.attempt, line.seq), go_on)

    def _open_editor(self, row: RowText) -> None:
        from tui.screens.edit_row import EditRowScreen

        self.app.push_screen(EditRowScreen(row), partial(self._edited, row))

    def _open_labels(self, row: RowText) -> None:
        from tui.screens.choose import ChooseScreen

        if not row.labels:
            self.app.complain("this task has no labels to choose from", "press e and write the answer")
            return
        options = [(clean(label, 60), label) for label in row.labels]
        self.app.push_screen(ChooseScreen("Label", options, row.output), partial(self._labelled, row))

    def _labelled(self, row: RowText, found: tuple[str] | None) -> None:
        if found and found[0] != row.output:
            problem = self.app.runs.edit_problem(row.labels, row.input, found[0])
            if problem:
                self.app.complain(problem, "press e and change the text")
            else:
                self._edited(row, (row.input, found[0]))

    def _edited(self, row: RowText, edited: tuple[str, str] | None) -> None:
        if edited:
            job = partial(self.app.runs.edit_row, self.folder, row.line, *edited)
            self.app.perform(job, partial(self._decided, "trained on as edited"))

    def action_variety(self) -> None:
        from tui.screens.variety import VarietyScreen

        self.app.push_screen(VarietyScreen(self.folder))

    def action_lint(self) -> None:
        from tui.screens.lint import LintScreen

        self.app.push_screen(LintScreen(self.folder.name, partial(self.app.runs.lint_run, self.folder)))

    def action_source(self) -> None:
        """To the reply that the row came from."""
        if self.row and self.row.calls:
            job = partial(self.app.runs.call, self.folder, self.row.calls[0])
            title = f"the reply behind row {self.row.line.seq + 1} of attempt {self.row.line.attempt}"
            self.app.perform(job, partial(self._open_call, title))

    def _open_call(self, title: str, call: Call) -> None:
        from tui.screens.call import CallScreen

        if self.is_current:
            self.app.push_screen(CallScreen(title, call))
