"""A comparison as text: scores as dots with intervals, differences, and what differs in the recipes."""

from __future__ import annotations

from textual.content import Content

from tui.comparing import Comparison, Contestant, Difference
from tui.text import percent
from tui.widgets.marks import FAINT, MUTED

NAME = 24
WORDS = {"better": "bold $success", "worse": "bold $error"}


def comparison_content(found: Comparison, width: int) -> Content:
    """Scores, differences, recipes, notes."""
    lines = [Content.styled(f"Score on {found.split}, with 95 % intervals", "bold")]
    for run in found.runs:
        lines += _run(run, width)
    lines += [Content(""), Content.styled("Paired differences", "bold")]
    for difference in found.differences:
        lines += _difference(difference)
    if found.recipe:
        lines += [Content(""), Content.styled("What differs in the recipes", "bold")]
    for key, values in found.recipe:
        lines.append(Content.assemble((f"{key}  ", MUTED), " | ".join(values)))
    lines += [Content(""), *(Content.styled(note, MUTED) for note in found.notes)]
    return Content("\n").join(lines)


def _run(run: Contestant, width: int) -> list[Content]:
    room = max(10, min(60, width - NAME - 12))
    name = Content(run.name).truncate(NAME - 1, ellipsis=True, pad=True)
    cells = [("·", FAINT)] * room
    ends = [min(room - 1, round(share * (room - 1))) for share in (run.score.low, run.score.score, run.score.high)]
    for cell in range(ends[0], ends[2] + 1):
        cells[cell] = ("━", "$primary")
    cells[ends[1]] = ("●", "bold $accent")
    counts = f"{run.rows} rows, {run.calls} calls, {run.rounds} rounds" if run.rounds else "untrained"
    verdict = f", {run.verdict}" if run.verdict else ""
    figure = Content.styled(f"  {percent(run.score.score):>7}", "bold")
    first = Content("").join([name, Content(" "), Content.assemble(*cells), figure])
    return [first, Content.styled(f"  {counts}{verdict}", MUTED)]


def _difference(one: Difference) -> list[Content]:
    points = f"{one.points:+.1f} points [{one.low:+.1f}, {one.high:+.1f}]"
    first = Content.assemble(
        f"{one.new} − {one.old}: ", (points, "bold"), "  ", (one.word, WORDS.get(one.word, "bold $warning"))
    )
    changed = f"; differs in {', '.join(one.changed)}" if one.changed else "; the same recipe"
    return [first, Content.styled(f"  {one.counts}, p = {one.p:.2g} after correction{changed}", MUTED)]
