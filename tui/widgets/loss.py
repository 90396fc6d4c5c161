"""The training loss of the newest round."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Container
from textual.theme import Theme

from tui.state import Training
from tui.widgets.plot import bare, colours, new_plot


class LossPlot(Container):
    """Loss over steps, as a line."""

    DEFAULT_CSS = "LossPlot { height: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._training = Training()

    def compose(self) -> ComposeResult:
        yield new_plot()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._redraw)

    def show(self, training: Training) -> None:
        if training != self._training:
            self._training = training
            self._draw()

    def _redraw(self, _theme: Theme) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        widget: Any = self.query_one("PlotextPlot")
        plot, losses = widget.plt, self._training.losses
        widget.display = bool(losses)
        bare(plot)
        if losses:
            steps, heights = [step for step, _ in losses], [loss for _, loss in losses]
            last, top = max(self._training.steps, 2), max([*heights, 0.1])
            plot.xlim(1, last)
            plot.ylim(0, top)
            plot.xticks([1, last], ["1", str(last)])
            plot.yticks([0, top], ["0", f"{top:.1f}"])
            plot.plot(steps, heights, marker="braille", color=colours(self.app)["primary"])
        widget.refresh()
