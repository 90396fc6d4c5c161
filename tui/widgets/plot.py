"""What the plots share: the widget, and the theme's colours as numbers."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.color import Color
from textual.widget import Widget

Rgb = tuple[int, int, int]


def new_plot() -> Widget:
    """An empty plot. Imported here: plotext is not needed for the first frame."""
    from textual_plotext import PlotextPlot

    plot: Widget = PlotextPlot()
    plot.can_focus = plot.display = False  # shown once there is something to draw
    return plot


def bare(plot: Any) -> None:
    """An empty plot with axes at the left and below."""
    plot.clear_data()
    plot.clear_figure()
    plot.xaxes(True, False)
    plot.yaxes(True, False)


def colours(app: App[Any]) -> dict[str, Rgb]:
    """Name -> colour of the current theme: primary, accent, success, error, surface, muted."""
    variables = app.theme_variables
    found = {name: Color.parse(variables[name]) for name in ("primary", "accent", "success", "error", "surface")}
    found["muted"] = found["surface"].blend(Color.parse(variables["foreground"]), 0.55)
    return {name: colour.rgb for name, colour in found.items()}
