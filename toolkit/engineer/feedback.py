"""What was measured, as text for a prompt: as much as the recipe's `engineer.feedback` allows.

Everything comes from a `Situation`, which holds public items only at level `cases`, and
never anything of gate, probe or private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from toolkit.engineer.engineer import Earlier, Situation, SkillReport

MOST_SKILLS = 24
MOST_CONFUSIONS = 6
MOST_CASE_CHARACTERS = 200
MOST_ERROR = 900
ALIKE = ("duplicate", "near_duplicate", "same_meaning", "opening_share", "topic_share")
"""Reasons to turn rows away that more variety would have spared."""

VALID = "too_few_rows"
"""Rows that nothing is wrong with, of a submission that had too few of them."""


def feedback(situation: Situation) -> str:
    """The student's results in a few lines; empty before anything was measured, its untrained score too."""
    return "\n".join(_lines(situation))


def interval(report: SkillReport) -> tuple[float, float]:
    """The 95 % Wilson interval of a skill's score; [0, 1] without items."""
    from scipy.stats import binomtest

    if not report.n:
        return 0.0, 1.0
    found = binomtest(report.right, report.n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def evidence(name: str, report: SkillReport) -> str:
    """One skill's score as one would cite it."""
    low, high = interval(report)
    return f"{name}: {report.right} of {report.n} right [{low:.0%}, {high:.0%}], {report.rows} rows so far"


def what_happened(earlier: Earlier) -> str:
    """What became of an attempt: its problem if it had one, and the rows that did not count."""
    problem = earlier.problem
    lines = [f"{problem.error_class}. {cut_at_front(problem.text)}"] if problem else []
    return "\n".join(filter(None, [*lines, rejections(earlier)]))


def quoted(text: str) -> str:
    """Somebody's text inside of a prompt, between tags that it cannot close itself; as `quoted` of a data program."""
    return "<text>" + re.sub(r"</(\s*text)", r"<\\/\1", text, flags=re.IGNORECASE) + "</text>"


def rejections(earlier: Earlier) -> str:
    """An attempt's rows that did not count, by reason and with an example; empty where there were none."""
    lost = earlier.rejected.items()
    found = [f"- {reason}: {count}, for example: {quoted(text[:120])}" for reason, (count, text) in lost]
    return "\n".join(["Rows that did not count:", *found]) if found else ""


def too_alike(earlier: Earlier | None) -> bool:
    """Whether an attempt failed, and most of the rows that it lost were like others."""
    if earlier is None or earlier.problem is None:
        return False
    counts = {reason: count for reason, (count, _) in earlier.rejected.items() if reason != VALID}
    return sum(counts.get(reason, 0) for reason in ALIKE) * 2 > sum(counts.values())


def cut_at_front(text: str) -> str:
    """The end of a long error, which says most."""
    return text.strip()[-MOST_ERROR:]


def shown_cases(cases: Iterable[tuple[str, str, str]]) -> list[str]:
    """Public questions that went wrong, as lines of a prompt."""
    found = [_case(*case) for case in cases]
    return ["Questions that it got wrong (never copy them or write them anew in other words):", *found] if found else []


def _lines(situation: Situation) -> Iterator[str]:
    if situation.better is not None:
        yield f"The newest round was {'better than' if situation.better else 'no better than'} the best one before it."
    if situation.feedback == "bit":
        return
    if not situation.measured:
        if situation.baseline:
            yield f"Untrained the student answers {situation.baseline.value:.0%} of the public questions."
        return
    right = sum(report.right for report in situation.skills.values())
    total = sum(report.n for report in situation.skills.values())
    tried = situation.unaccepted
    who = f"No round was accepted yet. The student of round {tried}" if tried else "The best student so far"
    yield f"{who} answers {right} of {total} public questions ({right / total:.0%})."
    if situation.baseline:
        yield f"Untrained it answers {situation.baseline.value:.0%}."
    yield f"By {'label' if situation.answer == 'label' else 'skill'}, the weakest first:"
    weakest = sorted(situation.skills.items(), key=lambda pair: pair[1].right / max(1, pair[1].n))
    yield from (f"- {evidence(name, report)}" for name, report in weakest[:MOST_SKILLS])
    if situation.answer == "label":
        yield from _confusions(situation)
    if situation.narrow:
        yield "Its data are narrow:"
        yield from (f"- {warning}" for warning in situation.narrow)
    if situation.variety:
        yield f"Variety of the data, {situation.variety}."
    if situation.feedback == "cases":
        yield from shown_cases(situation.cases)


def _confusions(situation: Situation) -> Iterator[str]:
    known = {pair: count for pair, count in situation.confusions.items() if pair[1] in situation.labels}
    other = sum(situation.confusions.values()) - sum(known.values())
    if known:
        yield "Mistakes:"
    for (expected, answered), count in sorted(known.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_CONFUSIONS]:
        yield f"- {expected} was taken for {answered}: {count} times"
    if other:
        yield f"- answered with no label at all: {other} times"


def _case(text: str, expected: str, answered: str) -> str:
    return f"- {text[:MOST_CASE_CHARACTERS]!r} is {expected}, it said {answered[:60]!r}"
