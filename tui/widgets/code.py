"""Code, YAML and differences as coloured text that says the same without colour."""

from __future__ import annotations

from collections.abc import Sequence

from pygments.token import Token  # type: ignore[import-untyped]
from textual.content import Content
from textual.highlight import HighlightTheme, highlight

from tui.attempts import DiffKind
from tui.widgets.marks import FAINT, MUTED

MOST_COLOURED = 20_000
"""Characters; a longer text is shown plain, since lexers take their time."""

DIFF_STYLES: dict[DiffKind, str] = {"added": "$success", "removed": "$error", "place": MUTED, "same": ""}


class Chalk(HighlightTheme):
    """Few colours, those of the theme."""

    STYLES = {  # noqa: RUF012 - textual declares it
        Token.Comment: MUTED,
        Token.Keyword: "bold $primary",
        Token.Operator.Word: "bold $primary",
        Token.Literal.Number: "$accent",
        Token.Literal.String: "$success",
        Token.Literal.Scalar: "$foreground",
        Token.Name.Builtin: "$secondary",
        Token.Name.Function: "bold",
        Token.Name.Class: "bold",
        Token.Name.Tag: "bold $primary",
    }


def coloured(text: str, language: str) -> Content:
    """A cleaned text with line numbers for Python, and the colours of its language."""
    found = Content(text) if len(text) > MOST_COLOURED else highlight(text, language=language, theme=Chalk)
    if language != "python":
        return found
    lines = found.split("\n", allow_blank=True)
    digits = len(str(len(lines)))
    return Content("\n").join(
        Content.assemble((f"{number:>{digits}}  ", FAINT), line) for number, line in enumerate(lines, start=1)
    )


def coloured_difference(lines: Sequence[tuple[DiffKind, str]]) -> Content:
    """The lines of a difference; the sign before each is enough without colour."""
    return Content("\n").join(Content.styled(line, DIFF_STYLES[kind]) for kind, line in lines)
