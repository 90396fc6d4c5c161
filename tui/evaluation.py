"""What the students answered, as plain values: scores by skill, confusions, items that flipped. Pure.

Texts of gate items are shown once the exam was sat, those of sealed items never: `schoolhouse unseal` opens them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.types import BASELINES, exam_was_sat
from tui.state import Record, ScorePoint, Status
from tui.text import clean, clean_block

Kind = Literal["fixed", "broken", "right", "wrong"]
KINDS: dict[str, str] = {
    "fixed": "wrong before, right now",
    "broken": "right before, wrong now",
    "wrong": "wrong both times",
    "right": "right both times",
}
OTHER = "(no label)"
RIGHT = 1 - 1e-9
Score = Callable[[Sequence[float]], tuple[float, float, float]]
"""Scores of items -> their mean with the ends of its interval."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer of a student and its score, 0 to 1.

    Args:
        said: the answer as the student gave it; `answer` is fit to be shown.
    """

    student: str
    answer: str
    score: float
    said: str = ""

    @property
    def right(self) -> bool:
        return self.score >= RIGHT


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item with all answers to it, the untrained students' first. `text` is empty while it is sealed.

    Args:
        skill: as the data have it; clean it before it is shown.
    """

    id: str
    skill: str
    answers: tuple[Given, ...]
    text: str = ""
    expected: str = ""

    def given(self, student: str) -> Given | None:
        return next((one for one in self.answers if one.student == student), None)

    def kind(self, base: str, trained: str) -> Kind | None:
        """What became of it between two students; None when one of them was not asked."""
        before, after = self.given(base), self.given(trained)
        if before is None or after is None:
            return None
        kinds: dict[tuple[bool, bool], Kind] = {
            (False, True): "fixed", (True, False): "broken", (True, True): "right", (False, False): "wrong"
        }  # fmt: skip
        return kinds[before.right, after.right]

    def turned(self, base: str, trained: str) -> str:
        """The student since whom it is as it is with `trained`; empty when it was so with `base` and all since."""
        asked = [one for one in self.answers if one.student not in BASELINES]
        names = [one.student for one in asked]
        if trained not in names:
            return ""
        place = names.index(trained)
        now = asked[place].right
        while place and asked[place - 1].right == now:
            place -= 1
        before = self.given(base)
        return "" if not place and before and before.right == now else names[place]


@dataclass(frozen=True, slots=True)
class SkillLine:
    """A skill's scores before and after; its name as the data have it."""

    skill: str
    base: ScorePoint
    trained: ScorePoint


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each label was answered for each right one, for one student.

    Args:
        labels: those in question, the ones with most mistakes first, as the data have them.
    """

    labels: tuple[str, ...] = ()
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def count(self, right: str, answered: str) -> int:
        return self.counts.get((right, answered), 0)

    def worst(self, most: int) -> list[tuple[str, str, int]]:
        """(right, answered, count) of the most frequent mistakes."""
        mistakes = [(*pair, count) for pair, count in self.counts.items() if pair[0] != pair[1]]
        return sorted(mistakes, key=lambda found: (-found[2], found[0], found[1]))[:most]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A split as all students did on it.

    Args:
        splits: those that may be looked at; students: in the order asked.
        verdict: the exam's record once it was sat; read: a person has opened it.
        sealed: how many items wait for the exam; opened: how often they were looked at.
        labels: empty when answers are no labels.
        judged: a model scores the answers.
    """

    split: str
    status: Status = "paused"
    splits: tuple[str, ...] = ("public",)
    students: tuple[str, ...] = ()
    items: tuple[ItemLine, ...] = ()
    labels: tuple[str, ...] = ()
    verdict: Mapping[str, Any] = field(default_factory=dict)
    read: bool = False
    best: str = ""
    sealed: int = 0
    opened: int = 0
    judged: bool = False

    @property
    def sentence(self) -> str:
        return clean(str(self.verdict.get("sentence", "")), 600)

    @property
    def unread(self) -> bool:
        """Whether the exam was sat, and its verdict waits for a person."""
        return exam_was_sat(self.verdict) and not self.read

    @property
    def trained(self) -> tuple[str, ...]:
        return tuple(name for name in self.students if name not in BASELINES)

    @property
    def texts_shown(self) -> bool:
        return any(item.text for item in self.items)


def item_lines(
    outcomes: Mapping[str, Sequence[Any]], items: Mapping[str, Any], *, answers_shown: bool = True
) -> tuple[ItemLine, ...]:
    """Outcomes by student (in the order asked) as one line for each item.

    Args:
        items: by id, those whose text may be shown.
        answers_shown: whether a person may see what was answered.
    """
    given: dict[str, list[Given]] = {}
    skills: dict[str, str] = {}
    for student, found in outcomes.items():
        for one in found:
            said = one.answer.strip() if answers_shown else ""
            answer = clean_block(one.answer, 4000) if answers_shown else ""
            given.setdefault(one.item_id, []).append(Given(student, answer, float(one.score), said))
            skills[one.item_id] = str(one.skill)
    return tuple(_item_line(item_id, skills[item_id], given[item_id], items.get(item_id)) for item_id in sorted(given))


def _item_line(item_id: str, skill: str, given: Sequence[Given], item: Any) -> ItemLine:
    text, expected = (clean_block(item.input, 20_000), clean_block(item.output, 4000)) if item else ("", "")
    return ItemLine(item_id, skill, tuple(given), text, expected)


def skill_lines(evaluation: Evaluation, base: str, trained: str, score: Score) -> list[SkillLine]:
    """Scores by skill, the weakest after training first; the last one is all skills together."""
    both = [(item.skill, item.given(base), item.given(trained)) for item in evaluation.items]
    skills = sorted({skill for skill, before, after in both if before or after})
    lines = []
    for skill in [*skills, ""]:
        before = [one.score for name, one, _ in both if one and skill in ("", name)]
        after = [one.score for name, _, one in both if one and skill in ("", name)]
        lines.append(SkillLine(skill, *(_point(scores, score) for scores in (before, after))))
    named = sorted(lines[:-1], key=lambda line: (line.trained.score, line.skill))
    return [*named, lines[-1]] if both else []


def _point(scores: Sequence[float], score: Score) -> ScorePoint:
    value, low, high = score(scores) if scores else (0.0, 0.0, 1.0)
    return ScorePoint("", "", value, low, high, len(scores))


def confusion(evaluation: Evaluation, student: str) -> Confusion:
    """For label tasks: right label (an item's skill) against answered label."""
    known = set(evaluation.labels)
    counts: Counter[tuple[str, str]] = Counter()
    for item in evaluation.items:
        one = item.given(student)
        if one and item.skill in known:
            counts[item.skill, item.skill if one.right else one.said if one.said in known else OTHER] += 1
    wrong: Counter[str] = Counter()
    for (right, answered), count in counts.items():
        if right != answered:
            wrong[right] += count
            wrong[answered] += count
    labels = sorted((label for label in evaluation.labels), key=lambda label: (-wrong[label], label))
    return Confusion(tuple(labels), dict(counts))


def chosen_items(evaluation: Evaluation, base: str, trained: str, kind: str | None) -> list[ItemLine]:
    """The items of a kind; of all kinds those that changed come first."""
    order = list(KINDS)
    found = [(item.kind(base, trained), item) for item in evaluation.items]
    wanted = [(one, item) for one, item in found if one and kind in (None, one)]
    return [item for _, item in sorted(wanted, key=lambda pair: order.index(pair[0]))]


def in_order(students: Sequence[str]) -> list[str]:
    """Untrained students first, then rounds by number; students of other training seeds are left out."""
    rounds = [name for name in students if name.removeprefix("round-").isdigit()]
    return [
        *(name for name in BASELINES if name in students),
        *sorted(rounds, key=lambda name: int(name.removeprefix("round-"))),
    ]


def examined(record: Record) -> str:
    """The student that sat the exam."""
    return clean(str(record.get("student") or ""), 40)
