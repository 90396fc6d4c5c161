"""The sealed exam: the private items are opened once, for the best round and the untrained student."""

from __future__ import annotations

from dataclasses import asdict

from toolkit.evaluation.acceptance import Verdict, verdict
from toolkit.evaluation.statistics import paired
from toolkit.stages.accept import better_baseline
from toolkit.stages.evaluate import baseline_sittings, sit, trained_sitting
from toolkit.stages.session import Session

REASON = "final exam"
NOTHING_TO_EXAMINE = (
    "Cannot tell: no round was better than the untrained student by more than the noise on `gate`, "
    "so the exam stays sealed."
)


def exam(session: Session, best: int | None) -> Verdict | None:
    """Sit the exam and say whether it helped. Without an accepted round the exam stays sealed."""
    if best is None:
        session.journal.event("log", text=NOTHING_TO_EXAMINE)
        session.journal.set_meta("verdict", {"word": "cannot tell", "sentence": NOTHING_TO_EXAMINE, "student": None})
        return None
    student = f"round-{best}"
    with session.stage("exam"):
        items = session.data.sealed.open(session.journal, REASON)
        sit(session, baseline_sittings(session, "private", items))
        adapter = session.folder / "adapters" / student
        sit(session, [trained_sitting(session, student, "private", items)], adapter)
    rival = better_baseline(session, "private")
    outcomes = session.journal.outcomes
    found = verdict(paired(outcomes(student, "private"), outcomes(rival, "private")), student, rival)
    session.journal.set_meta("verdict", {**asdict(found), "student": student})
    session.journal.event("verdict", best, **asdict(found))
    return found
