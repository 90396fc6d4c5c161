"""Whether a judge says what a person says, and where it leans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from toolkit.evaluation.judge.judge import Judge, Ruling
from toolkit.evaluation.judge.labels import LEAST_LABELS, Label
from toolkit.evaluation.statistics import wilson
from toolkit.types import Json

LEAST_KAPPA = 0.6
"""McHugh 2012, "Interrater reliability: the kappa statistic": below 0.60 little confidence is due."""

LEAST_LOW = 0.4
"""The lower end of the interval: what Landis and Koch 1977 call more than fair."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge against a person, over the same answers.

    Args:
        n: labels; `agreed` of them the judge said the same.
        kappa: Cohen 1960; `low` and `high` its 95 % interval: Wilson's for the share agreed upon, with the
            agreement by chance taken as given, so that perfect agreement on few labels is not certain.
        judge_right: the share that the judge calls right; `person_right`: the person.
        flips: share of answers whose verdict changes with the order of the choices (in pairs: of the answers).
        first_chosen: share of readable verdicts that name the choice that was offered first; 0.5 leans nowhere.
        longer: by how much more often than the person the judge calls the longer half right, against the shorter.
        unreadable: share of replies without a verdict.
    """

    n: int
    agreed: int
    kappa: float
    low: float
    high: float
    judge_right: float
    person_right: float
    flips: float
    first_chosen: float
    longer: float
    unreadable: float

    @property
    def passes(self) -> bool:
        """Whether the judge's scores count."""
        return self.n >= LEAST_LABELS and self.kappa >= LEAST_KAPPA and self.low > LEAST_LOW

    @property
    def words(self) -> str:
        """The agreement and the leanings in two sentences."""
        kappa = f"Cohen's kappa {self.kappa:.2f} [{self.low:.2f}, {self.high:.2f}]"
        wanted = f"at least {LEAST_KAPPA} (McHugh 2012) and above {LEAST_LOW} at the lower end is wanted"
        leaning = (
            f"{self.flips:.0%} of verdicts change with the order, the first choice is named in {self.first_chosen:.0%},"
            f" longer answers are called right {100 * self.longer:+.0f} points more often than the person does"
        )
        same = f"the judge agrees with the person on {self.agreed} of {self.n} answers: {kappa}; {wanted}"
        return f"{same}. {leaning}".replace("%", " %") + "."

    def to_json(self) -> dict[str, Json]:
        return {**asdict(self), "passes": self.passes, "words": self.words}


def measure(judge: Judge, labels: Sequence[Label]) -> Agreement:
    """Put every labelled answer to the judge, in both orders; the first order's verdict is what would count."""
    rulings = [_both(judge, label) for label in labels]
    says = [_right(judge, forth, back) for forth, back in rulings]
    flat = [ruling for pair in rulings for ruling in pair]
    readable = [ruling for ruling in flat if ruling.word]
    kappa, low, high = cohen(says, [label.right for label in labels])
    n = len(labels)
    return Agreement(
        n=n,
        agreed=sum(said == label.right for said, label in zip(says, labels, strict=True)),
        kappa=kappa,
        low=low,
        high=high,
        judge_right=sum(says) / n if n else 0.0,
        person_right=sum(label.right for label in labels) / n if n else 0.0,
        flips=sum(_flipped(judge, forth, back) for forth, back in rulings) / n if n else 0.0,
        first_chosen=sum(one.word == one.first for one in readable) / len(readable) if readable else 0.5,
        longer=leaning_to_length(says, labels),
        unreadable=1 - len(readable) / len(flat) if flat else 0.0,
    )


def cohen(judge: Sequence[bool], person: Sequence[bool]) -> tuple[float, float, float]:
    """Cohen's kappa of two raters with its 95 % interval; 0 in [-1, 1] where chance alone would agree on all."""
    n = len(judge)
    if not n:
        return 0.0, -1.0, 1.0
    agreed = sum(one == other for one, other in zip(judge, person, strict=True)) / n
    first, second = sum(judge) / n, sum(person) / n
    chance = first * second + (1 - first) * (1 - second)
    if chance >= 1:
        return 0.0, -1.0, 1.0
    low, high = wilson(agreed, n)
    return tuple((share - chance) / (1 - chance) for share in (agreed, low, high))  # type: ignore[return-value]


def leaning_to_length(says: Sequence[bool], labels: Sequence[Label]) -> float:
    """How much more the judge overrates the longer half of the answers than the shorter one, as a share."""
    if not labels:
        return 0.0
    middle = median(len(label.answer) for label in labels)
    excess = [(len(label.answer) > middle, said - label.right) for said, label in zip(says, labels, strict=True)]
    long, short = ([over for is_long, over in excess if is_long is wanted] for wanted in (True, False))
    return (sum(long) / len(long) if long else 0.0) - (sum(short) / len(short) if short else 0.0)


def _both(judge: Judge, label: Label) -> tuple[Ruling, Ruling]:
    if judge.mode == "pair":
        question, reference = label.question, label.reference
        return judge.compare(question, label.answer, reference), judge.compare(question, reference, label.answer)
    one, other = (
        judge.grade(label.question, label.answer, label.reference, choices)
        for choices in (("right", "wrong"), ("wrong", "right"))
    )
    return one, other


def _right(judge: Judge, forth: Ruling, back: Ruling) -> bool:
    """What the judge would let the answer count as. In pairs: at least as good as the reference over both orders."""
    if judge.mode == "pair":
        worth = {"first": 1, "equal": 0, "second": -1, "": 0}
        return worth[forth.word] - worth[back.word] >= 0
    return forth.word == "right"


def _flipped(judge: Judge, forth: Ruling, back: Ruling) -> bool:
    if judge.mode == "pair":
        mirror = {"first": "second", "second": "first"}
        return mirror.get(back.word, back.word) != forth.word
    return forth.word != back.word
