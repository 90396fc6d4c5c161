"""The few SVG elements that the report's plots are made of. Every text and attribute is escaped.

Plots are 380 units wide: about one unit a pixel on a narrow screen. Colours are classes, so
that the page's style sheet can change them for a dark one.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from markupsafe import Markup

from toolkit.harmless import one_line

WIDTH = 380
UNTRAINED = 4
"""The series of the untrained student, a hollow circle."""

CHARACTER = 6.4
"""Width of a character of the plots' text, about."""


def element(name: str, *inside: str, **attributes: object) -> str:
    """An element around markup; `class_` is written `class`, and `_` in names as `-`."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    written = "".join(f' {key}="{escape(_number(value))}"' for key, value in named.items())
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def text(x: float, y: float, words: str, class_: str = "", anchor: str = "start", longest: int = 80) -> str:
    """A line of text; what is longer than `longest` is cut, and whole in its tooltip."""
    whole = one_line(words)
    shown = whole if len(whole) <= longest else whole[: longest - 1] + "…"
    tooltip = [element("title", escape(whole))] if shown != whole else []
    return element("text", *tooltip, escape(shown), x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, title: str = "", **more: object) -> str:
    inside = [element("title", escape(one_line(title)))] if title else []
    return element("rect", *inside, x=x, y=y, width=max(0.0, width), height=height, class_=class_, **more)


def marker(x: float, y: float, series: int, title: str) -> str:
    """A point; each series has its own shape as well as its colour."""
    name, inside = f"point s{series}", element("title", escape(one_line(title)))
    if series == 1:
        return element("rect", inside, x=x - 4, y=y - 4, width=8, height=8, class_=name)
    if series == 2:
        return element("path", inside, d=f"M{x:.1f} {y - 6:.1f}l6 10h-12z", class_=name)
    if series == 3:
        return element("path", inside, d=f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z", class_=name)
    if series == UNTRAINED:
        return element("circle", inside, cx=x, cy=y, r=4, class_=f"hollow s{series}")
    return element("circle", inside, cx=x, cy=y, r=4.5, class_=name)


def path(points: Iterable[tuple[float, float]], class_: str) -> str:
    steps = " ".join(f"{'M' if index == 0 else 'L'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))
    return element("path", d=steps, class_=class_)


def picture(height: float, label: str, *inside: str) -> Markup:
    """The whole plot, with what it shows in words."""
    body = element("title", escape(one_line(label))) + "".join(inside)
    box = f"0 0 {WIDTH} {height:.0f}"
    # every part was escaped where it was made
    return Markup(element("svg", body, viewBox=box, role="img", class_="plot"))


def legend(names: Iterable[tuple[int, str]], y: float) -> tuple[str, float]:
    """The series with their markers, in as many lines as they need; and where the last line is."""
    parts, x = [], 8.0
    for series, name in names:
        wide = 18 + CHARACTER * len(name)
        if x + wide > WIDTH:
            x, y = 8.0, y + 16
        parts += [marker(x + 4, y - 4, series, name), text(x + 13, y, name, "small")]
        x += wide + 8
    return "".join(parts), y


def _number(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
