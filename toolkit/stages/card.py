"""The card of a submission: how varied its rows are, and how many of them the teacher did not write."""

from __future__ import annotations

from toolkit.data.diversity import DiversityCard, diversity_card
from toolkit.data.handwritten import handwritten
from toolkit.stages.session import Session


def card_of(session: Session, attempt: int) -> DiversityCard:
    """The variety of an attempt's valid rows."""
    public = [item.input for item in session.data.public]
    return diversity_card(session.journal.accepted_rows(attempt), public, session.data.labels)


def announce_card(session: Session, number: int, attempt: int) -> None:
    """Journal the card of a submission, with its warnings in words."""
    rows = session.journal.accepted_rows(attempt)
    answered = {call: session.journal.answered(call) for row in rows for call in row.calls}
    by_hand = handwritten(rows, {call: reply.text for call, reply in answered.items() if reply})
    card = card_of(session, attempt)
    warnings = card.warnings()
    if by_hand.count:
        warnings.append(f"{by_hand.share:.0%} of rows are in no teacher reply".replace("%", " %"))
    session.journal.event(
        "diversity", number, attempt=attempt, card=card.to_json(), handwritten=by_hand.share, warnings=warnings
    )
