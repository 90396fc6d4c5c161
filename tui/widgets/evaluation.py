"""Scores by skill as dots with intervals, the confusion matrix, an item with all answers, the exam in words."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from toolkit.types import BASELINES
from tui.evaluation import KINDS, OTHER, Confusion, Evaluation, Given, ItemLine, SkillLine
from tui.state import ScorePoint
from tui.text import clean
from tui.widgets.columns import side_by_side
from tui.widgets.marks import ACCEPTED, FAINT, MUTED, REJECTED

NAME = 20
FIGURES = 21
CELL = 4
BEFORE, AFTER = "○", "●"
KIND_MARKS = {
    "fixed": (f"{REJECTED}→{ACCEPTED}", "$success"),
    "broken": (f"{ACCEPTED}→{REJECTED}", "$error"),
    "wrong": (f"{REJECTED} {REJECTED}", MUTED),
    "right": (f"{ACCEPTED} {ACCEPTED}", MUTED),
}
WORD_STYLES = {"helped": "bold $success", "hurt": "bold $error"}


def student_name(student: str) -> str:
    return student.replace("round-", "round ")


def skill_table(lines: Sequence[SkillLine], base: str, trained: str, width: int) -> Content:
    """A line for each skill: both scores as dots over their intervals, then the figures."""
    if not lines:
        return Content.styled("no answers yet", MUTED)
    name = min(NAME, max(8, width // 4))
    room = max(10, width - name - FIGURES)
    legend = Content.assemble(
        (f"{BEFORE} {student_name(base)}", MUTED), "   ", (f"{AFTER} {student_name(trained)}", "$accent"),
        ("   with 95 % intervals, 0 to 100 %", MUTED),
    )  # fmt: skip
    rows = [legend, Content("")]
    for line in lines:
        if not line.skill:
            rows.append(Content.styled("─" * width, FAINT))
        label = Content(clean(line.skill, 60) or "all together").truncate(name - 1, ellipsis=True, pad=True)
        rows.append(Content("").join([label, Content(" "), _dots(line, room), _figures(line)]))
    return Content("\n").join(rows)


def _dots(line: SkillLine, room: int) -> Content:
    cells = [("·", FAINT)] * room
    for point, bar, style in ((line.base, "╌", MUTED), (line.trained, "━", "$accent")):
        if point.n:
            for cell in range(_cell(point.low, room), _cell(point.high, room) + 1):
                cells[cell] = (bar, style)
    for point, dot, style in ((line.base, BEFORE, "bold"), (line.trained, AFTER, "bold $accent")):
        if point.n:
            cells[_cell(point.score, room)] = (dot, style)
    return Content.assemble(*cells)


def _cell(share: float, room: int) -> int:
    return min(room - 1, max(0, round(share * (room - 1))))


def _figures(line: SkillLine) -> Content:
    before, after = (_percent(point) for point in (line.base, line.trained))
    return Content.assemble((f"  {before:>4} → ", MUTED), (f"{after:>4} %", "bold"), (f"  n={line.trained.n}", MUTED))


def _percent(point: ScorePoint) -> str:
    return f"{100 * point.score:.0f}" if point.n else "–"


def confusion_matrix(found: Confusion, width: int) -> Content:
    """Right labels down, answered ones across by number; below it the most frequent mistakes in words."""
    if not found.counts:
        return Content.styled("this task has no labels, or nothing was answered yet", MUTED)
    most = max(2, (width - NAME - 5 - 2 * CELL) // CELL)
    labels = found.labels[:most]
    head = " " * (NAME + 4) + "".join(f"{number:>{CELL}}" for number in range(1, len(labels) + 1)) + f"{'?':>{CELL}}"
    rows = [Content.styled("down: the right label; across: what was answered", MUTED), Content.styled(head, MUTED)]
    for number, right in enumerate(labels, start=1):
        name = Content(clean(right, 60)).truncate(NAME, ellipsis=True, pad=True)
        cells = [_count(found.count(right, answered), answered == right) for answered in (*labels, OTHER)]
        rows.append(Content.assemble((f"{number:>3} ", MUTED), name, *cells))
    if len(labels) < len(found.labels):
        rows.append(Content.styled(f"… {len(found.labels) - len(labels)} labels with fewer mistakes", MUTED))
    rows += [Content(""), Content.styled("most frequent mistakes", "bold")]
    worst = [
        Content(f"{count:>4}  {clean(right, 60)} → {clean(answered, 60)}") for right, answered, count in found.worst(8)
    ]
    return Content("\n").join([*rows, *(worst or [Content.styled("none", "$success")])])


def _count(count: int, right: bool) -> tuple[str, str]:
    if not count:
        return f"{'·':>{CELL}}", FAINT
    return f"{count:>{CELL}}", "$success" if right else "bold $error"


def item_prompt(item: ItemLine, base: str, trained: str, width: int) -> Content:
    """Whether it flipped, its skill and its text; at the right what was answered."""
    mark, style = KIND_MARKS[item.kind(base, trained) or "wrong"]
    skill = Content(clean(item.skill, 60)).truncate(18, ellipsis=True, pad=True)
    start = Content.assemble((mark, style), "  ", skill.stylize(MUTED), "  ")
    given = item.given(trained)
    end = Content.styled(f"  {given.answer if given and not given.right else ''}".split("\n")[0], "$error")
    end = end.truncate(24, ellipsis=True)
    room = max(8, width - start.cell_length - end.cell_length - 1)
    text = item.text.replace("\n", "⏎") if item.text else f"item {item.id}, not shown"
    return Content("").join([start, Content(text).truncate(room, ellipsis=True, pad=True), end])


def item_in_full(item: ItemLine, base: str, trained: str, width: int = 0) -> Content:
    """Text, right answer, and what each student answered.

    Args:
        width: cells for both chosen students' answers side by side; 0: all are below each other.
    """
    kind = item.kind(base, trained)
    mark, style = KIND_MARKS[kind or "wrong"]
    since = item.turned(base, trained)
    words = f"{mark}  {KINDS[kind or 'wrong']}" + (f", since {student_name(since)}" if since else "")
    lines = [Content.styled(words, style)]
    lines += [Content(item.text) if item.text else Content.styled("its text is not shown", MUTED)]
    if item.expected:
        lines += [Content.styled("right answer", MUTED), Content(item.expected)]
    lines.append(Content(""))
    before, after = item.given(base), item.given(trained)
    others = item.answers
    if width and before and after:
        left, right = ([_who(one, "bold"), Content(one.answer or "(empty)")] for one in (before, after))
        lines += [side_by_side(left, right, width), Content("")]
        others = tuple(one for one in others if one not in (before, after))
    for one in others:
        who = _who(one, "bold" if one in (before, after) else MUTED)
        lines.append(Content.assemble(who, one.answer or "(empty)"))
    return Content("\n").join(lines)


def _who(one: Given, weight: str) -> Content:
    sign, colour = (ACCEPTED, "$success") if one.right else (REJECTED, "$error")
    return Content.assemble((f"{sign} ", colour), (f"{student_name(one.student):<10} ", weight))


def exam_words(evaluation: Evaluation, lines: Sequence[SkillLine]) -> Content:
    """The sealed exam: closed, sat and waiting to be looked at, or its verdict."""
    if not evaluation.verdict:
        count = f"{evaluation.sealed} items" if evaluation.sealed else "The items"
        return Content.assemble(
            ("The exam is sealed.", "bold"),
            f"\n\n{count} that no model, no engineer and no person has seen wait until the last round."
            "\nThey are opened once. Then one sentence says whether the lessons helped.",
        )
    if evaluation.unread:
        return Content.assemble(
            ("The exam has been sat.", "bold $accent"),
            "\n\nWhat do you expect? Press ", ("v", "bold"), " to read the verdict.",
        )  # fmt: skip
    return _verdict(evaluation, lines)


def _verdict(evaluation: Evaluation, lines: Sequence[SkillLine]) -> Content:
    style = WORD_STYLES.get(str(evaluation.verdict.get("word")), "bold $warning")
    parts = [Content.styled(evaluation.sentence, style)]
    if evidence := evaluation.verdict.get("evidence"):
        parts.append(Content.styled(clean(str(evidence), 600), MUTED))
    if lines:
        whole = lines[-1]
        parts.append(
            Content.assemble(
                f"{100 * whole.base.score:.1f} % → ",
                (f"{100 * whole.trained.score:.1f} %", "bold"),
                f" on {whole.trained.n} sealed items",
            )
        )
    if evaluation.opened > 1:
        parts.append(
            Content.styled(f"The sealed items were opened {evaluation.opened} times: they are spent.", "$warning")
        )
    elif evaluation.opened:
        parts.append(Content.styled("The sealed items were opened once.", MUTED))
    return Content("\n\n").join(parts)


def trained_name(students: Sequence[str], best: str) -> str:
    """The student that is shown unless a person chooses: the best one, else the newest."""
    trained = [name for name in students if name not in BASELINES]
    return best if best in trained else (trained[-1] if trained else "")
