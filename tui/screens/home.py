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
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tui.feed import FeedFailed, RunsListed, RunsSource
from tui.screens.confirm import ConfirmScreen
from tui.state import RecipeLine, RunLine
from tui.text import ago, clean, percent
from tui.widgets.choices import Choices, RecipeChoices, RunChoices, nothing
from tui.widgets.marks import HOUSE, MUTED, STATUS_MARKS

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class HomeScreen(Screen[None]):
    """The first screen."""

    CSS_PATH = "home.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Other list"),
        Binding("e", "recipe", "Edit recipe"),
        Binding("c", "compare", "Compare"),
        Binding("m", "models", "Models"),
    ]
    app: SchoolhouseApp

    def __init__(self) -> None:
        super().__init__()
        self._recipes: list[RecipeLine] = []
        self._runs: list[RunLine] = []

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.assemble((f"{HOUSE} Schoolhouse", "bold $primary")))
            yield Static(Content.styled("a teacher, a student, a sealed exam", MUTED), classes="right")
        with Horizontal(id="lists"):
            yield RecipeChoices("Recipes", id="recipes")
            yield RunChoices("Runs", id="runs")
        yield Static("", id="machine", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#recipes").focus()
        self.call_after_refresh(self._load)

    def on_screen_resume(self) -> None:
        self.app.feed.follow(RunsSource(self.app.runs), self)

    def _load(self) -> None:
        self.app.perform(self.app.runs.recipes, self.show_recipes)
        self.app.perform(self.app.runs.machine, self.show_machine)

    # -- what is shown -------------------------------------------------------------------------

    def show_machine(self, words: str) -> None:
        self.query_one("#machine", Static).update(Content(words))

    def show_recipes(self, recipes: list[RecipeLine]) -> None:
        self._recipes = recipes
        options = [Option(recipe_prompt(recipe), id=recipe.name) for recipe in recipes]
        if not options:
            options = [nothing("no recipes here", "a recipe is a folder recipes/NAME with a recipe.yaml")]
        self.query_one("#recipes", Choices).fill(options)

    @on(RunsListed)
    def show_runs(self, message: RunsListed) -> None:
        self._runs = message.runs
        now = self.app.runs.now()
        options = [Option(run_prompt(run, now), id=str(run.folder)) for run in message.runs]
        if not options:
            options = [nothing("no runs yet", "choose a recipe and press Enter")]
        self.query_one("#runs", Choices).fill(options)

    @on(FeedFailed)
    def show_failure(self, message: FeedFailed) -> None:
        self.query_one("#runs", OptionList).border_subtitle = Content(clean(message.error, 60))

    # -- what is chosen ------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#runs")
    def open_run(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.app.open_run(Path(event.option_id))

    @on(OptionList.OptionSelected, "#recipes")
    def ask(self, event: OptionList.OptionSelected) -> None:
        recipe = next((found for found in self._recipes if found.name == event.option_id), None)
        if recipe is None:
            return
        if recipe.problem:
            self.app.complain(recipe.problem, f"schoolhouse recipes check {recipe.path}")
            return
        screen = ConfirmScreen(recipe)
        self.app.push_screen(screen, partial(self.app.start_recipe, recipe))
        self.app.perform(partial(self.app.runs.estimate, recipe), partial(_tell, screen))

    def action_compare(self) -> None:
        from tui.screens.compare import CompareScreen

        self.app.push_screen(CompareScreen())

    def action_models(self) -> None:
        from tui.screens.models import ModelsScreen

        self.app.push_screen(ModelsScreen())

    def action_recipe(self) -> None:
        """Look at the recipe that the list points at; one with a mistake too."""
        place = self.query_one("#recipes", OptionList).highlighted
        if place is not None and place < len(self._recipes):
            path = self._recipes[place].path
            self.app.open_recipe(path if path.suffix == ".yaml" else path / "recipe.yaml")


def _tell(screen: ConfirmScreen, words: str) -> None:
    if screen.is_current:
        screen.show_estimate(words)


def recipe_prompt(recipe: RecipeLine) -> Content:
    """A recipe as two lines: its name, and what it is about or what is wrong with it."""
    name = Content.styled(clean(recipe.name, 64), "bold")
    if recipe.problem:
        return Content("\n").join([name, Content.styled(clean(recipe.problem, 200), "$error")])
    return Content("\n").join([name, Content.styled(clean(recipe.about, 200), MUTED)])


def run_prompt(run: RunLine, now: float) -> Content:
    """A run as two lines: state and name, then recipe, score and age."""
    mark, style = STATUS_MARKS[run.status]
    score = percent(run.best) if run.best is not None else "no score yet"
    first = Content.assemble((f"{mark} ", style), (clean(run.name, 80), "bold"))
    recipe = "" if run.name.startswith(run.recipe) else f" · {clean(run.recipe, 40)}"
    words = f"{recipe} · {score} · {ago(now - run.started)}"
    second = Content.assemble("  ", (run.status, style), (words, MUTED))
    return Content("\n").join([first, second])
