"""Two texts side by side, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from textual.content import Content

from tui.widgets.marks import FAINT


def side_by_side(left: Sequence[Content], right: Sequence[Content], width: int) -> Content:
    """Blocks of both columns in pairs: each pair begins on a line of its own, however its texts are wrapped."""
    half = (width - 3) // 2
    blocks = [
        zip_longest(*(part.wrap(half) for part in pair), fillvalue=Content(""))
        for pair in zip(left, right, strict=True)
    ]
    bar = Content.styled(" │ ", FAINT)
    pairs = [(one.truncate(half, pad=True), two) for block in blocks for one, two in block]
    return Content("\n").join(Content("").join([one, bar, two]) for one, two in pairs)
