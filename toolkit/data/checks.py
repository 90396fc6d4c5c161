"""The checks that every submitted row passes before it may be trained on."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.data.embeddings import Embedder
from toolkit.data.firewall import Firewall
from toolkit.data.near_duplicates import THRESHOLD, NearDuplicates, normalise
from toolkit.data.same_meaning import SameMeaning
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
    "topic_share",
    "label_share",
    "opening_share",
    "duplicate",
    "near_duplicate",
    "same_meaning",
    "leak",
]

_PLACEHOLDER = re.compile(
    r"\[[A-Za-z][\w '/-]{0,30}\]"  # [name], [Order Number]
    r"|\{+[A-Za-z_][\w .'-]{0,30}\}+"  # {order}, {{ name }}
    r"|<[A-Za-z][\w '-]{0,30}>"  # <product>
    r"|\b(?:X{3,}|_{3,})\b|\bINSERT (?!INTO\b)[A-Z]{3,}"
)
_HIDDEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # bidi controls turn text around on screen


OPENING_WORDS = 3
SMALLEST_WHOLE = 10
"""Shares are of at least so many rows: the first row of all is no 100 %."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row was turned away: a short name, and what exactly was found."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class RowLimits:
    """How long a row may be, how like another one, and how many may be about the same.

    Args:
        length: characters of the input, and of the output.
        tokens: how many tokens the student reads for a row; None where nothing can count them.
        most_tokens: the student's cut-off, which `tokens` may not exceed.
        topic_share: no `meta["topic"]` may have a larger share of `rows`; None for no cap.
        label_share, opening_share: the same for labels, and for the first words.
        placeholders: whether rows may hold what looks like a template's gap, as code and JSON do.
        rows: how many rows there shall be; shares are of these, or of more once there are more.
    """

    length: int = 1000
    tokens: Callable[[Row], int] | None = None
    most_tokens: int = 512
    near_duplicate: float = THRESHOLD
    topic_share: float | None = None
    label_share: float | None = None
    opening_share: float | None = None
    placeholders: bool = False
    rows: int = 0


class RowChecks:
    """Checks rows one by one against the task, the evaluation items and the rows remembered so far.

    Args:
        embed: finds rows that say the same in other words; None turns that check off.
    """

    def __init__(
        self,
        labels: Iterable[str],
        firewall: Firewall,
        limits: RowLimits | None = None,
        embed: Embedder | None = None,
    ) -> None:
        self.labels = list(labels)
        self._firewall = firewall
        self._limits = limits or RowLimits()
        self._seen: dict[str, str] = {}
        self._near = NearDuplicates(self._limits.near_duplicate)
        self._meanings = SameMeaning(embed) if embed else None
        self._texts: list[str] = []
        self._topics: Counter[str] = Counter()
        self._given: Counter[str] = Counter()
        self._openings: Counter[str] = Counter()
        # a label of one plain word ("refund") belongs into messages; only names like late_parcel do not
        written = [label for label in self.labels if re.search(r"[a-z0-9][_-][a-z0-9]", label, re.IGNORECASE)]
        self._names = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in written) or r"(?!)", re.IGNORECASE)

    def expect(self, texts: Sequence[str]) -> None:
        """Say which inputs will be checked next: their meanings are looked up together, which is much faster."""
        if self._meanings:
            self._meanings.expect([self._firewall.own(text) for text in texts])

    def check(self, row: Row) -> Rejection | None:
        """The first reason against a row; None when there is none. Cheap checks come first."""
        return self._form(row) or self._content(row) or self._shares(row) or self._originality(row)

    def remember(self, row: Row) -> None:
        """Count a row as accepted: later copies of it are duplicates."""
        self._seen.setdefault(normalise(row.input), row.input)
        own = self._firewall.own(row.input)
        self._near.add(own)
        if self._meanings:
            self._meanings.add(own)
        self._texts.append(row.input)
        self._given[row.output] += 1
        self._topics[_topic(row)] += 1
        self._openings[_opening(row)] += 1

    def _form(self, row: Row) -> Rejection | None:
        if not row.input.strip() or not row.output.strip():
            return Rejection("empty", "the message is empty" if row.output.strip() else "the label is empty")
        for name, text in (("input", row.input), ("output", row.output)):
            if len(text) > self._limits.length:
                return Rejection("too_long", f"{name}: {len(text)} characters, at most {self._limits.length}")
        if self._limits.tokens and (tokens := self._limits.tokens(row)) > self._limits.most_tokens:
            return Rejection("too_long", f"{tokens} tokens, the student reads at most {self._limits.most_tokens}")
        for character in row.input + row.output + row.skill:
            if _is_control(character):
                return Rejection("control_characters", f"U+{ord(character):04X}")
        return None

    def _content(self, row: Row) -> Rejection | None:
        if self.labels and row.output not in self.labels:  # other answers have none: their scorer judges them
            return Rejection("unknown_label", f"{row.output!r}{did_you_mean(row.output, self.labels)}"[:200])
        if not self._limits.placeholders and (placeholder := _PLACEHOLDER.search(row.input)):
            return Rejection("looks_like_template", placeholder.group())
        if name := self._names.search(row.input):
            return Rejection("label_in_text", name.group())
        return None

    def _shares(self, row: Row) -> Rejection | None:
        topic, whole = _topic(row), max(self._limits.rows, len(self._texts) + 1, SMALLEST_WHOLE)
        if topic and _full(self._topics[topic], self._limits.topic_share, whole):
            return Rejection("topic_share", f"{self._topics[topic]} rows of {whole} are about {topic!r} already")
        if _full(self._given[row.output], self._limits.label_share, whole):
            return Rejection("label_share", f"{self._given[row.output]} rows of {whole} are {row.output!r} already")
        opening = _opening(row)
        if opening and _full(self._openings[opening], self._limits.opening_share, whole):
            return Rejection(
                "opening_share", f"{self._openings[opening]} rows of {whole} begin with {opening!r} already"
            )
        return None

    def _originality(self, row: Row) -> Rejection | None:
        hit = self._firewall.check(row.input)
        if hit:
            return Rejection("leak", hit.words)
        same = self._seen.get(normalise(row.input))
        if same is not None:
            return Rejection("duplicate", same)
        own = self._firewall.own(row.input)
        near = self._near.nearest(own)
        if near:
            return Rejection("near_duplicate", f"{near[1]:.2f} to: {self._texts[near[0]]}")
        same_meaning = self._meanings.nearest(own) if self._meanings else None
        if same_meaning:
            return Rejection("same_meaning", f"{same_meaning[1]:.2f} to: {self._texts[same_meaning[0]]}")
        return None


def _full(count: int, share: float | None, whole: int) -> bool:
    """Whether one more row would be above the share; one row is always allowed."""
    return share is not None and count >= max(1, int(share * whole + 1e-9))


def _topic(row: Row) -> str:
    return str(row.meta.get("topic") or "").strip().casefold()


def _opening(row: Row) -> str:
    """The first words; nothing for a text that has no more than these."""
    words = normalise(row.input).split()
    return " ".join(words[:OPENING_WORDS]) if len(words) > OPENING_WORDS else ""


def _is_control(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Co") or bool(_HIDDEN.match(character))
