"""Recipe: read and edit it; mistakes and the forecast stand beside it and move with the edits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from tui.attempts import difference
from tui.recipes import Checked, RecipeText
from tui.screens.confirm import ConfirmScreen
from tui.state import RecipeLine
from tui.text import about, as_written, clean, clean_block, editable
from tui.widgets.code import coloured_difference
from tui.widgets.keys import Keys
from tui.widgets.marks import ACCEPTED, HOUSE, MUTED, REJECTED
from tui.widgets.textpane import TextPane

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp

PAUSE = 0.3
"""Seconds without a key before the text is looked at."""


class RecipeScreen(Screen[None]):
    """The recipe in the file `path`."""

    CSS_PATH = "recipe.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", priority=True),
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("ctrl+g", "start", "Start", priority=True),
        Binding("f2", "difference", "Difference"),
        Binding("f3", "duplicate", "Duplicate"),
        Binding("f4", "mistake", "To a mistake"),
        Binding("f5", "lint", "Tokens"),
        Binding("f1", "app.help", "Help"),
    ]
    app: SchoolhouseApp

    def __init__(self, path: Path, found: RecipeText) -> None:
        super().__init__()
        self.path, self.found = path, found
        self.checked: Checked | None = None
        self._saved = found.text
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            title = clean(self.path.parent.name, 60)
            yield Static(Content.assemble((f"{HOUSE} {title}", "bold $primary"), ("   recipe", MUTED)))
            yield Static("", id="recipe-status", classes="right")
        with Container(id="recipe-body"):
            yield TextArea(editable(self._saved), show_line_numbers=True, tab_behavior="indent", id="recipe-text")
            with Vertical(id="recipe-side"):
                yield Static("", id="recipe-words")
                mistakes = OptionList(id="recipe-mistakes", markup=False)
                mistakes.can_focus = False
                yield mistakes
                yield TextPane(id="recipe-difference")
        yield Keys(show_command_palette=False)  # all keys fit into 80 columns so

    def on_mount(self) -> None:
        self.query_one("#recipe-difference").display = False
        self.query_one(TextArea).focus()
        self._check()
        self._show_status()

    @property
    def text(self) -> str:
        """The text to keep, also with the characters that are not shown as they are."""
        return as_written(self.query_one(TextArea).text)

    @property
    def unsaved(self) -> bool:
        return self.text != self._saved

    # -- what is shown -------------------------------------------------------------------------

    @on(TextArea.Changed)
    def edited(self) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._check)
        self._show_status()

    def _check(self) -> None:
        text = self.text
        self.app.perform(partial(self.app.runs.check_recipe, self.path, text), partial(self._show, text))

    def _show(self, text: str, checked: Checked) -> None:
        if not self.is_attached or text != self.text:
            return  # of a text that is no more
        self.checked = checked
        self.query_one("#recipe-words", Static).update(_words(checked))
        mistakes = self.query_one("#recipe-mistakes", OptionList)
        mistakes.clear_options()
        mistakes.add_options([Option(_mistake(*found)) for found in _lines(checked)])
        mistakes.display = bool(checked.mistakes)
        if self.query_one("#recipe-difference").display:
            self._show_difference()
        self.refresh_bindings()

    def _show_status(self) -> None:
        words = Content.styled("not saved", "$warning") if self.unsaved else Content.styled("saved", MUTED)
        self.query_one("#recipe-status", Static).update(words)

    def _show_difference(self) -> None:
        lines = difference(clean_block(self.found.shipped), clean_block(self.text))
        title = Content.styled(f"against {clean(self.found.shipped_name, 60)}", "bold")
        body = coloured_difference(lines) if lines else Content.styled("the same", MUTED)
        pane = self.query_one("#recipe-difference", TextPane)
        pane.show(lambda: Content("\n").join([title, body]), ("difference", self.text))

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        wrong = bool(self.checked and self.checked.mistakes)
        return {"start": not wrong, "lint": not wrong, "mistake": wrong}.get(action, True)

    def action_difference(self) -> None:
        pane = self.query_one("#recipe-difference")
        pane.display = not pane.display
        self.set_class(pane.display, "-difference")
        self._show_difference()

    @on(OptionList.OptionSelected)
    def to_line(self, event: OptionList.OptionSelected) -> None:
        self._go(event.option_index)

    def action_mistake(self) -> None:
        """To the first mistake below the cursor, or the first of all."""
        mistakes = self.checked.mistakes if self.checked else ()
        here = self.query_one(TextArea).cursor_location[0] + 1
        self._go(next((number for number, found in enumerate(mistakes) if found.line > here), 0))

    def _go(self, number: int) -> None:
        if self.checked and number < len(self.checked.mistakes):
            area, line = self.query_one(TextArea), self.checked.mistakes[number].line
            area.move_cursor((max(0, line - 1), 0), center=True)
            area.focus()

    def action_save(self) -> None:
        self._save(self._saved_words)

    def _saved_words(self) -> None:
        self.app.notify("saved; runs that go on keep the recipe that they began with", timeout=4, markup=False)

    def _save(self, then: object) -> None:
        if not self.found.writable:
            self.app.complain("this recipe cannot be written where it is", "press f3: a copy in ./recipes")
            return
        text = self.text
        self.app.perform(partial(self.app.runs.save_recipe, self.path, text), partial(self._kept, text, then))

    def _kept(self, text: str, then: object, _result: None) -> None:
        self._saved = text
        self._show_status()
        if callable(then):
            then()

    def action_duplicate(self) -> None:
        self.app.perform(partial(self.app.runs.duplicate_recipe, self.path, self.text), self._duplicated)

    def _duplicated(self, path: Path) -> None:
        self.app.notify(f"a copy: {clean(str(path), 100)}", timeout=4, markup=False)
        self.app.pop_screen()
        self.app.open_recipe(path)

    def action_lint(self) -> None:
        """What a training would learn, with the text as it stands."""
        from tui.screens.lint import LintScreen

        look = partial(self.app.runs.lint_text, self.path, self.text)
        self.app.push_screen(LintScreen(self.path.parent.name, look))

    def action_start(self) -> None:
        """Save, ask once more, start."""
        if self.unsaved:
            self._save(self._confirm)
        else:
            self._confirm()

    def _confirm(self) -> None:
        recipe = RecipeLine(self.path.parent.name, self.path, "The recipe as it stands here.")
        screen = ConfirmScreen(recipe)
        self.app.push_screen(screen, partial(self.app.start_recipe, recipe))
        self.app.perform(partial(self.app.runs.estimate, recipe), partial(_tell, screen))

    def action_leave(self) -> None:
        """Edits are not lost by a key: one who leaves with some is asked."""
        if not self.unsaved:
            self.app.pop_screen()
            return
        from tui.screens.choose import ChooseScreen

        options = [("save them", "save"), ("throw them away", "drop"), ("go on editing", "stay")]
        self.app.push_screen(ChooseScreen("Your edits are not saved", options), self._left)

    def _left(self, found: tuple[str] | None) -> None:
        if found == ("save",):
            self._save(self.app.pop_screen)
        elif found == ("drop",):
            self.app.pop_screen()


def _tell(screen: ConfirmScreen, words: str) -> None:
    if screen.is_current:
        screen.show_estimate(words)


def _words(checked: Checked) -> Content:
    if checked.mistakes:
        count = len(checked.mistakes)
        return Content.styled(f"{REJECTED} {count} mistake{'s' if count > 1 else ''}", "bold $error")
    lines = [
        Content.styled(f"{ACCEPTED} fine", "$success"),
        Content.assemble("about ", (about(checked.seconds), "bold"), " here"),
        *(Content.styled(f"  {name:<9} {about(seconds)}", MUTED) for name, seconds in checked.forecast if seconds),
        *(Content(clean(fact, 120)) for fact in checked.facts),
    ]
    return Content("\n").join(lines)


def _lines(checked: Checked) -> list[tuple[str, str, str]]:
    places = [(f"line {found.line}" if found.line else "", found.key) for found in checked.mistakes]
    return [
        (", ".join(filter(None, place)) or "the whole file", found.words, found.fix)
        for place, found in zip(places, checked.mistakes, strict=True)
    ]


def _mistake(where: str, words: str, fix: str) -> Content:
    return Content("\n").join([Content.styled(where, "bold"), Content(clean(words)), Content.styled(clean(fix), MUTED)])
