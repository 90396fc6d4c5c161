"""An attempt in words: as a line of the tree, and in full."""

from __future__ import annotations

from textual.content import Content

from tui.attempts import BEFORE, COMING, Attempt, CallLine, Tree
from tui.text import clean
from tui.widgets.marks import ACCEPTED, MUTED, REJECTED

MOST_INDENT = 6
RUNNING = "●"


def attempt_prompt(attempt: Attempt) -> Content:
    """Two lines: operation and round, then what became of it."""
    indent = " " * min(attempt.depth, MOST_INDENT)
    mark, style = _mark(attempt)
    first = Content.assemble(
        indent, (f"{mark} ", style), (_name(attempt), "bold"), (_round(attempt, decided=False), MUTED)
    )
    words, style = _outcome(attempt)
    return Content("\n").join([first, Content.assemble(f"{indent}  ", (words, style))])


def tree_summary(tree: Tree) -> Content:
    """How many attempts were made, how many succeeded, and what the others failed with."""
    made = tree.made
    if not made:
        return Content.styled("no attempt yet", MUTED)
    valid = sum(attempt.status == "valid" for attempt in made)
    parts = [f"{len(made)} attempt{'s' if len(made) > 1 else ''}, {valid} valid"]
    if tree.mats is not None:
        parts.append(f"{tree.mats:.2f} for each valid one (MATS)")
    words = Content(" · ".join(parts))
    if not tree.failures:
        return words
    failed = ", ".join(f"{clean(name, 60)} {count}" for name, count in tree.failures)
    return Content.assemble(words, " · ", (f"failed: {failed}", "$error"))


def in_full(attempt: Attempt) -> Content:
    """What an attempt came from, cost and yielded, why it failed, why its plan was changed."""
    origin = f" of attempt {attempt.parent}" if attempt.parent else ""
    lines = [Content.assemble((f"{_name(attempt)}{origin}", "bold $primary"), (_round(attempt), MUTED))]
    words, style = _outcome(attempt)
    lines.append(Content.styled(f"{_mark(attempt)[0]} {words}", style))
    if attempt.operation not in (BEFORE, COMING):
        lines.append(Content(f"{attempt.accepted} of {attempt.submitted} submitted rows valid"))
    lines.append(Content(f"{attempt.calls} calls to the teacher, {attempt.questions} questions to the engineer"))
    if attempt.error:
        title = "What went wrong" if attempt.status == "failed" else "It ended with"
        lines += [Content(""), Content.styled(title, "bold"), Content(attempt.error)]
    if attempt.changes:
        lines += [Content(""), Content.styled("What was changed, and why", "bold")]
        for what, why in attempt.changes:
            lines.append(Content.assemble("· ", what, "\n  ", (f"because: {why}", MUTED)))
    return Content("\n").join(lines)


def call_prompt(call: CallLine) -> Content:
    """Two lines: who was asked and what it cost, then how the reply begins."""
    cut = "" if call.finish == "stop" else f"  {REJECTED} {_finish(call.finish)}"
    first = Content.assemble(
        (call.role, "bold"), (f"  {call.tokens} tokens, {call.seconds:.1f} s", MUTED), (cut, "$error")
    )
    return Content("\n").join([first, Content(call.start or "(empty)").truncate(160, ellipsis=True)])


def _finish(reason: str) -> str:
    return {"length": "cut off", "error": "no answer"}.get(reason, reason)


def _name(attempt: Attempt) -> str:
    if attempt.operation == BEFORE:
        return "Before the first attempt"
    if attempt.operation == COMING:
        return f"{attempt.id} being planned"
    return f"{attempt.id} {clean(attempt.operation, 20)}"


def _round(attempt: Attempt, decided: bool = True) -> str:
    if attempt.round is None:
        return ""
    return f"  round {attempt.round}" + (f" {clean(attempt.decision, 20)}" if decided and attempt.decision else "")


def _mark(attempt: Attempt) -> tuple[str, str]:
    if attempt.operation == BEFORE:
        return "·", MUTED
    marks = {"valid": (ACCEPTED, "$success"), "failed": (REJECTED, "$error")}
    return marks.get(attempt.status, (RUNNING, "$accent"))


def _outcome(attempt: Attempt) -> tuple[str, str]:
    """For a line of the tree: why it failed, or what it yielded."""
    if attempt.operation == BEFORE:
        return f"{attempt.asked} calls to measure the engineer", MUTED
    if attempt.operation == COMING:
        return f"{attempt.asked} calls so far", MUTED
    if attempt.status == "failed":
        return attempt.error_class or "failed", "$error"
    rows = f"{attempt.accepted}/{attempt.submitted} rows, {attempt.asked} calls"
    return (rows, MUTED) if attempt.status == "valid" else (f"running: {rows}", "$accent")
