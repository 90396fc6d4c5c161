"""What the teacher's work came to: rows accepted, rejected and why, and its pace."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from tui.state import Limits, RunView, Teaching
from tui.widgets.marks import ACCEPTED, FAINT, MUTED, REJECTED

MOST_BAR = 24
NAME = 11


class Lessons(Widget):
    """Rows accepted and rejected by reason; calls, tokens, tokens a second."""

    DEFAULT_CSS = "Lessons { height: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view: RunView | None = None

    def show(self, view: RunView) -> None:
        self._view = view
        self.refresh()

    def render(self) -> Content:
        if self._view is None:
            return Content("")
        teaching, limits = self._view.teaching, self._view.limits
        room = max(1, self.size.height - 4)
        rows = _rows(teaching, limits, self.size.width)
        return Content("\n").join([*rows, *_reasons(teaching, room), Content(""), _pace(teaching)])


def _rows(teaching: Teaching, limits: Limits, width: int) -> list[Content]:
    most = max(limits.rows, teaching.accepted, teaching.rejected_total, 1)
    accepted = f" {teaching.accepted}" + (f" of {limits.rows}" if limits.rows else "")
    room = max(0, min(MOST_BAR, width - NAME - len(accepted)))
    return [
        _bar(f"{ACCEPTED} accepted", teaching.accepted / most, room, accepted, "$success"),
        _bar(f"{REJECTED} rejected", teaching.rejected_total / most, room, f" {teaching.rejected_total}", "$error"),
    ]


def _bar(name: str, share: float, room: int, count: str, style: str) -> Content:
    """What is not zero shows at least one cell of its bar."""
    full = min(room, max(1, round(share * room))) if share else 0
    return Content.assemble((f"{name:<{NAME}}", style), ("━" * full, style), ("─" * (room - full), FAINT), count)


def _reasons(teaching: Teaching, room: int) -> list[Content]:
    """The commonest reasons; those that do not fit are counted together."""
    shown = list(teaching.rejected)
    if len(shown) > room:
        rest = shown[room - 1 :]
        shown = [*shown[: room - 1], (f"{len(rest)} other reasons", sum(count for _, count in rest))]
    return [Content.styled(f"  {count:>5}  {reason}", MUTED) for reason, count in shown]


def _pace(teaching: Teaching) -> Content:
    if not teaching.calls:
        return Content.styled("no calls to the teacher yet", MUTED)
    tokens = f"{teaching.tokens / 1000:.1f}k tokens" if teaching.tokens >= 1000 else f"{teaching.tokens} tokens"
    return Content(f"{teaching.calls} calls · {tokens} · {teaching.tokens_per_second:.0f} tokens/s")
