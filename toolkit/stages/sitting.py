"""A sitting: one student, one split, and how the questions are put."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from toolkit.types import Item, Message, SplitName


@dataclass(frozen=True, slots=True)
class Sitting:
    """One student sitting one split: who, what, how the questions are put, and which answers there are (any: none)."""

    student: str
    split: SplitName
    items: Sequence[Item]
    prompt: Callable[[str], tuple[Message, ...]]
    max_new_tokens: int
    choices: tuple[str, ...] = ()
