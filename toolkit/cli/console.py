"""The console that tables and coloured lines are printed on; plain lines are printed by `say`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from toolkit.harmless import harmless


class HarmlessConsole(Console):
    """Prints every text without what steers a terminal: rich lets most of these characters through."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


def open_console(**options: Any) -> Console:
    """As wide as the terminal is now; `options` as for rich's console."""
    return HarmlessConsole(highlight=False, **options)
