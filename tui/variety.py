"""Diversity cards as plain values: how varied the rows of each submission were. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tui.text import clean


@dataclass(frozen=True, slots=True)
class Card:
    """A submission's card, as `toolkit.data.diversity` measures it. Shares and entropies lie between 0 and 1.

    Args:
        distinct: share of different word n-grams, n = 1, 2, 3.
        vendi_share: the Vendi score per row; kernel: what it compares texts by.
        handwritten: share of rows that are in no teacher reply.
    """

    round: int
    attempt: int
    rows: int
    distinct: tuple[float, float, float]
    vendi: float
    vendi_share: float
    near_duplicates: float
    opening: str
    opening_share: float
    labels: float
    topics: float | None
    words: float
    distance: float | None
    distance_public: float | None
    handwritten: float
    warnings: tuple[str, ...] = ()
    kernel: str = ""


def card_of(event: dict[str, Any]) -> Card | None:
    """The card that a `diversity` event carries; None when it has not the figures of one."""
    data = event["data"]
    try:
        found = data["card"]
        first, second, third = (float(share) for share in found["distinct"])
        return Card(
            round=int(event["round"] or 0),
            attempt=int(data["attempt"]),
            rows=int(found["n"]),
            distinct=(first, second, third),
            vendi=float(found["vendi"]),
            vendi_share=float(found["vendi_share"]),
            near_duplicates=float(found["near_duplicate_rate"]),
            opening=clean(str(found["opening"]), 60),
            opening_share=float(found["opening_share"]),
            labels=float(found["label_entropy"]),
            topics=_maybe(found.get("topic_entropy")),
            words=float(found["words"]["mean"]),
            distance=_maybe(found.get("distance")),
            distance_public=_maybe(found.get("distance_within_public")),
            handwritten=float(data.get("handwritten") or 0.0),
            warnings=tuple(clean(str(warning), 300) for warning in data.get("warnings") or ()),
            kernel=clean(str(found.get("definitions", {}).get("kernel", "")), 120),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def with_card(cards: tuple[Card, ...], event: dict[str, Any]) -> tuple[Card, ...]:
    """The cards with that of an event, by round; a resumed run measures a submission again."""
    card = card_of(event)
    if card is None:
        return cards
    others = [old for old in cards if old.attempt != card.attempt]
    return tuple(sorted([*others, card], key=lambda found: (found.round, found.attempt)))


def _maybe(value: Any) -> float | None:
    return None if value is None else float(value)
