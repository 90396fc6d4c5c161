"""A row as a line of the window, and in full beside the row that it is like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from textual.content import Content

from tui.rows import Chosen, Facets, RowLine, WholeRow, decision_of, words_in_common
from tui.text import clean
from tui.widgets.columns import side_by_side
from tui.widgets.marks import ACCEPTED, MUTED, REJECTED

LABEL_CELLS = 18
FILTER_CELLS = 60
LEAST_BESIDE = 60
"""Cells that two columns need."""
STATUS_MARKS = {
    "accepted": (ACCEPTED, "$success"),
    "rejected": (REJECTED, "$error"),
    "quarantined": ("!", "$warning"),
}


@lru_cache(maxsize=2000)
def row_prompt(row: RowLine, decision: str, width: int) -> Content:
    """Mark, label, text; at the right the reason of a row that was turned away, and what a person decided."""
    mark, style = STATUS_MARKS.get(row.status, ("·", MUTED))
    label = Content(row.skill).truncate(LABEL_CELLS, ellipsis=True, pad=True)
    start = Content.assemble((f"{mark} ", style), label.stylize(MUTED), "  ")
    words = [(row.reason.replace("_", " "), style), (decision, "bold $accent")]
    end = Content("").join(Content.styled(f"  {text}", colour) for text, colour in words if text)
    room = max(8, width - start.cell_length - end.cell_length - 1)
    text = Content(row.input).truncate(room, ellipsis=True, pad=True)
    if row.status != "accepted" or decision in ("dropped", "edited"):
        text = text.stylize(MUTED)
    return Content("").join([start, text, end])


@dataclass(frozen=True, slots=True)
class Other:
    """A text that a row is looked at beside."""

    title: str
    text: str
    answer: str = ""


def in_full(row: WholeRow, decisions: Mapping[str, str], waiting: bool, width: int, *, beside: bool = False) -> Content:
    """The whole row, why it was turned away, what it is like, what a person made of it, and where it came from.

    Args:
        beside: the row and what it is like in two columns of `width` cells.
    """
    others = others_of(row)
    parts = _header(row, decisions, waiting)
    if beside and others and width >= LEAST_BESIDE:
        parts.append(_columns(row, others[0], width))
        others = others[1:]
    elif row.edit:
        parts += [Content.styled(others[0].title, "$warning"), marked(others[0].text, row.input)]
        parts += [Content.styled(f"answer: {others[0].answer}", MUTED), *_texts("as it was", row.input, row.output)]
        others = others[1:]
    else:
        parts += _texts("text", row.input, row.output)
    for other in others:
        parts += [Content(""), Content.styled(other.title, "$warning"), marked(other.text, row.input)]
        parts += [Content.styled(f"answer: {other.answer}", MUTED)] if other.answer != row.output else []
    if row.detail and not row.twin and not row.item:
        parts += [Content(""), Content.styled(row.detail, "$error")]
    replies = f"from {len(row.calls)} repl{'y' if len(row.calls) == 1 else 'ies'}" if row.calls else "no reply is noted"
    parts += [Content(""), Content.styled(f"{place_of(row.line)}; {replies}", MUTED)]
    if row.meta:
        parts.append(Content.styled(row.meta, MUTED))
    return Content("\n").join(parts)


def _header(row: WholeRow, decisions: Mapping[str, str], waiting: bool) -> list[Content]:
    line = row.line
    mark, style = STATUS_MARKS.get(line.status, ("·", MUTED))
    reason = f": {line.reason.replace('_', ' ')}" if line.reason else ""
    parts = [Content.styled(f"{mark} {line.status}{reason}", style)]
    if decision := decision_of(decisions, line):
        when = "; it counts from the next training on" if waiting else ""
        parts.append(Content.styled(f"{decision} by you{when}", "bold $accent"))
    if row.origin:
        parts.append(Content.styled("edited by a person: this is what came of it", "bold $accent"))
    return parts


def _texts(title: str, text: str, answer: str) -> list[Content]:
    return [Content.styled(title, MUTED), Content(text), Content.styled("answer", MUTED), Content(answer)]


def others_of(row: WholeRow) -> list[Other]:
    """What a row is looked at beside: its edit, its original, the row or public item that it is like."""
    found = []
    if row.edit:
        found.append(Other("trained on as edited", *row.edit))
    if row.origin:
        found.append(Other(f"the original, {place_of(row.origin.line)}", row.origin.input, row.origin.output))
    if row.twin:
        similar = row.detail.partition(" to: ")[0] if row.line.reason == "near_duplicate" else ""
        title = f"like {place_of(row.twin.line)}, accepted" + (f" ({similar} alike)" if similar else "")
        found.append(Other(title, row.twin.input, row.twin.output))
    if row.item:
        found.append(Other("close to this public item", row.item, row.output))
    return found


def place_of(line: RowLine) -> str:
    return f"row {line.seq + 1} of attempt {line.attempt}"


def _columns(row: WholeRow, other: Other, width: int) -> Content:
    """The row at the left, the other at the right; words that only one of them has stand out."""
    left = [Content.styled("this row", MUTED), marked(row.input, other.text), Content.styled(f"→ {row.output}", MUTED)]
    right = [Content.styled(other.title, "$warning"), marked(other.text, row.input)]
    right.append(Content.styled(f"→ {other.answer}", MUTED if other.answer == row.output else "bold $warning"))
    return side_by_side(left, right, width)


def marked(text: str, other: str) -> Content:
    """The text; words that the other one has not stand out."""
    shared = words_in_common(text, other)
    return Content(" ").join(
        Content(word) if word.lower() in shared else Content.styled(word, "bold underline") for word in text.split(" ")
    )


def filter_words(chosen: Chosen, facets: Facets, shown: int) -> Content:
    """The filter as a line, with how many rows it lets through."""
    parts = [
        ("status", chosen.status),
        ("reason", chosen.reason),
        ("label", chosen.skill),
        ("attempt", chosen.attempt),
        ("text", chosen.text),
        ("yours", "only" if chosen.decided else None),
    ]
    words = "  ".join(f"{name}: {clean(str(value), FILTER_CELLS)}" for name, value in parts if value not in (None, ""))
    count = f"{shown} of {facets.total} rows" if chosen.any else f"{facets.total} rows"
    if not words:
        counts = ", ".join(f"{count} {status}" for status, count in facets.statuses)
        return Content.assemble((count, "bold"), (f"  {counts}" if counts else "", MUTED))
    return Content.assemble((count, "bold"), ("  " + words, "$accent"))
