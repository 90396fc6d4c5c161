"""A list to choose from, whose Enter key says in the footer what it does."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.widgets.marks import FAINT, MUTED


class Choices(OptionList):
    """A titled list of two-line options.

    Args:
        title: what is listed.
    """

    DEFAULT_CSS = """
    Choices { height: 1fr; background: $surface; text-wrap: wrap; }
    Choices > .option-list--option { padding: 0 1; }
    Choices > .option-list--option-highlighted { color: $foreground; background: $surface; text-style: none; }
    Choices:focus { background: $surface; background-tint: $surface 0%; }
    Choices:focus > .option-list--option-highlighted { color: $foreground; background: $primary 22%; text-style: none; }
    Choices > .option-list--option-hover { background: $primary 10%; }
    """

    def __init__(self, title: str, id: str) -> None:
        super().__init__(id=id, classes="panel", markup=False)
        self.border_title = title

    def fill(self, options: list[Option]) -> None:
        """Replace the options; what was chosen stays chosen."""
        index = self.highlighted
        chosen = self.get_option_at_index(index).id if index is not None else None
        self.clear_options()
        self.add_options(options)
        ids = [option.id for option in options]
        self.highlighted = ids.index(chosen) if chosen in ids else 0


class RecipeChoices(Choices):
    """Recipes to start."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Start"),
        Binding("tab", "app.focus_next", "Runs"),
    ]


class RunChoices(Choices):
    """Runs to open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open"),
        Binding("tab", "app.focus_next", "Recipes"),
    ]


def nothing(title: str, hint: str) -> Option:
    """What stands in an empty list."""
    return Option(Content.assemble((title, MUTED), "\n", (hint, FAINT)), disabled=True)
