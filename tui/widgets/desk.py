"""An answer to label, and how far the labels are."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.judging import Desk, Line, agreement_lines, progress_lines
from tui.widgets.marks import ACCEPTED, FAINT, MUTED, REJECTED

STYLES = {"plain": "", "quiet": MUTED, "good": "bold $success", "bad": "bold $error", "warning": "$warning"}
NOTHING = (
    "No answers to label yet.\n\nThe run leaves some here when it first needs its judge, and adds those that its "
    "students give to public questions."
)


def card_content(desk: Desk, place: int, *, tight: bool = False) -> Content:
    """Rubric, question, a right answer, and the answer to label; literal, whatever it says.

    Args:
        tight: without empty lines between them.
    """
    if place >= len(desk.cards):
        return Content.styled(NOTHING, MUTED)
    card = desk.cards[place]
    asked = "Is it at least as good as the data's own answer?" if desk.pairs else "Is it right by the rubric?"
    parts = [Content.assemble((asked, "bold"), "   ", *_keys(desk.labelled(place)))]
    parts += [
        Content.assemble(("rubric\n", MUTED), desk.rubric),
        Content.assemble(("question\n", MUTED), card.question),
    ]
    if card.reference:
        parts.append(Content.assemble(("the data's own answer\n", MUTED), card.reference))
    parts.append(Content.assemble(("the answer to label\n", "bold $accent"), card.answer))
    return Content("\n" if tight else "\n\n").join(parts)


def _keys(label: bool | None) -> tuple[str | tuple[str, str], ...]:
    if label is None:
        return (("y", "bold $accent"), " yes   ", ("n", "bold $accent"), " no   ", ("s", "bold $accent"), " skip")
    said, style = (f"{ACCEPTED} you said right", "$success") if label else (f"{REJECTED} you said wrong", "$error")
    return ((said, style), (";  y or n says it anew", MUTED))


def side_content(desk: Desk, width: int) -> Content:
    """How many are labelled, what comes next, and what was found of the judge."""
    full = min(desk.needed, desk.done)
    room = max(6, min(30, width - 12))
    done = round(room * full / desk.needed) if desk.needed else room
    bar = (("━" * done, "$accent"), ("─" * (room - done), FAINT))
    parts = [Content.assemble(*bar, (f"  {desk.done} of {desk.needed}", "bold"))]
    parts += _contents(progress_lines(desk))
    if found := agreement_lines(desk):
        parts += [Content(""), *_contents(found)]
    parts += [Content(""), Content.styled(f"judge: {desk.model}; {len(desk.cards)} answers on the desk", MUTED)]
    return Content("\n").join(parts)


def _contents(lines: Sequence[Line]) -> list[Content]:
    return [Content.styled(text, STYLES[tone]) for tone, text in lines]
