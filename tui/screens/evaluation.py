"""Evaluation: what the student could do before and can do now, item by item, and the sealed exam."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static, TabbedContent, TabPane

from toolkit.types import BASELINES
from tui.evaluation import KINDS, Evaluation, ItemLine, chosen_items, confusion, skill_lines
from tui.evaluation_feed import EvaluationNews, EvaluationSource
from tui.feed import FeedFailed
from tui.text import clean
from tui.widgets.evaluation import (
    confusion_matrix,
    exam_words,
    item_in_full,
    item_prompt,
    skill_table,
    student_name,
    trained_name,
)
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED, STATUS_MARKS
from tui.widgets.textpane import TextPane
from tui.widgets.window import Window

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp

TABS = ("skills", "confusion", "items", "exam")


class EvaluationScreen(Screen[None]):
    """The answers of all students of the run in `folder`; `tab` is in view first."""

    CSS_PATH = "evaluation.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-huge")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        *(Binding(str(number), f"tab('{name}')", name, show=False) for number, name in enumerate(TABS, start=1)),
        Binding("s", "split", "Split"),
        Binding("b", "base", "Other baseline"),
        Binding("r", "round", "Round"),
        Binding("f", "kind", "Filter"),
        Binding("v", "reveal", "Verdict"),
        Binding("j", "desk", "Judge"),
    ]
    app: SchoolhouseApp

    def __init__(self, folder: Path, tab: str = "skills") -> None:
        super().__init__()
        self.folder, self._first_tab = folder, tab
        self.view = Evaluation("public")
        self.base, self.trained, self.kind = BASELINES[0], "", None
        self.items: list[ItemLine] = []
        self._chosen_round = ""
        self._split = "public"
        self._source: EvaluationSource | None = None
        self._was_read = False

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.folder.name, 80)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   evaluation", MUTED)))
            yield Static("", id="evaluation-status", classes="right")
        yield Static("", id="evaluation-words")
        with TabbedContent(initial=self._first_tab, id="evaluation-tabs"):
            for name in ("skills", "confusion"):
                with TabPane(name.capitalize(), id=name):
                    yield TextPane(id=f"{name}-text")
            with TabPane("Items", id="items"), Container(id="items-body"):
                yield Window(self._line, "no answers yet", id="item-list")
                yield TextPane(id="item-text")
            with TabPane("Exam", id="exam"):
                yield TextPane(id="exam-text")
        yield Keys(show_command_palette=False)  # all keys fit into 80 columns so

    def on_screen_resume(self) -> None:
        self._source = self._source or EvaluationSource(self.app.runs, self.folder, self._split)
        self.app.feed.follow(self._source, self)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # -- what is shown -------------------------------------------------------------------------

    @on(EvaluationNews)
    def take_news(self, message: EvaluationNews) -> None:
        if message.evaluation.split == self._split:
            self.view, self._was_read = message.evaluation, True
            self._show()

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        self.query_one("#evaluation-words", Static).update(Content.styled(clean(message.error, 300), "$error"))
        if not self.view.students:
            for pane in self.query("TextPane").results(TextPane):
                pane.show(lambda: Content.styled("nothing can be shown", MUTED), message.error)

    @property
    def revealed(self) -> bool:
        return bool(self.view.verdict) and not self.view.unread

    @property
    def hidden(self) -> bool:
        """Sealed items are looked at only after the verdict."""
        return self._split == "private" and not self.revealed

    @on(TabbedContent.TabActivated)
    def _show(self) -> None:
        """Only the tab in view is filled."""
        if not self.is_mounted:
            return
        view = self.view
        mark, style = STATUS_MARKS[view.status]
        status = Content.styled(f"{mark} {view.status}", style) if self._was_read else Content("")
        self.query_one("#evaluation-status", Static).update(status)
        wanted = self._chosen_round or trained_name(view.students, view.best)
        self.trained = wanted if wanted in view.students else trained_name(view.students, view.best)
        self.base = self.base if self.base in view.students or not view.students else view.students[0]
        if self._was_read:
            self.query_one("#evaluation-words", Static).update(self._words())
        self.refresh_bindings()
        tab = self.query_one("#evaluation-tabs", TabbedContent).active
        if tab == "items":
            self._show_items()
        elif tab:
            pane = self.query_one(f"#{tab}-text", TextPane)
            width = max(20, self.size.width - 8)  # a pane that was hidden has no width yet
            pane.show(partial(self._text, tab, width), (tab, view, self.base, self.trained, width))

    def _words(self) -> Content:
        chosen = f"{student_name(self.base)} against {student_name(self.trained) or 'no trained student yet'}"
        return Content.assemble((f"on {self._split}", "bold"), (f"   {chosen}", MUTED))

    def _text(self, tab: str, width: int) -> Content:
        if tab == "exam":
            lines = (
                skill_lines(self.view, self.base, self.trained, self.app.runs.interval)
                if self._split == "private"
                else []
            )
            return exam_words(self.view, lines)
        if self.hidden:
            return Content.styled("the exam's answers are shown once its verdict was read: press v", MUTED)
        if tab == "skills":
            lines = skill_lines(self.view, self.base, self.trained, self.app.runs.interval)
            return skill_table(lines, self.base, self.trained, width)
        if self._split == "gate" and not self.view.texts_shown:
            return Content.styled("what was answered on gate is shown after the exam: it chooses the rounds", MUTED)
        return confusion_matrix(confusion(self.view, self.trained or self.base), width)

    # -- items ---------------------------------------------------------------------------------

    def _show_items(self) -> None:
        secret = self.hidden or (self._split == "gate" and not self.view.texts_shown)
        self.items = [] if secret else chosen_items(self.view, self.base, self.trained, self.kind)
        empty = "its items are shown after the exam" if secret else "no item is like that; f chooses others"
        self.query_one("#item-list", Window).fill(len(self.items), empty)
        self._show_item()

    def _line(self, number: int, width: int) -> Content:
        return item_prompt(self.items[number], self.base, self.trained, width)

    @on(Window.Moved)
    def _show_item(self) -> None:
        pane, cursor = self.query_one("#item-text", TextPane), self.query_one("#item-list", Window).cursor
        if cursor < len(self.items):
            item = self.items[cursor]
            # two fifths of the screen less what frames them: a pane that was hidden has no width yet
            width = self.size.width * 2 // 5 - 6 if self.has_class("-huge") else 0
            shown = (item, self.base, self.trained, width)
            pane.show(partial(item_in_full, *shown), (item.id, *shown))
        else:
            pane.show(lambda: Content(""), None)

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "reveal":
            return self.view.unread
        if action == "desk":
            return self.view.judged
        if action == "kind":
            return self.query_one("#evaluation-tabs", TabbedContent).active == "items" if self.is_mounted else False
        return True

    def action_tab(self, name: str) -> None:
        self.set_focus(None)  # a focused widget would bring its own tab back
        self.query_one("#evaluation-tabs", TabbedContent).active = name
        self.call_after_refresh(self._focus_tab, name)

    def _focus_tab(self, name: str) -> None:
        if self.query_one("#evaluation-tabs", TabbedContent).active == name:
            self.query_one("#item-list" if name == "items" else f"#{name}-text").focus()

    def action_split(self) -> None:
        splits = [name for name in self.view.splits if name != "private" or self.revealed]
        if splits:
            self._look_at(splits[(splits.index(self._split) + 1) % len(splits)] if self._split in splits else splits[0])

    def _look_at(self, split: str) -> None:
        self._split = split
        self._source = EvaluationSource(self.app.runs, self.folder, split)
        self.app.feed.follow(self._source, self)

    def action_base(self) -> None:
        names = [name for name in BASELINES if name in self.view.students]
        if names:
            self.base = names[(names.index(self.base) + 1) % len(names)] if self.base in names else names[0]
            self._show()

    def action_round(self) -> None:
        from tui.screens.choose import ChooseScreen

        options = [(student_name(name), name) for name in self.view.trained]
        if options:
            self.app.push_screen(ChooseScreen("Round", options, self.trained), self._take_round)

    def _take_round(self, found: tuple[Any] | None) -> None:
        if found:
            self._chosen_round = found[0]
            self._show()

    def action_kind(self) -> None:
        from tui.screens.choose import ChooseScreen

        options = [("all items", None), *((words, kind) for kind, words in KINDS.items())]
        self.app.push_screen(ChooseScreen("Items", options, self.kind), self._take_kind)

    def _take_kind(self, found: tuple[Any] | None) -> None:
        if found:
            self.kind = found[0]
            self.query_one("#item-list", Window).cursor = 0
            self._show()

    def action_desk(self) -> None:
        """To the labelling desk, where a person's labels make a judge count."""
        from tui.screens.label import LabelScreen

        self.app.push_screen(LabelScreen(self.folder))

    def action_reveal(self) -> None:
        """Open the verdict, on purpose: from another tab the first press only leads to it."""
        if self.query_one(TabbedContent).active != "exam":
            self.action_tab("exam")
            return
        self.app.perform(partial(self.app.runs.keep_read, self.folder), self._revealed)

    def _revealed(self, _result: None) -> None:
        self.base = str(self.view.verdict.get("baseline") or self.base)
        if self.is_attached:
            self._look_at("private")
