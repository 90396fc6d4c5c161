"""The labelling desk as plain values: answers to label, how far a person is, what the judge's agreement means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tui.state import Status
from tui.text import clean, clean_block

Key = tuple[str, str]
"""Question and answer, as they are."""

Tone = Literal["plain", "quiet", "good", "bad", "warning"]
HARDLY = 0.1
"""A share or a difference up to here is called small."""


@dataclass(frozen=True, slots=True)
class Card:
    """An answer to label; its texts are cleaned, its key is not. Who answered is not told: it would sway."""

    key: Key
    question: str
    answer: str
    reference: str
    expected: str = ""
    """The reference as it is."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on the desk.

    Args:
        pairs: the judge compares answers with the reference instead of calling them right or wrong.
        labels: all labels of a person, also those in the recipe's folder.
        agreement: what was measured last; `measured_now` when it was with these labels.
    """

    rubric: str = ""
    pairs: bool = False
    model: str = ""
    status: Status = "paused"
    cards: tuple[Card, ...] = ()
    labels: Mapping[Key, bool] = field(default_factory=dict)
    needed: int = 30
    agreement: Mapping[str, Any] | None = None
    measured_now: bool = False

    @property
    def done(self) -> int:
        return len(self.labels)

    @property
    def right(self) -> int:
        return sum(self.labels.values())

    @property
    def enough(self) -> bool:
        return self.done >= self.needed and 0 < self.right < self.done

    def labelled(self, place: int) -> bool | None:
        return self.labels.get(self.cards[place].key) if place < len(self.cards) else None


def card(question: str, answer: str, reference: str) -> Card:
    shown = [clean_block(text, 20_000) for text in (question, answer, reference)]
    return Card((question, answer), shown[0], shown[1], shown[2], reference)


def with_labels(desk: Desk, labels: Mapping[Card, bool]) -> Desk:
    """The desk with labels that are on their way to the disk."""
    return replace(desk, labels={**desk.labels, **{one.key: right for one, right in labels.items()}})


def first_open(desk: Desk) -> int:
    """The first card without a label; the first of all when all have one."""
    return next((place for place in range(len(desk.cards)) if desk.labelled(place) is None), 0)


def next_open(desk: Desk, place: int) -> int:
    """The next card without a label, from the start again after the last; the same one when there is no other."""
    count = len(desk.cards)
    after = [(place + step) % count for step in range(1, count)] if count else []
    return next((found for found in after if desk.labelled(found) is None), place)


Line = tuple[Tone, str]


def progress_lines(desk: Desk) -> list[Line]:
    """How far the labels are, and what they are good for."""
    lines: list[Line] = [("plain", f"{desk.right} right, {desk.done - desk.right} wrong; each is saved at once")]
    if desk.done < desk.needed:
        lines.append(("quiet", f"The judge counts only once it agrees with at least {desk.needed} labels of yours."))
    elif not desk.enough:
        kind = "wrong" if desk.right else "right"
        lines.append(("warning", f"Answers of both kinds are needed, and none is called {kind} yet."))
    elif not desk.measured_now:
        lines.append(("good", _next_step(desk)))
    return lines


def _next_step(desk: Desk) -> str:
    if desk.status == "running":
        return "Enough. The run is going: it asks the judge when it scores answers next."
    if desk.status == "finished":
        return "Enough. The run is finished: these labels count when its recipe is run again."
    return "Enough. Press g: the run goes on, and the judge is asked about these answers first."


def agreement_lines(desk: Desk) -> list[Line]:
    """What was measured of the judge, in plain words; nothing before it was."""
    found = desk.agreement
    if not found:
        return []
    n, agreed = int(found["n"]), int(found["agreed"])
    kappa = f"{float(found['kappa']):.2f} [{float(found['low']):.2f}, {float(found['high']):.2f}]"
    passes = bool(found["passes"])
    title: Line = ("good", "The judge counts.") if passes else ("bad", "The judge does not count.")
    old: list[Line] = [] if desk.measured_now else [("quiet", f"Measured with {n} labels, before the newest ones.")]
    return [
        title,
        *old,
        ("plain", f"Agreement: it says what you say of {agreed} of {n} answers."),
        ("quiet", f"Less the agreement by chance: Cohen's kappa {kappa}; wanted are 0.6, and 0.4 at the lower end."),
        ("plain", _strictness(float(found["judge_right"]), float(found["person_right"]))),
        ("plain", _position(float(found["flips"]), float(found["first_chosen"]))),
        ("plain", _length(float(found["longer"]))),
        *_unreadable(float(found["unreadable"])),
        *([] if passes else _advice()),
    ]


def _strictness(judge: float, person: float) -> str:
    words = "it is about as strict as you"
    if abs(judge - person) > HARDLY:
        words = "it is milder than you" if judge > person else "it is stricter than you"
    return f"Strictness: {words}; right are {_share(judge)} to it, {_share(person)} to you."


def _position(flips: float, first: float) -> str:
    lean = "no liking for a place"
    if abs(first - 0.5) > HARDLY:
        lean = f"a liking for the {'first' if first > 0.5 else 'last'}"
    return (
        f"Position: with the choices in the other order {_share(flips)} of its verdicts change; it names the first one "
        f"in {_share(first)}: {lean}."
    )


def _length(longer: float) -> str:
    lean = "no liking for length" if abs(longer) <= HARDLY else f"it likes {'long' if longer > 0 else 'short'} answers"
    return f"Length: it calls longer answers right {100 * longer:+.0f} points more often than you do: {lean}."


def _unreadable(share: float) -> list[Line]:
    return [("warning", f"{_share(share)} of its replies had no verdict in them.")] if share else []


def _advice() -> list[Line]:
    words = "Make task.judge.rubric clearer, name a stronger task.judge.model, or look at your labels again."
    return [("warning", words)]


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def shown_name(model: str) -> str:
    return clean(model.rpartition("/")[2] or model, 60)
