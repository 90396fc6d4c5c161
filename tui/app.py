"""The application: themes, keys, the feed's thread, and the way between screens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textual import work
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import get_current_worker

from toolkit.errors import SchoolhouseError
from tui.feed import Feed
from tui.machine import Lacking
from tui.recipes import RecipeText
from tui.runs import Runs
from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen
from tui.state import RecipeLine
from tui.text import clean_block
from tui.theme import PAPER, SLATE, THEMES

T = TypeVar("T")
MOST_TOAST = 1200
"""Characters of an error that are shown."""


class SchoolhouseApp(App[None]):
    """Schoolhouse in a terminal.

    Args:
        runs: the door to the toolkit.
        open_first: the folder of the run whose screen is opened at once.
    """

    TITLE = "Schoolhouse"
    # Home's styles too: textual loads those of screens that are pushed, not those of the default one
    CSS_PATH = ["app.tcss", "screens/home.tcss"]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("f1", "help", "Help", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, runs: Runs | None = None, open_first: Path | None = None) -> None:
        super().__init__()
        self.runs = runs or Runs()
        self.feed = Feed()
        self._open_first = open_first
        self._quitting: Screen[Any] | None = None
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = PAPER.name if os.environ.get("SCHOOLHOUSE_THEME") == "light" else SLATE.name

    def get_default_screen(self) -> Screen[Any]:
        """Home is the lowest screen: an empty one below it would be laid out and painted as well."""
        return HomeScreen()

    def on_mount(self) -> None:
        if self._open_first:
            self.open_run(self._open_first)
        self.call_after_refresh(self._begin_feed)  # the first frame comes before the first look

    def on_unmount(self) -> None:
        """What was begun for the screens alone ends with them; runs go on."""
        self.runs.leave()

    def _begin_feed(self) -> None:
        self.run_worker(
            self._feed_thread, name="journal-feed", group="feed", thread=True, exclusive=True, exit_on_error=False
        )

    def _feed_thread(self) -> None:
        worker = get_current_worker()
        self.feed.work(lambda: worker.is_cancelled)

    # -- between screens -----------------------------------------------------------------------

    def open_run(self, folder: Path, *, starting: bool = False) -> None:
        """Show a run; `starting` when its process was begun a moment ago."""
        from tui.screens.run import RunScreen  # imported here: the plots are not needed for the first frame

        self.push_screen(RunScreen(folder, starting=starting))

    def open_exam(self, folder: Path) -> None:
        """Show a run's exam, with the verdict behind one more key unless it was read before."""
        from tui.screens.evaluation import EvaluationScreen

        self.push_screen(EvaluationScreen(folder, "exam"))

    def open_recipe(self, path: Path) -> None:
        """Show a recipe's text to edit."""
        from tui.screens.recipe import RecipeScreen

        def show(found: RecipeText) -> None:
            self.push_screen(RecipeScreen(path, found))

        self.perform(partial(self.runs.recipe_text, path), show)

    def start_recipe(self, recipe: RecipeLine, arms: tuple[str, ...] | None = ()) -> None:
        """Start a run of a recipe, or of each of its arms, and show it; weights that are not here are fetched first.

        Args:
            arms: none of them: the recipe as it stands; None: nothing is started.
        """
        if arms is not None:
            self.perform(partial(self.runs.lacking, recipe), partial(self._fetch_and_start, recipe, arms))

    def _fetch_and_start(self, recipe: RecipeLine, arms: tuple[str, ...], lacking: tuple[Lacking, ...]) -> None:
        from tui.screens.fetch import FetchScreen

        def start(all_here: bool | None = True) -> None:
            if all_here:
                self.notify(f"starting {clean_block(recipe.name, 60)} …", timeout=3, markup=False)
                self.perform(partial(self.runs.start, recipe, arms), partial(self.open_run, starting=True))

        if lacking:
            self.push_screen(FetchScreen(lacking), start)
        else:
            start()

    def pop_screen(self) -> AwaitComplete:
        """Leave a screen. What its widgets have painted is dropped: textual keeps it for up to 1024 of them."""
        for widget in self.screen.walk_children():
            widget.refresh()
        return super().pop_screen()

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(type(self.screen).__name__.removesuffix("Screen")))

    async def action_quit(self) -> None:
        """End. A screen whose `unsaved` is true has edits that would be lost: then it is asked first."""
        if not any(screen.is_mounted and getattr(screen, "unsaved", False) for screen in self.screen_stack):
            self.exit()
        elif self._quitting not in self.screen_stack:
            from tui.screens.sure import SureScreen

            words = "What you changed is not saved: it would be lost. Runs that are under way go on."
            self._quitting = SureScreen("Quit without saving?", words, "quit, and lose the changes")
            self.push_screen(self._quitting, self._quit)

    def _quit(self, sure: bool | None) -> None:
        if sure:
            self.exit()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for active in screen.active_bindings.values():
            found = active.binding
            if active.node is screen and active.enabled and found.description[:1].isupper():
                run = partial(self.run_action, found.action, screen)
                yield SystemCommand(found.description, f"this screen, key {self.get_key_display(found)}", run)
        yield SystemCommand("Light", "Paper and ink", partial(self._use_theme, PAPER.name))
        yield SystemCommand("Dark", "Slate and chalk", partial(self._use_theme, SLATE.name))
        yield from super().get_system_commands(screen)

    def _use_theme(self, name: str) -> None:
        self.theme = name

    # -- work that may block -------------------------------------------------------------------

    @work(thread=True, group="actions", exit_on_error=False)
    def perform(
        self, job: Callable[[], T], then: Callable[[T], object], failed: Callable[[], object] = lambda: None
    ) -> None:
        """Do `job` in a thread, then call `then` with its result; an error is shown, and `failed` called."""
        try:
            result = job()
        except SchoolhouseError as error:
            self.call_from_thread(self.complain, error.message, error.fix)
            self.call_from_thread(failed)
        except Exception as error:
            self.call_from_thread(self.complain, f"{type(error).__name__}: {error}", "")
            self.call_from_thread(failed)
        else:
            self.call_from_thread(then, result)

    def complain(self, message: str, fix: str) -> None:
        """Show an error with its fix; the text is literal."""
        text = clean_block(f"{message}\n\nFix: {fix}" if fix else message, MOST_TOAST)
        self.notify(text, title="That did not work", severity="error", timeout=12, markup=False)
