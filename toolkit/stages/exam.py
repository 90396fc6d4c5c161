"""The sealed exam: the private items are opened once, for the best round and the untrained student."""

from __future__ import annotations

from dataclasses import asdict

from toolkit.evaluation.statistics import Paired, paired
from toolkit.evaluation.verdict import Verdict, verdict
from toolkit.stages.accept import better_baseline
from toolkit.stages.evaluate import BASELINES, baseline_sittings, sit, trained_sitting
from toolkit.stages.session import Session
from toolkit.types import Item

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
    others = [_against(session, student, name, items).p_value for name in BASELINES if name != rival]
    # a crash in the middle of an exam opens the items again for the same reason: that is one look
    openings = len({opening["reason"] for opening in session.journal.openings("private")})
    found = verdict(_against(session, student, rival, items), student, rival, others, openings)
    session.journal.set_meta("verdict", {**asdict(found), "student": student})
    session.journal.event("verdict", best, **asdict(found))
    return found


def _against(session: Session, student: str, baseline: str, items: list[Item]) -> Paired:
    """The student and a baseline on the private items; those of one source count as one cluster."""
    outcomes = session.journal.outcomes
    sources = {item.id: str(item.meta["source"]) for item in items if item.meta.get("source")}
    return paired(outcomes(student, "private"), outcomes(baseline, "private"), sources)
