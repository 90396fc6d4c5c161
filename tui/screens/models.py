"""Models: the weights that the school knows, whether they are here, and how to get them."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from tui.doors.models import ModelLine
from tui.text import clean
from tui.widgets.choices import Choices
from tui.widgets.marks import ACCEPTED, FAINT, HOUSE, MUTED

if TYPE_CHECKING:
    from tui.app import SchoolhouseApp

TICK = 0.2
"""Seconds between two signs of progress."""
BAR = 30


class Fetched(Message):
    """How far a fetch is, in bytes."""

    def __init__(self, name: str, source: str, done: int, total: int) -> None:
        super().__init__()
        self.name, self.source, self.done, self.total = name, source, done, total

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Fetched) and message.name == self.name


class ModelChoices(Choices):
    """Weights to fetch."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Fetch")]


class ModelsScreen(Screen[None]):
    """The catalog. A fetch goes on while one looks at other screens; leaving the program stops it, and it resumes."""

    CSS_PATH = "models.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back")]
    app: SchoolhouseApp

    def __init__(self) -> None:
        super().__init__()
        self._models: list[ModelLine] = []
        self._progress: dict[str, Fetched] = {}

    def compose(self) -> ComposeResult:
        with Horizontal(classes="title-bar"):
            yield Static(Content.styled(f"{HOUSE} Models", "bold $primary"))
            yield Static(Content.styled("weights for teachers and students", MUTED), classes="right")
        yield ModelChoices("Catalog", id="model-list")
        yield Footer()

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

    # -- fetching ------------------------------------------------------------------------------

    @on(OptionList.OptionSelected)
    def fetch(self, event: OptionList.OptionSelected) -> None:
        model = next((found for found in self._models if found.name == event.option_id), None)
        if model is None or model.name in self._progress:
            return
        if model.here:
            self.app.notify(f"{model.name} is here", timeout=3, markup=False)
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
        if isinstance(found, Exception):
            self.app.complain(getattr(found, "message", str(found)), getattr(found, "fix", ""))
        else:
            self.app.notify(f"{name} is here and whole", timeout=4, markup=False)
        self._load()

    def action_back(self) -> None:
        self.app.pop_screen()


def model_prompt(model: ModelLine, progress: Fetched | None = None) -> Content:
    """Name and whether it is here, then what it is, and how far a fetch is."""
    mark, words, style = (ACCEPTED, "here", "$success") if model.here else ("○", "not here", MUTED)
    if progress:
        mark, words, style = "●", "on its way", "$accent"
    fits = "" if model.fits else "  too large for this memory"
    first = Content.assemble(
        (f"{mark} ", style), (clean(model.name, 60), "bold"), (f"  {words}", style), (fits, "$error")
    )
    facts = f"{size(model.size)} · {model.parameters / 1e9:.2g} B parameters · {model.context} tokens"
    lines = [first, Content.styled(f"  {facts} · {clean(model.licence, 40)}", MUTED)]
    if progress:
        lines.append(_bar(progress))
    else:
        lines.append(Content.styled(f"  from {clean(', '.join(model.sources))}", FAINT if model.here else MUTED))
    return Content("\n").join(lines)


def _bar(progress: Fetched) -> Content:
    share = progress.done / progress.total if progress.total else 0.0
    full = round(share * BAR)
    figures = f"  {size(progress.done)} of {size(progress.total)}  {clean(progress.source, 60)}"
    return Content.assemble("  ", ("━" * full, "$accent"), ("─" * (BAR - full), FAINT), figures)


def size(count: int) -> str:
    """Bytes as `98 MB` or `1.12 GB`."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
