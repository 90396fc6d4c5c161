"""The report's plots, from figures to SVG. No plotting library: a report opens anywhere, for years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from toolkit.run.report.svg import UNTRAINED, legend, line, marker, path, picture, rect, text
from toolkit.run.report.text import percent
from toolkit.types import Score

LEFT, RIGHT, TOP, BOTTOM = 34.0, 370.0, 12.0, 190.0
MOST_CLASSES = 24
EXAM = "exam"
"""The place of the sealed exam; no line leads to it."""

Point = tuple[str, Score]
"""A place on the x axis, and the score there."""


def scores_by_round(
    places: Sequence[str], series: Mapping[str, Sequence[Point]], levels: Mapping[str, float]
) -> Markup:
    """Scores with their intervals by place (rounds, then the exam), beside the untrained students' levels.

    Args:
        series: name -> points; the first three by round, then the trained and the untrained student's exam.
        levels: name of an untrained student -> its score, drawn as a line across.
    """
    step = (RIGHT - LEFT) / max(1, len(places))
    centre = {place: LEFT + step * (index + 0.5) for index, place in enumerate(places)}
    parts = [*_axis(), *(line(LEFT, _y(value), RIGHT, _y(value), "level") for value in levels.values())]
    parts += [text(x, BOTTOM + 15, place, "small", "middle", 12) for place, x in centre.items()]
    shift = min(9.0, step / 5)
    for index, (name, points) in enumerate(series.items()):
        offset = shift * (index - 1)
        spots = [(centre[place] + (offset if place != EXAM else 8 * (index - 3.5)), score) for place, score in points]
        rounds = [(x, _y(score.value)) for (x, score), (place, _) in zip(spots, points, strict=True) if place != EXAM]
        parts.append(path(rounds, f"trend s{index}") if len(rounds) > 1 else "")
        for x, score in spots:
            parts.append(line(x, _y(score.low), x, _y(score.high), f"whisker s{index}"))
            parts.append(marker(x, _y(score.value), index, f"{name}: {score}"))
    drawn = [(index, name) for index, (name, points) in enumerate(series.items()) if points]
    shown, y = legend(drawn, BOTTOM + 36)
    for name, value in levels.items():
        y += 16
        parts += [line(8, y - 4, 30, y - 4, "level"), text(36, y, f"{name}: {percent(value)}", "small")]
    return picture(y + 10, "Scores by round with 95 % intervals", *parts, shown)


def skill_dots(skills: Sequence[tuple[str, Score | None, Score | None]], names: tuple[str, str]) -> Markup:
    """By skill the trained and the untrained student, with intervals; the weakest first."""
    left, row = 134.0, 28.0
    bottom = 14 + row * len(skills)
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + share * (RIGHT - left)
        parts += [line(x, 8, x, bottom, "grid"), text(x, bottom + 13, f"{100 * share:.0f}", "small", "middle")]
    for index, (name, trained, untrained) in enumerate(skills):
        y = 14 + row * (index + 0.5)
        parts.append(text(left - 8, y + 4, name or "–", "small", "end", 18))
        for series, score, shift in ((UNTRAINED, untrained, 5.0), (0, trained, -4.0)):
            if score is None or not score.n:
                continue
            x, low, high = (left + value * (RIGHT - left) for value in (score.value, score.low, score.high))
            parts.append(line(low, y + shift, high, y + shift, f"whisker s{series}"))
            parts.append(marker(x, y + shift, series, f"{name}: {score}"))
    shown, y = legend([(0, names[0]), (UNTRAINED, names[1])], bottom + 34)
    return picture(y + 10, "Scores by skill with 95 % intervals, %", *parts, shown)


def trend(places: Sequence[str], series: Mapping[str, Sequence[float]], label: str) -> Markup:
    """Shares by round, one line for each measure."""
    step = (RIGHT - LEFT) / max(1, len(places))
    centre = [LEFT + step * (index + 0.5) for index in range(len(places))]
    parts = _axis()
    parts += [text(x, BOTTOM + 15, place, "small", "middle", 12) for x, place in zip(centre, places, strict=True)]
    for index, (name, values) in enumerate(series.items()):
        spots = [(x, _y(value)) for x, value in zip(centre, values, strict=True)]
        parts.append(path(spots, f"trend s{index}"))
        parts += [marker(x, y, index, f"{name}: {value:.2f}") for (x, y), value in zip(spots, values, strict=True)]
    shown, y = legend(enumerate(series), BOTTOM + 36)
    return picture(y + 10, label, *parts, shown)


def funnel(steps: Sequence[tuple[str, int]]) -> Markup:
    """From calls to trained rows: one bar a step, as long as its number."""
    most, row = max((count for _, count in steps), default=0) or 1, 38.0
    parts = []
    for index, (name, count) in enumerate(steps):
        y = 6 + row * index
        parts += [text(8, y + 11, name, "small"), text(RIGHT, y + 11, str(count), "small", "end")]
        parts.append(rect(8, y + 16, (RIGHT - 8) * count / most, 12, "bar s0", f"{name}: {count}"))
    return picture(6 + row * len(steps), "From calls to trained rows", *parts)


def confusion(names: Sequence[str], counts: Mapping[tuple[str, str], int], answers: Sequence[str]) -> Markup:
    """Expected labels down, answers across; the darker, the larger the share of the label's items."""
    left, top = 134.0, 18.0
    cell = min(26.0, (RIGHT - left) / max(1, len(answers)))
    parts = [
        text(left - 26, top - 6, "right answer", "small", "end"),
        text(left, top - 6, "the student's answer", "small"),
    ]
    totals = {name: sum(counts.get((name, answer), 0) for answer in answers) for name in names}
    for down, name in enumerate(names):
        y = top + cell * down
        parts.append(text(left - 26, y + cell / 2 + 4, name, "small", "end", 15))
        parts.append(text(left - 6, y + cell / 2 + 4, str(down + 1), "small", "end"))
        for across, answer in enumerate(answers):
            count, x = counts.get((name, answer), 0), left + cell * across
            share = count / totals[name] if totals[name] else 0.0
            kind = "cell right" if answer == name else "cell wrong"
            shade = f"{0.06 + 0.94 * share:.2f}" if count else "0.06"
            title = f"{name}, answered {answer}: {count} of {totals[name]} ({percent(share)})"
            parts.append(rect(x, y, cell - 1, cell - 1, kind, title, fill_opacity=shade))
            if count and cell >= 12:
                class_ = "count strong" if share > 0.55 else "count"
                parts.append(text(x + (cell - 1) / 2, y + cell / 2 + 3, str(count), class_, "middle"))
    bottom = top + cell * len(names)
    known = {name: str(index + 1) for index, name in enumerate(names)}
    for across, answer in enumerate(answers):
        parts.append(text(left + cell * (across + 0.45), bottom + 12, known.get(answer, "?"), "count", "middle"))
    return picture(bottom + 20, "Confusion matrix", *parts)


def _axis() -> list[str]:
    """The y axis from 0 to 100 %."""
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share)
        parts += [line(LEFT, y, RIGHT, y, "grid"), text(LEFT - 5, y + 4, f"{100 * share:.0f}", "small", "end")]
    return parts


def _y(share: float) -> float:
    return BOTTOM - min(1.0, max(0.0, share)) * (BOTTOM - TOP)
