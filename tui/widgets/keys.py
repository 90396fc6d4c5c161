"""The row of keys at the bottom."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widgets import Footer


class Keys(Footer):
    """Textual's footer, composed anew only when other keys are on offer.

    A screen that follows a run asks for it with every look at the journal, and a footer is a widget for each key.
    """

    _offered: object = None

    def bindings_changed(self, screen: Screen[Any]) -> None:
        found = [one for one in screen.active_bindings.values() if one.binding.show]
        offered = tuple((one.binding, one.enabled, one.tooltip) for one in found)
        if offered != self._offered:
            self._offered = offered if screen.app.app_focus else None  # without it nothing is composed now
            super().bindings_changed(screen)
