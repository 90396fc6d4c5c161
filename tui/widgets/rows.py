"""A row as a line of the window, and in full beside the row that it is like."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from textual.content import Content

from tui.rows import Chosen, Facets, RowLine, WholeRow, decision_of, words_in_common
from tui.widgets.marks import ACCEPTED, MUTED, REJECTED

LABEL_CELLS = 18
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
    if row.status != "accepted" or decision == "dropped":
        text = text.stylize(MUTED)
    return Content("").join([start, text, end])


def in_full(row: WholeRow, decisions: Mapping[str, str], waiting: bool, width: int) -> Content:
    """The whole row, why it was turned away, what it is like, and where it came from."""
    line = row.line
    mark, style = STATUS_MARKS.get(line.status, ("·", MUTED))
    reason = f": {line.reason.replace('_', ' ')}" if line.reason else ""
    lines = [Content.styled(f"{mark} {line.status}{reason}", style)]
    if decision := decision_of(decisions, line):
        when = "; it counts from the next training on" if waiting else ""
        lines.append(Content.styled(f"{decision} by you{when}", "bold $accent"))
    lines += [Content.styled("text", MUTED), Content(row.input), Content.styled("answer", MUTED), Content(row.output)]
    lines += _likeness(row)
    replies = f"from {len(row.calls)} repl{'y' if len(row.calls) == 1 else 'ies'}"
    origin = replies if row.calls else "no reply is noted"
    lines += [Content(""), Content.styled(f"row {line.seq + 1} of attempt {line.attempt}; {origin}", MUTED)]
    if row.meta:
        lines.append(Content.styled(row.meta, MUTED))
    return Content("\n").join(lines)


def _likeness(row: WholeRow) -> list[Content]:
    if row.twin is None and not row.item:
        return [Content(""), Content.styled(row.detail, "$error")] if row.detail else []
    other = row.twin.input if row.twin else row.item
    if row.twin:
        title = f"like row {row.twin.line.seq + 1} of attempt {row.twin.line.attempt}, accepted"
    else:
        title = "close to this public item"
    similar = row.detail.partition(" to: ")[0] if row.line.reason == "near_duplicate" else ""
    title += f" ({similar} alike)" if similar else ""
    return [Content(""), Content.styled(title, "$warning"), _marked(other, row.input)]


def _marked(text: str, other: str) -> Content:
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
    words = "  ".join(f"{name}: {value}" for name, value in parts if value not in (None, ""))
    count = f"{shown} of {facets.total} rows" if chosen.any else f"{facets.total} rows"
    if not words:
        counts = ", ".join(f"{count} {status}" for status, count in facets.statuses)
        return Content.assemble((count, "bold"), (f"  {counts}" if counts else "", MUTED))
    return Content.assemble((count, "bold"), ("  " + words, "$accent"))
