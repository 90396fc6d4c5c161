"""Models: the weights that the school knows, whether they are here, what they are fit for, and how to get them."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.doors.models import StoppedError
from tui.text import clean
from tui.weights import ModelLine
from tui.widgets.choices import Choices
from tui.widgets.keys import Keys
from tui.widgets.marks import HOUSE, MUTED
from tui.widgets.progress import TICK, Fetched
from tui.widgets.textpane import TextPane
from tui.widgets.weights import model_content, model_prompt

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp


class ModelChoices(Choices):
    """Weights to fetch."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Fetch")]


class ModelsScreen(Screen[None]):
    """The catalog. A fetch goes on while one looks at other screens; leaving the program stops it, and it resumes."""

    CSS_PATH = "models.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("p", "measure", "Measure"),
        Binding("tab", "app.focus_next", "Other panel"),
    ]
    app: SchoolhouseApp

    def __init__(self) -> None:
        super().__init__()
        self._models: list[ModelLine] = []
        self._progress: dict[str, Fetched] = {}
        self._measuring: set[str] = set()

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.styled(f"{HOUSE} Models", "bold $primary"))
            yield Static(Content.styled("weights for teachers and students", MUTED), classes="right")
        with Container(id="models-body"):
            yield ModelChoices("Catalog", id="model-list")
            yield TextPane(id="model-text")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one("#model-list").focus()
        self._load()

    def _load(self) -> None:
        self.app.perform(self.app.runs.models, self._show)

    def _show(self, models: list[ModelLine]) -> None:
        self._models = models
        if self.is_attached:
            options = [Option(model_prompt(model, self._progress.get(model.name)), id=model.name) for model in models]
            self.query_one(Choices).fill(options)
            self.show_one()

    @property
    def chosen(self) -> ModelLine | None:
        """The model that the list points at."""
        place = self.query_one(Choices).highlighted
        return self._models[place] if place is not None and place < len(self._models) else None

    @on(OptionList.OptionHighlighted)
    def show_one(self) -> None:
        """The chosen model in full."""
        if model := self.chosen:
            measuring = model.name in self._measuring
            build = partial(model_content, model, measuring=measuring)
            self.query_one(TextPane).show(build, (model.name, model, measuring))
        self.refresh_bindings()

    # -- fetching ------------------------------------------------------------------------------

    @on(OptionList.OptionSelected)
    def fetch(self, event: OptionList.OptionSelected) -> None:
        model = next((found for found in self._models if found.name == event.option_id), None)
        if model is None or model.name in self._progress:
            return
        if model.here:
            where = "on its server" if model.on_server else "here"
            self.app.notify(f"{clean(model.name, 60)} is {where}", timeout=3, markup=False)
            return
        self._progress[model.name] = Fetched(model.name, "", 0, model.size)
        self._show(self._models)
        self.app.perform(partial(self._pull, model.name), partial(self._done, model.name))

    def _pull(self, name: str) -> Path | Exception:
        """In a thread."""
        last = 0.0

        def tell(source: str, done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last > TICK or done == total:
                last = time.monotonic()
                self.post_message(Fetched(name, source, done, total))

        try:
            return self.app.runs.pull(name, tell)
        except Exception as error:
            return error

    @on(Fetched)
    def show_progress(self, message: Fetched) -> None:
        if message.name in self._progress:
            self._progress[message.name] = message
            self._show(self._models)

    def _done(self, name: str, found: Path | Exception) -> None:
        self._progress.pop(name, None)
        if isinstance(found, StoppedError):
            return
        if isinstance(found, Exception):
            self.app.complain(getattr(found, "message", str(found)), getattr(found, "fix", ""))
        else:
            self.app.notify(f"{name} is here and whole", timeout=4, markup=False)
        self._load()

    # -- measuring -----------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "measure":
            model = self.chosen
            return model is not None and model.here and not model.on_server and not self._measuring
        return True

    def action_measure(self) -> None:
        """Probe the chosen model; about two minutes of work for this machine."""
        if model := self.chosen:
            self._measuring.add(model.name)
            self.show_one()
            done = partial(self._measured, model.name)
            self.app.perform(partial(self.app.runs.measure, model.name), done, done)

    def _measured(self, name: str, _result: None = None) -> None:
        self._measuring.discard(name)
        self._load()
