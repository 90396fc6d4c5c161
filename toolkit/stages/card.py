"""The card of a submission: how varied its rows are, and how many of them the teacher did not write."""

from __future__ import annotations

from toolkit.data.diversity import DiversityCard, diversity_card
from toolkit.data.handwritten import Handwritten, handwritten
from toolkit.stages.session import Session


def card_of(session: Session, attempt: int) -> DiversityCard:
    """The variety of an attempt's valid rows."""
    public = [item.input for item in session.data.public]
    return diversity_card(session.journal.accepted_rows(attempt), public, session.data.labels)


def by_hand(session: Session, attempt: int) -> Handwritten:
    """The valid rows of an attempt that stand in no teacher reply, and are no seeds."""
    rows = session.journal.accepted_rows(attempt)
    answered = {call: session.journal.answered(call) for row in rows for call in row.calls}
    replies = {call: reply.text for call, reply in answered.items() if reply}
    return handwritten(rows, replies, session.data.seeds)


def announce_card(session: Session, number: int, attempt: int) -> None:
    """Journal the card of a submission, with its warnings in words."""
    card, own = card_of(session, attempt), by_hand(session, attempt)
    warnings = card.warnings()
    if own.count:
        warnings.append(f"{own.share:.0%} of rows are in no teacher reply".replace("%", " %"))
    session.journal.event(
        "diversity", number, attempt=attempt, card=card.to_json(), handwritten=own.share, warnings=warnings
    )
