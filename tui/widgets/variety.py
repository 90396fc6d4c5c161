"""The diversity card: figures by round as a table, their trend as plots, what is narrow in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.theme import Theme
from textual.widget import Widget

from tui.text import percent
from tui.variety import Card
from tui.widgets.marks import MUTED
from tui.widgets.plot import Rgb, bare, colours, new_plot

WARNING = "!"
NAME, CELL = 24, 10


class VarietyTable(Widget):
    """The newest card's warnings, then the figures of the newest rounds that fit."""

    DEFAULT_CSS = "VarietyTable { height: auto; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cards: tuple[Card, ...] = ()

    def show(self, cards: tuple[Card, ...]) -> None:
        if cards != self._cards:
            self._cards = cards
            self.refresh(layout=True)

    def render(self) -> Content:
        return variety_lines(self._cards, self.size.width)

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        return len(variety_lines(self._cards, width).wrap(max(1, width)))


def variety_lines(cards: Sequence[Card], width: int) -> Content:
    """All that the card says, in words and figures; no colour is needed to read it."""
    if not cards:
        return Content.styled("no submission yet: its variety is measured once the rows are there", MUTED)
    newest = cards[-1]
    lines = [Content.styled(f"Round {newest.round}, {newest.rows} rows", "bold")]
    lines += [Content.styled(f"{WARNING} {warning}", "$warning") for warning in newest.warnings]
    if not newest.warnings:
        lines.append(Content.styled("✓ nothing is narrow", "$success"))
    lines += [Content(""), *_table(cards[-max(1, (width - NAME) // CELL) :])]
    lines.append(Content.styled(f"most rows begin with: {newest.opening} …", MUTED))
    if newest.kernel:
        lines.append(Content.styled(f"Vendi score: {newest.kernel}", MUTED))
    return Content("\n").join(lines)


def _table(cards: Sequence[Card]) -> list[Content]:
    head = " " * NAME + "".join(f"{f'round {card.round}':>{CELL}}" for card in cards)
    rows = [Content.styled(head, MUTED)]
    for name, figure in FIGURES:
        cells = [figure(card) for card in cards]
        if any(cells):
            rows.append(Content.assemble((f"{name:<{NAME}}", MUTED), "".join(f"{cell:>{CELL}}" for cell in cells)))
    return rows


def _optional(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


FIGURES: tuple[tuple[str, Callable[[Card], str]], ...] = (
    ("rows", lambda card: str(card.rows)),
    ("different words", lambda card: percent(card.distinct[0])),
    ("different word pairs", lambda card: percent(card.distinct[1])),
    ("different triples", lambda card: percent(card.distinct[2])),
    ("Vendi score", lambda card: f"{card.vendi:.1f}"),
    ("near duplicates", lambda card: percent(card.near_duplicates)),
    ("share of one opening", lambda card: percent(card.opening_share)),
    ("balance of labels", lambda card: f"{card.labels:.2f}"),
    ("balance of topics", lambda card: _optional(card.topics)),
    ("words in a row", lambda card: f"{card.words:.1f}"),
    ("distance to public", lambda card: _optional(card.distance)),
    ("  within public", lambda card: _optional(card.distance_public)),
    ("in no teacher reply", lambda card: percent(card.handwritten) if card.handwritten else ""),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: its name and its height in each card, 0 to 1."""

    name: str
    height: Callable[[Card], float | None]


PLOTS: tuple[tuple[str, tuple[Line, ...]], ...] = (
    (
        "Distinct n-grams, %",
        (
            Line("words", lambda card: card.distinct[0]),
            Line("pairs", lambda card: card.distinct[1]),
            Line("triples", lambda card: card.distinct[2]),
        ),
    ),
    ("Vendi score per row, %", (Line("", lambda card: card.vendi_share),)),
    (
        "Repeats, % of rows",
        (
            Line("one opening", lambda card: card.opening_share),
            Line("near duplicates", lambda card: card.near_duplicates),
        ),
    ),
    ("Balance (entropy), %", (Line("labels", lambda card: card.labels), Line("topics", lambda card: card.topics))),
)


class TrendPlots(Container):
    """Four plots over the rounds."""

    DEFAULT_CSS = """
    TrendPlots { layout: grid; grid-size: 2 2; grid-rows: 11; height: 22; }
    TrendPlots.-empty { display: none; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._cards: tuple[Card, ...] = ()

    def compose(self) -> ComposeResult:
        for title, _lines in PLOTS:
            with Vertical(classes="panel") as panel:
                panel.border_title = title
                yield new_plot()

    def on_mount(self) -> None:
        self.set_class(True, "-empty")
        self.app.theme_changed_signal.subscribe(self, self._redraw)

    def show(self, cards: tuple[Card, ...]) -> None:
        if cards != self._cards:
            self._cards = cards
            self._draw()

    def _redraw(self, _theme: Theme) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        self.set_class(not self._cards, "-empty")
        palette = colours(self.app)
        for widget, (_title, lines) in zip(self.query("PlotextPlot"), PLOTS, strict=True):
            _trend(widget, lines, self._cards, palette)


def _trend(widget: Any, lines: Sequence[Line], cards: Sequence[Card], palette: dict[str, Rgb]) -> None:
    plot, places = widget.plt, list(range(1, len(cards) + 1))
    widget.display = bool(cards)
    bare(plot)
    plot.xlim(0.6, max(len(cards), 2) + 0.4)
    plot.ylim(0, 100)
    plot.yticks([0, 50, 100], ["0", "50", "100"])
    step = max(1, len(cards) // 10)
    plot.xticks(places[::step], [str(card.round) for card in cards][::step])
    for line, colour in zip(lines, ("primary", "accent", "success"), strict=False):
        points = [
            (place, 100 * height)
            for place, card in zip(places, cards, strict=True)
            if (height := line.height(card)) is not None
        ]
        if not points:
            continue
        across, up = [place for place, _ in points], [height for _, height in points]
        if len(points) > 1:
            plot.plot(across, up, marker="braille", color=palette[colour])
        plot.scatter(across, up, marker="●", color=palette[colour])
        if line.name:
            height = min(95.0, up[0] + 8)
            plot.text(
                line.name, across[0], height, color=palette[colour], background=palette["surface"], alignment="left"
            )
    widget.refresh()
