"""The screens beside the Run screen, by name. Each is imported when it is opened."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from textual.screen import Screen

BESIDE = {
    "attempts": "AttemptsScreen",
    "chat": "ChatScreen",
    "compare": "CompareScreen",
    "data": "DataScreen",
    "evaluation": "EvaluationScreen",
    "export": "ExportScreen",
}
"""Module -> the screen in it, which takes a run's folder."""


def beside(name: str, folder: Path) -> Screen[Any]:
    """The screen of that name for the run in `folder`."""
    screen: Screen[Any] = getattr(import_module(f"tui.screens.{name}"), BESIDE[name])(folder)
    return screen
