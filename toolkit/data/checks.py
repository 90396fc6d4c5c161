"""The checks that every submitted row passes before it may be trained on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from toolkit.data.firewall import Firewall
from toolkit.data.near_duplicates import THRESHOLD, NearDuplicates, normalise
from toolkit.recipe import did_you_mean
from toolkit.types import Row

Reason = Literal[
    "malformed",
    "empty",
    "too_long",
    "control_characters",
    "unknown_label",
    "looks_like_template",
    "label_in_text",
    "duplicate",
    "near_duplicate",
    "leak",
]

_PLACEHOLDER = re.compile(
    r"\[[A-Za-z][\w '/-]{0,30}\]"  # [name], [Order Number]
    r"|\{+[A-Za-z_][\w .'-]{0,30}\}+"  # {order}, {{ name }}
    r"|<[A-Za-z][\w '-]{0,30}>"  # <product>
    r"|\b(?:X{3,}|_{3,})\b|\bINSERT [A-Z]{3,}"
)
_HIDDEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # bidi controls turn text around on screen


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row was turned away: a short name, and what exactly was found."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class RowLimits:
    """How long a row may be, and how like another one.

    `length` is measured by `measure`: characters, or tokens where a counter is given.
    """

    length: int = 1000
    measure: Callable[[str], int] = len
    near_duplicate: float = THRESHOLD


class RowChecks:
    """Checks rows one by one against the task, the evaluation items and the rows remembered so far."""

    def __init__(self, labels: Iterable[str], firewall: Firewall, limits: RowLimits | None = None) -> None:
        self._labels = list(labels)
        self._firewall = firewall
        self._limits = limits or RowLimits()
        self._seen: dict[str, str] = {}
        self._near = NearDuplicates(self._limits.near_duplicate)
        self._texts: list[str] = []
        # a label of one plain word ("refund") belongs into messages; only names like late_parcel do not
        written = [label for label in self._labels if re.search(r"[a-z0-9][_-][a-z0-9]", label, re.IGNORECASE)]
        self._names = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in written) or r"(?!)", re.IGNORECASE)

    def check(self, row: Row) -> Rejection | None:
        """The first reason against a row; None when there is none. Cheap checks come first."""
        return self._form(row) or self._content(row) or self._originality(row)

    def remember(self, row: Row) -> None:
        """Count a row as accepted: later copies of it are duplicates."""
        self._seen.setdefault(normalise(row.input), row.input)
        self._near.add(row.input)
        self._texts.append(row.input)

    def _form(self, row: Row) -> Rejection | None:
        if not row.input.strip() or not row.output.strip():
            return Rejection("empty", "the message is empty" if row.output.strip() else "the label is empty")
        length = self._limits.measure(row.input)
        if length > self._limits.length:
            return Rejection("too_long", f"{length}, at most {self._limits.length}")
        for character in row.input + row.output:
            if _is_control(character):
                return Rejection("control_characters", f"U+{ord(character):04X}")
        return None

    def _content(self, row: Row) -> Rejection | None:
        if row.output not in self._labels:
            return Rejection("unknown_label", f"{row.output!r}{did_you_mean(row.output, self._labels)}"[:200])
        if placeholder := _PLACEHOLDER.search(row.input):
            return Rejection("looks_like_template", placeholder.group())
        if name := self._names.search(row.input):
            return Rejection("label_in_text", name.group())
        return None

    def _originality(self, row: Row) -> Rejection | None:
        hit = self._firewall.check(row.input)
        if hit:
            return Rejection("leak", f"{hit.kind} {hit.similarity:.2f} to {hit.split} item {hit.item_id}")
        same = self._seen.get(normalise(row.input))
        if same is not None:
            return Rejection("duplicate", same)
        near = self._near.nearest(row.input)
        if near:
            return Rejection("near_duplicate", f"{near[1]:.2f} to: {self._texts[near[0]]}")
        return None


def _is_control(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Co") or bool(_HIDDEN.match(character))
