"""A turn of a conversation: the message, and what both students say to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.content import Content

from tui.text import clean_block
from tui.widgets.marks import MUTED
from tui.widgets.scrolling import hanging

MOST_SHOWN = 8000
SIDE_BY_SIDE = 60
"""Cells from which both answers stand beside each other."""
GROWS = "▌"
NAMES = ("base student", "trained student")


@dataclass(frozen=True, slots=True)
class Turn:
    """A message with both answers; None while they are awaited.

    Args:
        so_far: what has come of each answer, harmless; None before its first word.
        problem: why there are no answers.
    """

    text: str
    answers: tuple[str, str] | None = None
    problem: str = ""
    so_far: tuple[str | None, str | None] = (None, None)

    def grown(self, who: int, text: str) -> Turn:
        """With more of one answer."""
        found = list(self.so_far)
        found[who] = clean_block(text, MOST_SHOWN)
        return replace(self, so_far=(found[0], found[1]))

    def answered(self, answers: tuple[str, str]) -> Turn:
        base, trained = (clean_block(answer, MOST_SHOWN) for answer in answers)
        return replace(self, answers=(base, trained))


def turn_content(turn: Turn, width: int) -> Content:
    """The message, below it both answers side by side, or below each other where there is no room."""
    lines = [hanging(Content.styled("you  ", "bold $primary"), Content(turn.text), width)]
    if turn.problem:
        lines.append(Content.styled(turn.problem, "$error"))
    elif width >= SIDE_BY_SIDE:
        lines += _columns(_said(turn), width)
    else:
        for name, answer in zip(("base  ", "trained  "), _said(turn), strict=True):
            lines.append(hanging(Content.styled(name, MUTED), answer, width))
    return Content("\n").join([*lines, Content("")])


def _said(turn: Turn) -> list[Content]:
    """What stands for each answer: the whole of it, its beginning with a sign that it grows, or a sign to wait."""
    if turn.answers is not None:
        return [Content(answer or "(empty)") for answer in turn.answers]
    return [
        Content.styled("…", MUTED) if text is None else Content.assemble(text, (GROWS, "$accent"))
        for text in turn.so_far
    ]


def _columns(said: Sequence[Content], width: int) -> list[Content]:
    cell = (width - 3) // 2
    heads = [Content.styled(name, style) for name, style in zip(NAMES, (MUTED, "$accent"), strict=True)]
    columns = [[head, *text.wrap(cell)] for head, text in zip(heads, said, strict=True)]
    height = max(map(len, columns))
    left, right = ([*column, *[Content("")] * (height - len(column))] for column in columns)
    return [
        Content("").join([one.pad_right(max(0, cell - one.cell_length)), Content.styled(" │ ", MUTED), two])
        for one, two in zip(left, right, strict=True)
    ]
