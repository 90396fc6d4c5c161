"""The sealed exam: the private items are opened once, for the best round and the untrained student.

A later look is possible, for a reason. It is counted, and what is found then is marked as spent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from toolkit.data.sealed import require_exam, times_opened
from toolkit.errors import JournalError
from toolkit.evaluation.statistics import Paired, paired, spread
from toolkit.evaluation.verdict import Verdict, verdict
from toolkit.stages.accept import better_baseline, keep_sources, lost
from toolkit.stages.evaluate import baseline_sittings, score, sit, trained_sitting
from toolkit.stages.session import Session
from toolkit.stages.train import adapter_of, train_seeds
from toolkit.types import BASELINES, Item

NOTHING_TO_EXAMINE = (
    "Cannot tell: no round was better than the untrained student by more than the noise on `gate`{}, "
    "so the exam stays sealed."
)


def exam(session: Session, best: int | None) -> Verdict | None:
    """Sit the exam and say whether it helped. Without an accepted round the exam stays sealed."""
    if best is None:
        sentence = NOTHING_TO_EXAMINE.format(_without_forgetting(session))
        session.journal.event("log", text=sentence)
        session.journal.set_meta("verdict", {"word": "cannot tell", "sentence": sentence, "student": None})
        return None
    again = train_seeds(session, best)  # before the seal is broken: nothing is trained after it
    with session.stage("exam"):
        found = _examine(session, best, session.data.sealed.open_for_exam(session.journal), again)
    said = {**asdict(found), "student": f"round-{best}"}
    if again:
        said["spread"] = _spread(session, [f"round-{best}", *again])
    session.journal.set_meta("verdict", said)
    session.journal.event("verdict", best, **asdict(found))
    return found


def exam_again(session: Session, number: int, reason: str) -> Verdict:
    """Let another round sit on the items that the exam has spent; the run's verdict stays what it was.

    Raises JournalError before the exam, and for a round without a student; ValueError without a reason.
    """
    require_exam(session.journal)
    if not any(found["number"] == number and found["adapter"] for found in session.journal.rounds()):
        raise JournalError(f"round {number} has no trained student", f"schoolhouse show {session.folder.name}")
    with session.stage("exam"):
        items = session.data.sealed.open(session.journal, reason)
        found = _examine(session, number, items, {}, [session.journal.meta("verdict"), *_later(session)])
    said = {**asdict(found), "student": f"round-{number}", "reason": reason}
    session.journal.set_meta("later_verdicts", [*_later(session), said])
    session.journal.event("verdict", number, **asdict(found))
    return found


def _examine(
    session: Session,
    number: int,
    items: Sequence[Item],
    again: Mapping[str, Path],
    earlier: Sequence[Mapping[str, Any]] = (),
) -> Verdict:
    """Ask, and compare with the better untrained student.

    Args:
        again: students of the same round with other training seeds, who are only scored.
        earlier: the verdicts that were given on these items before, which count as comparisons too.
    """
    student = f"round-{number}"
    sit(session, baseline_sittings(session, "private", items))
    for name, adapter in {student: adapter_of(session, student), **again}.items():
        sit(session, [trained_sitting(session, name, "private", items)], adapter)
    sources = keep_sources(session, items)
    rival = better_baseline(session, "private")
    others = [_against(session, student, name, sources).p_value for name in BASELINES if name != rival]
    others += [one["p_value"] for one in earlier]
    comparison = _against(session, student, rival, sources)
    return verdict(comparison, student, rival, others, times_opened(session.journal))


def _without_forgetting(session: Session) -> str:
    blocks = session.recipe.file.acceptance.probe == "block"
    forgot = blocks and any(lost(session, found["number"]) for found in session.journal.rounds())
    return " without forgetting what it knew" if forgot else ""


def _later(session: Session) -> list[dict[str, Any]]:
    return list(session.journal.meta("later_verdicts", []))


def _spread(session: Session, students: list[str]) -> dict[str, Any]:
    """Scores on the sealed items of students that differ in their training seed only."""
    scores = {name: score(session.journal, name, "private").value for name in students}
    found = spread(list(scores.values()))
    return {**asdict(found), "words": str(found), "scores": scores}


def _against(session: Session, student: str, baseline: str, sources: Mapping[str, str]) -> Paired:
    """The student and a baseline on the private items; those of one source count as one cluster."""
    outcomes = session.journal.outcomes
    return paired(outcomes(student, "private"), outcomes(baseline, "private"), sources)
