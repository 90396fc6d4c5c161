"""Scores by round: as a table that needs no colour, and as a plot with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.theme import Theme
from textual.widget import Widget

from tui.state import RunView, ScorePoint
from tui.text import percent
from tui.widgets.marks import DECISION_MARKS, MUTED
from tui.widgets.plot import Rgb, bare, colours, new_plot

WIDE = 46
NEAR = 0.12
"""Scores that share a row, or nearly, in the plot of a small terminal."""
TALL = 11
"""Rows from which four steps of the y axis come out even."""


class ScoreTable(Widget):
    """Baselines, rounds and the exam, with 95 % intervals."""

    DEFAULT_CSS = "ScoreTable { height: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: RunView | None = None
        self._split = "gate"

    def show(self, view: RunView, split: str) -> None:
        self._view, self._split = view, split
        self.refresh()

    def render(self) -> Content:
        if self._view is None:
            return Content("")
        view, wide = self._view, self.size.width >= WIDE
        head = f"{'':<10}{'score':>7}  {'95 % interval':<13}" + (f"{'n':>5}" if wide else "")
        lines = [Content.styled(head, MUTED)]
        rounds, exam = view.by_round(self._split), [point for point in view.scores if point.split == "private"]
        below = [Content(""), Content.styled("sealed exam", MUTED), *(_line(point, {}, wide) for point in exam)]
        if not exam or self._split == "private":
            below = []
        lines += [_line(point, view.decisions, wide) for point in view.baselines(self._split)]
        lines += _newest(rounds, view.decisions, wide, self.size.height - len(lines) - len(below))
        if len(lines) == 1:
            lines.append(Content.styled("no score yet", MUTED))
        return Content("\n").join([*lines, *below])


def _newest(points: list[ScorePoint], decisions: Mapping[int, str], wide: bool, room: int) -> list[Content]:
    """The newest rounds that fit."""
    if len(points) <= max(2, room):
        return [_line(point, decisions, wide) for point in points]
    shown = points[1 - max(2, room) :]
    earlier = Content.styled(f"… {len(points) - len(shown)} earlier rounds", MUTED)
    return [earlier, *(_line(point, decisions, wide) for point in shown)]


def _line(point: ScorePoint, decisions: Mapping[int, str], wide: bool) -> Content:
    name = f"round {point.round}" if point.round is not None else point.student
    interval = f"{100 * point.low:5.1f} – {100 * point.high:<5.1f}"
    parts: list[Any] = [
        (f"{name:<10}", "" if point.round is not None else MUTED),
        (f"{percent(point.score):>7}", "bold" if point.round is not None else ""),
        (f"  {interval}", MUTED),
    ]
    if wide:
        parts.append((f"{point.n:>5}", MUTED))
    decision = decisions.get(point.round) if point.round is not None else None
    if decision:
        mark, style = DECISION_MARKS.get(decision, ("", ""))
        parts.append((f"  {mark} {decision}" if wide else f" {mark}", style))
    return Content.assemble(*parts)


class ScorePlot(Container):
    """Score by round with intervals as bars; each baseline is a line across."""

    DEFAULT_CSS = "ScorePlot { height: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: RunView | None = None
        self._split = "gate"
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield new_plot()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._redraw)

    def show(self, view: RunView, split: str) -> None:
        """Draw anew only when a score or the split is new."""
        key = (view.scores, view.decisions, split, view.limits.rounds)
        self._view, self._split = view, split
        if key != self._drawn:
            self._drawn = key
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _redraw(self, _theme: Theme) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._view is None or not self.is_mounted:
            return
        widget: Any = self.query_one("PlotextPlot")
        plot, palette = widget.plt, colours(self.app)
        bare(plot)
        points, baselines = self._view.by_round(self._split), self._view.baselines(self._split)
        widget.display = bool(points or baselines)
        rounds = max(self._view.limits.rounds, len(points), 1)
        _axes(plot, rounds, every=25 if self.size.height >= TALL else 50)
        named = _named(baselines, self.size.width)
        for index, baseline in enumerate(baselines):
            _baseline(plot, baseline, rounds, index, palette, baseline in named)
        for point in points:
            kept = self._view.decisions.get(point.round or 0) != "rejected"
            _interval(plot, point, palette["primary"] if kept else palette["error"])
        if len(points) > 1:
            _line_between(plot, points, palette["primary"])
        for point in points:
            plot.scatter([point.round], [100 * point.score], marker="●", color=palette["accent"])
        widget.refresh()


def _axes(plot: Any, rounds: int, every: int) -> None:
    plot.xlim(0.4, rounds + 0.6)
    plot.ylim(0, 100)
    plot.xticks(list(range(1, rounds + 1)), [str(number) for number in range(1, rounds + 1)])
    heights = list(range(0, 101, every))
    plot.yticks(heights, [str(height) for height in heights])


def _named(baselines: list[ScorePoint], width: int) -> list[ScorePoint]:
    """Those whose names fit: where there is no room for two beside each other, of near ones only the better."""
    heights = [point.score for point in baselines]
    near = len(heights) > 1 and max(heights) - min(heights) < NEAR
    return [max(baselines, key=lambda point: point.score)] if near and width < WIDE else baselines


def _baseline(plot: Any, point: ScorePoint, rounds: int, index: int, palette: dict[str, Rgb], named: bool) -> None:
    """A line across, named at alternating ends so that near lines keep their names apart."""
    height, colour = 100 * point.score, palette["muted"]
    plot.plot([0.4, rounds + 0.6], [height, height], marker="╌", color=colour)
    words = f" {point.student} {percent(point.score)} " if named else ""
    if index % 2:
        plot.text(words, rounds + 0.6, height, color=colour, background=palette["surface"], alignment="right")
    else:
        plot.text(words, 0.4, height, color=colour, background=palette["surface"], alignment="left")


def _interval(plot: Any, point: ScorePoint, colour: Rgb) -> None:
    plot.plot([point.round, point.round], [100 * point.low, 100 * point.high], marker="│", color=colour)


def _line_between(plot: Any, points: list[ScorePoint], colour: Rgb) -> None:
    heights = [100 * point.score for point in points]
    plot.plot([point.round for point in points], heights, marker="braille", color=colour)
