"""The default plan: how many rows each label or skill gets, in which styles, and what a person asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from toolkit.engineer.engineer import Situation
from toolkit.types import Json

PER_CALL = 5
"""Messages asked for in one reply: of more, the last ones repeat the first or drift to other labels."""

STYLES = (
    "lower case, typed in a hurry",
    "a polite question",
    "tells what happened and asks nothing directly",
    "very short, 3 to 6 words",
    "annoyed",
    "two sentences, background first",
    "a question that begins with how",
    "a question that begins with why",
    "a question that begins with can or is",
    "simple English of a foreigner",
    "begins with a greeting",
    "mentions a day, a place or an amount",
)


def label_plan(
    shares: Mapping[str, int], situation: Situation, contrasts: Mapping[str, list[str]] | None = None
) -> dict[str, Json]:
    """The plan that the library programs carry out; what a person asked for is in it, word for word."""
    plan: dict[str, Json] = {
        "skills": dict(shares),
        "styles": with_wishes(turned_styles(situation), situation.notes),
        "situations": [],
        "contrasts": dict(contrasts or {}),
        "per_call": PER_CALL,
    }
    if situation.notes:
        plan["wishes"] = list(situation.notes)
        plan["changes"] = [wish_change(situation)]
    return plan


def turned_styles(situation: Situation) -> list[str]:
    """The styles, turned by the attempt, so that a later round does not begin where the last one did."""
    turn = (situation.number - 1) * 5 % len(STYLES)
    return [*STYLES[turn:], *STYLES[:turn]]


def with_wishes(styles: Sequence[str], notes: Sequence[str]) -> list[str]:
    """The styles with a person's wishes in turn after every two of them: a third of all rows follows a wish."""
    found: list[str] = []
    for place, style in enumerate(styles):
        found.append(style)
        if notes and place % 2:
            found.append(notes[place // 2 % len(notes)])
    return found


def wish_change(situation: Situation) -> dict[str, str]:
    """What becomes of a person's wishes where no model turns them into styles."""
    asked = "; ".join(situation.notes)
    what = "every third style" if situation.answer == "label" else "told to the teacher in every prompt for questions"
    return {"what": f"{what}: {asked}", "why": f"asked for by a person: {asked}"}


def even_shares(skills: Iterable[str], rows: int) -> dict[str, int]:
    """`rows` in equal parts; what does not divide goes to the first ones."""
    names = list(skills)
    return largest_remainders(dict.fromkeys(names, 1.0), rows)


def largest_remainders(weights: Mapping[str, float], rows: int) -> dict[str, int]:
    """Whole numbers in proportion to the weights that add up to `rows` (Hamilton's method)."""
    total = sum(weights.values())
    exact = {name: rows * weight / total for name, weight in weights.items()}
    shares = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: shares[name] - exact[name])
    for name in by_remainder[: rows - sum(shares.values())]:
        shares[name] += 1
    return shares
