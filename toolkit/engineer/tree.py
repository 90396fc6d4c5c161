"""The tree of attempts: which operation comes next, and what the attempts cost. All pure.

draft -> debug (an exception; at most 3 in a row) -> repair (too few valid rows; at most 3 in a
row) -> a new draft. A round begins with improve as soon as there is something to improve on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from toolkit.types import Operation

ErrorClass = Literal[
    "execution timeout",
    "code extraction failed",
    "code runtime error",
    "LLM output truncated",
    "insufficient valid samples",
    "other",
]
TOO_FEW: ErrorClass = "insufficient valid samples"
MOST_IN_A_ROW = 3

Record = Mapping[str, Any]
"""An attempt as the journal has it: id, parent, operation, status, error_class, …"""


@dataclass(frozen=True, slots=True)
class Move:
    """What to do next: an operation, and the attempt that it starts from."""

    operation: Operation
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How attempts follow one another.

    Args:
        one_shot: independent drafts, `drafts` at most; nothing is debugged, repaired or improved.
        revises: the engineer can change a failed attempt. One that cannot has one attempt a round.
    """

    one_shot: bool = False
    drafts: int = 8
    revises: bool = True


def of_round(attempts: Sequence[Record], number: int) -> list[Record]:
    """The attempts of round `number`, oldest first: a valid attempt is the last one of its round."""
    found, current = [], 1
    for attempt in attempts:
        if current == number:
            found.append(attempt)
        current += attempt["status"] == "valid"
    return found


def next_move(tried: Sequence[Record], best: int | None, rules: Rules) -> Move | None:
    """What follows the attempts of a round, none of which was valid; None when the round is given up.

    Args:
        best: the best attempt so far, which the first attempt of a round improves on.
    """
    if not tried:
        return Move("improve", best) if best and not rules.one_shot else Move("draft")
    if rules.one_shot:
        return Move("draft") if len(tried) < rules.drafts else None
    if not rules.revises:
        return None
    last = tried[-1]
    wanted: Operation = "repair" if last["error_class"] == TOO_FEW else "debug"
    return Move(wanted, last["id"]) if in_a_row(tried, wanted) < MOST_IN_A_ROW else Move("draft")


def in_a_row(tried: Sequence[Record], operation: Operation) -> int:
    """How many of the newest attempts came from this operation, without another between them."""
    count = 0
    for attempt in reversed(tried):
        if attempt["operation"] != operation:
            break
        count += 1
    return count


def mats(attempts: Sequence[Record]) -> float | None:
    """Mean attempts per successful submission, over ended attempts; None before the first success."""
    ended = Counter(attempt["status"] for attempt in attempts if attempt["status"] != "running")
    return ended.total() / ended["valid"] if ended["valid"] else None


def failures(attempts: Sequence[Record]) -> dict[str, int]:
    """How many attempts failed, by error class, the most frequent first."""
    counted = Counter(str(attempt["error_class"]) for attempt in attempts if attempt["status"] == "failed")
    return dict(counted.most_common())
