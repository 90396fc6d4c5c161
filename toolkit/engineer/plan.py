"""The default plan for label tasks: how many rows each label gets, and in which styles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from toolkit.engineer.engineer import Situation
from toolkit.types import Json

PER_CALL = 6
"""Messages asked for in one reply; `docs/results.md` compares 4, 6, 8 and 12."""

STYLES = (
    "typed in a hurry on a phone, lower case, no full stops",
    "a polite full question, one sentence",
    "tells what happened and lets the reader infer what is wanted, never naming the problem directly",
    "very short, 2 to 5 words",
    "annoyed, plain words, one or two sentences",
    "with two or three spelling mistakes, as fast typing makes them",
    "two sentences: some background first, then the point",
    "as somebody who learned English late would write it",
    "casual, with a concrete detail such as a day, a place or an amount",
    "a question that begins with how, why, can, is or when",
)

SITUATIONS = (
    "It is the first time they write.",
    "They have waited a while already.",
    "They name a concrete thing, place or day.",
    "They mention something unrelated first.",
    "They are not sure how to call the problem.",
    "They ask on behalf of somebody else.",
    "They want to know what to do next.",
)


def label_plan(
    shares: Mapping[str, int], situation: Situation, contrasts: Mapping[str, list[str]] | None = None
) -> dict[str, Json]:
    """The plan that the library program `label_messages` carries out.

    Styles are turned by the attempt, so that a later round does not begin where the last one did.
    """
    turn = (situation.number - 1) * 3 % len(STYLES)
    return {
        "skills": dict(shares),
        "styles": [*STYLES[turn:], *STYLES[:turn]],
        "situations": list(SITUATIONS),
        "contrasts": dict(contrasts or {}),
        "per_call": PER_CALL,
    }


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
