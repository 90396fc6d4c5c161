"""Home: recipes to start, runs to open, and the machine that they run on."""

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
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.feed import FeedFailed, RunsListed, RunsSource
from tui.machine import Health, Lacking
from tui.recipes import Takes
from tui.state import RecipeLine, RunLine
from tui.text import clean
from tui.widgets.choices import Choices, RecipeChoices, RunChoices, nothing
from tui.widgets.keys import Keys
from tui.widgets.lines import first_steps, machine_line, recipe_prompt, run_prompt
from tui.widgets.marks import HOUSE, MUTED

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp
    from tui.screens.confirm import ConfirmScreen

FIRST = "quickstart"
"""The recipe that one key begins, where nothing was run yet."""


class HomeScreen(Screen[None]):
    """The first screen."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "begin", "Begin"),
        Binding("r", "resume", "Go on", show=False),  # the run in the list names the key
        Binding("v", "verdict", "Verdict", show=False),
        Binding("e", "recipe", "Edit"),
        Binding("c", "compare", "Compare"),
        Binding("m", "models", "Models"),
        Binding("d", "doctor", "Doctor"),
    ]
    app: SchoolhouseApp

    def __init__(self) -> None:
        super().__init__()
        self._recipes: list[RecipeLine] = []
        self._runs: list[RunLine] | None = None
        self._takes: dict[str, Takes] = {}
        self._lacking: tuple[Lacking, ...] | None = None
        self._machine = ""
        self._asked = False
        self._pointed: tuple[RunLine | None, ...] = ()
        self.health: Health | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.assemble((f"{HOUSE} Schoolhouse", "bold $primary")))
            yield Static(Content.styled("a teacher, a student, a sealed exam", MUTED), classes="right")
        with Horizontal(id="lists"):
            yield RecipeChoices("Recipes", id="recipes")
            yield RunChoices("Runs", id="runs")
        yield Static("", id="machine", markup=False)
        yield Keys(show_command_palette=False)  # all keys fit into 80 columns so

    def on_mount(self) -> None:
        self.query_one("#recipes").focus()
        self.call_after_refresh(self._load)

    def on_screen_resume(self) -> None:
        self.app.feed.follow(RunsSource(self.app.runs), self)
        if self._recipes:  # one may have been copied, and weights may have been fetched, on another screen
            self._asked = False
            self.app.perform(self.app.runs.recipes, self.show_recipes)

    def _load(self) -> None:
        self.app.perform(self.app.runs.recipes, self.show_recipes)
        self.app.perform(self.app.runs.machine, self.show_machine)
        self.app.perform(self.app.runs.health, self.show_health, partial(self.show_health, Health()))

    # -- what is shown -------------------------------------------------------------------------

    def show_machine(self, words: str) -> None:
        self._machine = words
        self._show_machine()

    def show_health(self, found: Health) -> None:
        self.health = found
        self._show_machine()

    def _show_machine(self) -> None:
        self.query_one("#machine", Static).update(machine_line(self._machine, self.health))

    def show_recipes(self, recipes: list[RecipeLine]) -> None:
        self._recipes = sorted(recipes, key=lambda recipe: recipe.name != FIRST)
        self._fill_recipes()
        self.app.perform(partial(self.app.runs.takes, recipes), self.show_takes)
        self._look_for_weights()

    def show_takes(self, takes: dict[str, Takes]) -> None:
        self._takes = takes
        self._fill_recipes()
        self._fill_runs()

    def show_lacking(self, lacking: tuple[Lacking, ...]) -> None:
        fetched = bool(self._lacking) and not lacking
        self._lacking = lacking
        self._fill_runs()
        if fetched:  # what doctor said of them is no longer true
            self.app.perform(self.app.runs.health, self.show_health)

    def _fill_recipes(self) -> None:
        options = [Option(recipe_prompt(one, self._takes.get(one.name)), id=one.name) for one in self._recipes]
        if not options:
            options = [nothing("no recipes here", "a recipe is a folder recipes/NAME with a recipe.yaml")]
        self.query_one("#recipes", Choices).fill(options)
        self.refresh_bindings()

    @on(RunsListed)
    def show_runs(self, message: RunsListed) -> None:
        self._runs = message.runs
        self._fill_runs()
        self._look_for_weights()

    def _look_for_weights(self) -> None:
        """On the first start: what would have to be fetched."""
        if self._runs == [] and self._first and not self._asked:
            self._asked = True
            self.app.perform(partial(self.app.runs.lacking, self._first), self.show_lacking)

    def _fill_runs(self) -> None:
        if self._runs is None:
            return
        now = self.app.runs.now()
        self._pointed = stopped, unread = self._resumable, self._unread
        keys = {id(stopped): "r: go on", id(unread): "v: open the verdict"}
        options = [Option(run_prompt(run, now, keys.get(id(run), "")), id=str(run.folder)) for run in self._runs]
        if not options:
            takes = self._takes.get(self._first.name) if self._first else None
            options = [Option(first_steps(self._first, takes, self._lacking))]
        self.query_one("#runs", Choices).fill(options)
        self.refresh_bindings()

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        self.query_one("#runs", OptionList).border_subtitle = Content(clean(message.error, 60))

    # -- what is chosen ------------------------------------------------------------------------

    @property
    def _first(self) -> RecipeLine | None:
        """The recipe to begin with."""
        return next((found for found in self._recipes if found.name == FIRST and not found.problem), None)

    @property
    def _by_place(self) -> list[RunLine]:
        """All runs, that which the list points at first, then the newest."""
        runs, place = self._runs or [], self.query_one("#runs", OptionList).highlighted
        return [*(runs[place : place + 1] if place is not None else []), *runs]

    @property
    def _resumable(self) -> RunLine | None:
        """The stopped run that a key goes on with."""
        return next((run for run in self._by_place if run.status in ("paused", "broken")), None)

    @property
    def _unread(self) -> RunLine | None:
        """The run whose verdict a key leads to."""
        return next((run for run in self._by_place if run.unread), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "begin":
            return self._runs == [] and self._first is not None
        if action == "resume":
            return self._resumable is not None
        if action == "verdict":
            return self._unread is not None
        return not (action == "compare" and self._runs == [])

    @on(OptionList.OptionHighlighted, "#runs")
    def point_at(self) -> None:
        if (self._resumable, self._unread) != self._pointed:
            self._fill_runs()

    @on(OptionList.OptionSelected, "#runs")
    def open_run(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.app.open_run(Path(event.option_id))
        elif self._runs == []:
            self.action_begin()

    @on(OptionList.OptionSelected, "#recipes")
    def ask(self, event: OptionList.OptionSelected) -> None:
        recipe = next((found for found in self._recipes if found.name == event.option_id), None)
        if recipe is None:
            return
        if recipe.problem:
            self.app.complain(recipe.problem, f"schoolhouse recipes check {recipe.path}")
            return
        from tui.screens.confirm import ConfirmScreen  # its widgets are not needed for the first frame

        screen = ConfirmScreen(recipe)
        self.app.push_screen(screen, partial(self.app.start_recipe, recipe))
        self.app.perform(partial(self.app.runs.estimate, recipe), partial(_tell, screen))

    def action_begin(self) -> None:
        """The quickstart, its weights first if need be."""
        if self._first:
            self.app.start_recipe(self._first)

    def action_resume(self) -> None:
        """Go on with a stopped run, and show it."""
        if run := self._resumable:
            then = partial(self.app.open_run, run.folder, starting=True)
            self.app.perform(partial(self.app.runs.resume, run.folder), lambda _: then())

    def action_verdict(self) -> None:
        if run := self._unread:
            self.app.open_exam(run.folder)

    def action_compare(self) -> None:
        from tui.screens.compare import CompareScreen

        self.app.push_screen(CompareScreen())

    def action_models(self) -> None:
        from tui.screens.models import ModelsScreen

        self.app.push_screen(ModelsScreen())

    def action_doctor(self) -> None:
        from tui.screens.doctor import DoctorScreen

        self.app.push_screen(DoctorScreen(self.health or Health()), self._looked)

    def _looked(self, found: Health | None) -> None:
        if found and found.findings:
            self.show_health(found)

    def action_recipe(self) -> None:
        """Look at the recipe that the list points at; one with a mistake too."""
        place = self.query_one("#recipes", OptionList).highlighted
        if place is not None and place < len(self._recipes):
            path = self._recipes[place].path
            self.app.open_recipe(path if path.suffix == ".yaml" else path / "recipe.yaml")


def _tell(screen: ConfirmScreen, words: str) -> None:
    if screen.is_current:
        screen.show_estimate(words)
