"""Run: one run as it goes on, or as it went."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static, TabbedContent, TabPane

from tui.covered import covered
from tui.eventlog import LogLine
from tui.feed import FeedFailed, RunNews, RunSource
from tui.screens.beside import beside
from tui.state import RunView, advance
from tui.text import clean, clock, duration
from tui.weights import size
from tui.widgets.funnel import YieldFunnel
from tui.widgets.keys import Keys
from tui.widgets.lessons import Lessons
from tui.widgets.loss import LossPlot
from tui.widgets.marks import HOUSE, MUTED, STATUS_MARKS, TONES
from tui.widgets.samples import LatestSamples, sample_lines
from tui.widgets.scores import ScorePlot, ScoreTable
from tui.widgets.scrolling import GrowingList, hanging
from tui.widgets.stages import Progress, StageRow, Wish, activity
from tui.widgets.variety import TrendPlots, VarietyTable

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp
    from tui.person import Waiting
    from tui.screens.steer import Wish as SteerWish

START_SECONDS = 15.0
"""How long a new process may take before its first sign of life."""
TABS = ("overview", "samples", "variety", "log")
SPLITS = ("gate", "public", "probe", "private")


class RunScreen(Screen[None]):
    """The screen of the run in `folder`."""

    CSS_PATH = "run.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (70, "-narrow"), (100, "-wide"), (160, "-huge")]  # noqa: RUF012 - textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall"), (40, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("p", "pause", "Pause"),
        Binding("p", "go_on", "Go on"),
        Binding("a", "approve", "Approve"),
        Binding("t", "go('attempts')", "Attempts"),
        Binding("d", "go('data')", "Data"),
        Binding("e", "go('evaluation')", "Evaluation"),
        Binding("n", "steer", "Note"),
        Binding("c", "finished('chat')", "Chat"),
        Binding("x", "finished('export')", "Export"),
        Binding("c", "go('chat')", "Chat", show=False),  # as long as the run may go on: the footer is full
        Binding("x", "go('export')", "Export", show=False),
        Binding("m", "go('compare')", "Compare", show=False),
        Binding("v", "verdict", "Verdict", show=False),  # the words above the board name the key
        Binding("s", "split", "Split", show=False),
        Binding("f", "last_round", "Exam after this round", show=False),
        Binding("slash", "search", "Search the log", key_display="/", show=False),
        *(Binding(str(number), f"tab('{name}')", name, show=False) for number, name in enumerate(TABS, start=1)),
    ]
    app: SchoolhouseApp

    def __init__(self, folder: Path, *, starting: bool = False) -> None:
        super().__init__()
        self.folder = folder
        self.whole = RunView(clean(folder.name, 80))
        self.view = covered(self.whole)
        """What is shown: without what the exam found, until a person opens the verdict."""
        self.split = SPLITS[0]
        self._source: RunSource | None = None
        self._wish: Wish = "go on" if starting else ""
        self._wished = 0.0
        self._problem = ""
        self._draft = ""
        self._searched = ""

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static("", id="name")
            yield Static("", id="status", classes="right")
        with Vertical(id="head"):
            yield StageRow(id="stages")
            yield Progress(id="progress")
        with TabbedContent(initial="overview"):
            with TabPane("Overview", id="overview"), VerticalScroll(id="board"):
                yield from self._compose_board()
            with TabPane("Samples", id="samples"):
                yield GrowingList("the teacher has not written anything yet", id="sample-list")
            with TabPane("Variety and yield", id="variety"), VerticalScroll(id="variety-board"):
                yield VarietyTable()
                yield YieldFunnel()
                yield TrendPlots()
            with TabPane("Log", id="log"):
                yield GrowingList("nothing has happened yet", id="log-list")
        yield Keys(show_command_palette=False)  # all keys fit into 80 columns so

    def _compose_board(self) -> ComposeResult:
        with Horizontal(id="scores"):
            with Vertical(classes="panel", id="plot-panel"):
                yield ScorePlot()
            with Vertical(classes="panel", id="table-panel"):
                yield ScoreTable()
        with Horizontal(id="work"):
            with Vertical(classes="panel", id="loss-panel"):
                yield LossPlot()
            with Vertical(classes="panel", id="lessons-panel"):
                yield Lessons()
        with Vertical(classes="panel", id="samples-panel"):
            yield LatestSamples()

    def on_mount(self) -> None:
        self.query_one("#lessons-panel").border_title = "Lessons"
        self.query_one("#samples-panel").border_title = "Samples as they come"
        self.query_one("#loss-panel").border_title = "Loss"
        self._wished = self.app.runs.now()
        self.set_interval(1.0, self._show_time, name="clock")
        self._show()

    def on_screen_resume(self) -> None:
        self._source = self._source or RunSource(self.app.runs, self.folder)
        self.app.feed.follow(self._source, self)

    # -- what is shown -------------------------------------------------------------------------

    @on(RunNews)
    def take_news(self, message: RunNews) -> None:
        self.whole, self._problem = advance(self.whole, message.news), ""
        self.view = covered(self.whole)
        if (self._wish == "pause") == (self.view.status != "running"):
            self._wish = ""
        self.refresh_bindings()
        self._show()

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        self._problem = clean(message.error, 300)
        self._show_time()

    def _show(self) -> None:
        view = self.view
        self._show_time()
        self._show_titles()
        self.query_one(ScorePlot).show(view, self.split)
        self.query_one(ScoreTable).show(view, self.split)
        self.query_one(LossPlot).show(view.training)
        self.query_one(Lessons).show(view)
        self.query_one(LatestSamples).show(view.samples)
        self.query_one(YieldFunnel).show(view.gained)
        self.query_one(VarietyTable).show(view.cards)
        self.query_one(TrendPlots).show(view.cards)
        self.query_one("#sample-list", GrowingList).show(
            lambda width: [sample_lines(sample, width) for sample in view.samples], view.samples
        )
        self._show_log()

    def _show_log(self) -> None:
        self.query_one("#log-list", GrowingList).show(self._log_lines, (self._searched, self.view.log))

    def _log_lines(self, width: int) -> list[Content]:
        """The lines of the log, or those in which the words looked for are."""
        log, wanted = self.view.log, self._searched.casefold()
        lines = [_log_content(line, width) for line in log if wanted in line.text.casefold()]
        if not wanted:
            return lines
        words = f"{len(lines)} of {len(log)} lines have “{clean(self._searched, 60)}”   / another   escape all"
        return [Content.styled(words, "$warning"), Content(""), *lines]

    def _show_time(self) -> None:
        """Whatever changes because time passes."""
        view, now = self.view, self.app.runs.now()
        if self._wish == "go on" and now - self._wished > START_SECONDS:
            self._wish = ""
            self.refresh_bindings()
        mark, style = STATUS_MARKS[view.status]
        title = Content.assemble((f"{HOUSE} ", "$primary"), (view.name, "bold $primary"))
        if view.names and self.size.width >= 100:
            teacher = view.names.get("teacher", "").rpartition("/")[2]
            title += Content.styled(f"   {view.names.get('student')} taught by {teacher}", MUTED)
        self.query_one("#name", Static).update(title)
        words = Content.assemble((f"{mark} {view.status}", style), f"  {duration(view.elapsed(now))}")
        if view.last_round and view.status != "finished":
            words = Content.assemble(("exam after this round   ", "$warning"), words)
        if left := sum(not note.taken for note in view.notes):
            words = Content.assemble((f"{left} note{'s' if left > 1 else ''} waiting   ", "$warning"), words)
        if not view.seen:
            words = Content("")
        self.query_one("#status", Static).update(words)
        self.query_one(StageRow).show(view, now)
        self.query_one(Progress).show(view, now, activity(view, self._wish, self._problem))

    def _show_titles(self) -> None:
        training = self.view.training
        memory = f"memory {size(self.view.memory)} at most" if self.view.memory else ""
        self.query_one("#lessons-panel").border_subtitle = memory
        self.query_one("#plot-panel").border_title = f"Score by round, {self.split}"
        self.query_one("#table-panel").border_title = f"Scores, {self.split}"
        loss = self.query_one("#loss-panel")
        if training.losses:
            loss.border_title = f"Loss, round {training.round}"
            loss.border_subtitle = f"{training.losses[-1][1]:.3f} at step {training.step} of {training.steps}"

    # -- keys ----------------------------------------------------------------------------------

    def action_back(self) -> None:
        """First out of the log's search, then out of the screen."""
        if self._searched and self.query_one(TabbedContent).active == "log":
            self._search("")
        else:
            self.app.pop_screen()

    def action_search(self) -> None:
        from tui.screens.choose import AskScreen

        self.action_tab("log")
        hint = "Only lines of the log with these words; empty: all."
        self.app.push_screen(AskScreen("Search the log", self._searched, hint), self._search)

    def _search(self, text: str | None) -> None:
        if text is not None:
            self._searched = text
            self._show_log()

    def action_tab(self, name: str) -> None:
        self.query_one(TabbedContent).active = name

    def action_split(self) -> None:
        """Show the next split that has scores."""
        scored = [split for split in SPLITS if any(point.split == split for point in self.view.scores)]
        if scored:
            index = scored.index(self.split) if self.split in scored else -1
            self.split = scored[(index + 1) % len(scored)]
            self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now is offered."""
        view = self.view
        if action == "go" and parameters[0] in ("chat", "export"):
            return view.status != "finished"
        offered = {
            "pause": view.status == "running",
            "go_on": view.seen and view.status in ("paused", "broken") and not view.waiting,
            "approve": bool(view.waiting) and not self._wish,
            "finished": view.status == "finished",
            "last_round": view.seen and view.status != "finished",
            "steer": view.status != "finished",
            "verdict": view.examined,
        }
        return offered.get(action, True)

    def action_pause(self) -> None:
        if not self._wish:
            self._wish = "pause"
            self.app.perform(partial(self.app.runs.pause, self.folder), _nothing)
            self._show_time()

    def action_go_on(self) -> None:
        if not self._wish:
            self._wish, self._wished = "go on", self.app.runs.now()
            self.app.perform(partial(self.app.runs.resume, self.folder), _nothing)
            self._show_time()

    def action_last_round(self) -> None:
        """Ask for the exam after this round; the exam cannot be taken back, so that is asked first."""
        if self.view.last_round:
            self._end_after_round(True, wanted=False)
            return
        from tui.screens.sure import SureScreen

        words = "No round begins after this one; then the sealed exam is sat, once. Until then f takes it back."
        screen = SureScreen("The exam after this round?", words, "no further round")
        self.app.push_screen(screen, self._end_after_round)

    def _end_after_round(self, sure: bool | None, wanted: bool = True) -> None:
        if sure:
            self.app.perform(partial(self.app.runs.end_after_round, self.folder, wanted), _nothing)

    # -- a person in the loop ------------------------------------------------------------------

    def action_go(self, name: str) -> None:
        """To another screen of this run."""
        self.app.push_screen(beside(name, self.folder))

    def action_verdict(self) -> None:
        self.app.open_exam(self.folder)

    def action_finished(self, name: str) -> None:
        """To a screen that a finished run is looked at for."""
        self.action_go(name)

    def action_approve(self) -> None:
        """Open what waits for a person."""
        waiting = self.view.waiting[0]
        self.app.perform(partial(self.app.runs.read, waiting.path), partial(self._ask, waiting))

    def _ask(self, waiting: Waiting, text: str) -> None:
        from tui.screens.approve import ApproveScreen

        if self.is_current:
            self.app.push_screen(ApproveScreen(waiting, text), self._answered)

    def _answered(self, approved: bool | None) -> None:
        if approved:
            self._wish, self._wished = "go on", self.app.runs.now()
            self.refresh_bindings()
            self._show_time()

    def action_steer(self) -> None:
        from tui.screens.steer import SteerScreen

        deaf = "" if self.view.reads_notes else str(self.view.names.get("engineer", ""))
        self.app.push_screen(SteerScreen(self.view.notes, self._draft, deaf), self._wished_for)

    def _wished_for(self, wish: SteerWish | None) -> None:
        """A note that was not sent is there the next time."""
        if wish is None or not wish.send:
            self._draft = wish.text if wish else ""
            return
        self._draft = wish.text  # until it is left
        self.app.perform(partial(self.app.runs.steer, self.folder, wish.text), self._note_left)

    def _note_left(self, _result: None) -> None:
        self._draft = ""
        self.app.notify("the engineer reads your note when it plans next", timeout=4, markup=False)


def _nothing(_result: None) -> None:
    """The journal tells what became of it."""


def _log_content(line: LogLine, width: int) -> Content:
    start = Content.styled(f"{clock(line.at)}  ", MUTED)
    return hanging(start, Content.styled(line.text, TONES[line.tone]), width)
