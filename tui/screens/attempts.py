"""Attempts: the tree of data programs, what each planned and ran, and every call behind it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option

from tui.attempts import Attempt, CallLine, Tree, difference
from tui.attempts_feed import AttemptsNews, AttemptsSource
from tui.feed import FeedFailed
from tui.text import clean
from tui.widgets.attempt import attempt_prompt, call_prompt, in_full, tree_summary
from tui.widgets.choices import Choices, nothing
from tui.widgets.code import coloured, coloured_difference
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED, STATUS_MARKS
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp

TABS = ("what", "plan", "program", "difference", "calls")
CALLS_AT_ONCE = 200
MORE = "more"


class AttemptChoices(Choices):
    """Attempts to look at."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Look", show=False)]


class CallChoices(Choices):
    """Calls to read in full."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Read")]


class AttemptsScreen(Screen[None]):
    """The attempts of the run in `folder`."""

    CSS_PATH = "attempts.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (70, "-narrow"), (100, "-wide"), (160, "-huge")]  # noqa: RUF012 - textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        *(Binding(str(number), f"tab('{name}')", name, show=False) for number, name in enumerate(TABS, start=1)),
        Binding("c", "compare", "Compare with this"),
        Binding("tab", "app.focus_next", "Other side", show=False),
    ]
    app: SchoolhouseApp

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.view = Tree()
        self.compared: int | None = None
        """The attempt that others are compared with; None for each one's parent."""
        self._source: AttemptsSource | None = None
        self._calls_asked = (-1, 0, 0)
        """Attempt, its number of calls, and how many of them were asked for."""
        self._calls_wanted = CALLS_AT_ONCE

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.folder.name, 80)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   attempts", MUTED)))
            yield Static("", id="attempts-status", classes="right")
        yield Static("", id="attempts-summary")
        with Horizontal(id="attempts-body"):
            yield AttemptChoices("Attempts", id="attempt-list")
            with TabbedContent(initial=TABS[0], id="attempt-tabs"):
                for name in TABS[:-1]:
                    with TabPane(name.capitalize(), id=name):
                        yield TextPane(id=f"{name}-text")
                with TabPane("Calls", id="calls"):
                    yield CallChoices("", id="call-list")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one("#attempt-list").focus()

    def on_screen_resume(self) -> None:
        self._source = self._source or AttemptsSource(self.app.runs, self.folder)
        self.app.feed.follow(self._source, self)

    # -- what is shown -------------------------------------------------------------------------

    @on(AttemptsNews)
    def take_news(self, message: AttemptsNews) -> None:
        old, self.view = self.view, message.tree
        mark, style = STATUS_MARKS[self.view.status]
        self.query_one("#attempts-status", Static).update(Content.styled(f"{mark} {self.view.status}", style))
        self.query_one("#attempts-summary", Static).update(tree_summary(self.view))
        if old.attempts != self.view.attempts or not self.view.attempts:
            self._fill(newest=not old.attempts)
        self._show_detail()

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        self.query_one("#attempts-summary", Static).update(Content.styled(clean(message.error, 300), "$error"))

    def _fill(self, newest: bool) -> None:
        attempts = self.view.attempts
        options = [Option(attempt_prompt(attempt), id=str(attempt.id)) for attempt in attempts]
        found = self.query_one("#attempt-list", Choices)
        found.fill(options or [nothing("no attempt yet", "nothing planned so far")])
        if newest and attempts:
            found.highlighted = max(range(len(attempts)), key=lambda index: attempts[index].id)

    @property
    def chosen(self) -> Attempt | None:
        """The attempt that the list points at."""
        found = self.query_one("#attempt-list", OptionList)
        if found.highlighted is None or found.highlighted >= len(self.view.attempts):
            return None
        return self.view.attempts[found.highlighted]

    @on(OptionList.OptionHighlighted, "#attempt-list")
    @on(TabbedContent.TabActivated)
    def _show_detail(self) -> None:
        """Only the tab in view is filled."""
        attempt, tab = self.chosen, self.query_one("#attempt-tabs", TabbedContent).active
        if attempt is None or not tab:
            return
        if tab == "calls":
            self._ask_for_calls(attempt)
            return
        pane = self.query_one(f"#{tab}-text", TextPane)
        if tab == "what":
            pane.show(partial(in_full, attempt), (attempt.id, attempt))
        elif tab == "difference":
            other = self._other(attempt)
            pane.show(partial(_difference, other, attempt), (attempt.id, other and other.id, attempt))
        else:
            text, language = (attempt.plan, "yaml") if tab == "plan" else (attempt.program, "python")
            pane.show(partial(_text, text, language, tab), (attempt.id, text))

    def _other(self, attempt: Attempt) -> Attempt | None:
        """What an attempt is compared with: the chosen one, its parent, or the attempt before it."""
        if self.compared is not None and self.compared != attempt.id:
            return self.view.find(self.compared)
        earlier = [found for found in self.view.made if found.id < attempt.id]
        return self.view.find(attempt.parent) or (earlier[-1] if earlier else None)

    # -- calls ---------------------------------------------------------------------------------

    def _ask_for_calls(self, attempt: Attempt) -> None:
        if self._calls_asked[0] != attempt.id:
            self._calls_wanted = CALLS_AT_ONCE
        asked = (attempt.id, attempt.asked, self._calls_wanted)
        if asked != self._calls_asked:
            self._calls_asked = asked
            job = partial(self.app.runs.calls, self.folder, attempt.id, self._calls_wanted)
            self.app.perform(job, partial(self._show_calls, attempt))

    def _show_calls(self, attempt: Attempt, calls: list[CallLine]) -> None:
        if not self.is_attached or self._calls_asked[0] != attempt.id:
            return
        options = [Option(call_prompt(call), id=call.hash) for call in calls]
        if len(calls) < attempt.asked:
            options.append(Option(Content.styled(f"… {attempt.asked - len(calls)} more calls", MUTED), id=MORE))
        found = self.query_one("#call-list", Choices)
        place = found.highlighted
        at_more = place is not None and found.get_option_at_index(place).id == MORE
        found.fill(options or [nothing("no calls", "no model was asked")])
        if at_more and place is not None and place < len(options):
            found.highlighted = place

    @on(OptionList.OptionSelected, "#call-list")
    def read_call(self, event: OptionList.OptionSelected) -> None:
        attempt = self.chosen
        if attempt is None or not event.option_id:
            return
        if event.option_id == MORE:
            self._calls_wanted += CALLS_AT_ONCE
            self._ask_for_calls(attempt)
            return
        from tui.screens.call import CallScreen

        title = f"call {event.option_index + 1} of attempt {attempt.id}"
        job = partial(self.app.runs.call, self.folder, event.option_id)
        self.app.perform(job, lambda call: self.app.push_screen(CallScreen(title, call)))

    @on(OptionList.OptionSelected, "#attempt-list")
    def to_detail(self) -> None:
        tab = self.query_one("#attempt-tabs", TabbedContent).active
        self.query_one("#call-list" if tab == "calls" else f"#{tab}-text").focus()

    # -- keys ----------------------------------------------------------------------------------

    def action_tab(self, name: str) -> None:
        self.query_one("#attempt-tabs", TabbedContent).active = name

    def action_compare(self) -> None:
        """Compare all others with the chosen attempt; once more on it: each with its parent."""
        attempt = self.chosen
        if attempt is None:
            return
        self.compared = None if self.compared == attempt.id else attempt.id
        words = "its parent" if self.compared is None else f"attempt {self.compared}"
        self.query_one("#attempt-list").border_subtitle = f"compared with {words}"
        self.action_tab("difference")
        self._show_detail()


def _text(text: str, language: str, tab: str) -> Content:
    return coloured(text, language) if text else Content.styled(f"no {tab}", MUTED)


def _difference(other: Attempt | None, attempt: Attempt) -> Content:
    if other is None:
        return Content.styled("nothing to compare it with; press c on another attempt", MUTED)
    parts = [Content.styled(f"attempt {other.id} → attempt {attempt.id}", "bold $primary")]
    pairs = (("plan", other.plan, attempt.plan), ("program", other.program, attempt.program))
    for name, before, after in pairs:
        lines = difference(before, after)
        same = Content.styled(f"{name}: the same", MUTED)
        parts += (
            [Content(""), Content("\n").join([Content.styled(name, "bold"), coloured_difference(lines)])]
            if lines
            else [Content(""), same]
        )
    return Content("\n").join(parts)
