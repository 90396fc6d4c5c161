"""Evaluate: the student answers, the scorer scores, each outcome is journaled as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from toolkit.errors import SchoolhouseError
from toolkit.evaluation.probe import probe_items, probe_prompt
from toolkit.evaluation.prompts import pick_shots
from toolkit.evaluation.scorers import open_scorer
from toolkit.evaluation.statistics import score_of
from toolkit.journal import JournalReader
from toolkit.stages.borrow import borrow
from toolkit.stages.desk import ANSWERS_FILE, DeskAnswer, desk_answer, leave_answers, spread
from toolkit.stages.judging import JudgeScorer, release_scorer
from toolkit.stages.session import Session
from toolkit.stages.sitting import Sitting
from toolkit.students.student import Student, open_student
from toolkit.types import Item, Outcome, Score, SplitName

BATCH_OF_OUTCOMES = 16
PROBE_TOKENS = 24


def evaluate_baselines(session: Session) -> None:
    """The untrained student at its best: with the labels in the prompt, and with examples too."""
    with session.stage("baseline"):
        public = baseline_sittings(session, "public", session.data.public)
        gate = baseline_sittings(session, "gate", session.data.gate)
        sit(session, [*public, *gate, *_probe_sittings(session, "zero-shot")])


def evaluate_round(session: Session, number: int, adapter: Path) -> None:
    """The trained student on `public`, `gate` and `probe`."""
    with session.stage("evaluate", number):
        name = f"round-{number}"
        splits: list[tuple[SplitName, Sequence[Item]]] = [("public", session.data.public), ("gate", session.data.gate)]
        sittings = [trained_sitting(session, name, split, items) for split, items in splits]
        sit(session, [*sittings, *_probe_sittings(session, name)], adapter)


def baseline_sittings(session: Session, split: SplitName, items: Sequence[Item]) -> list[Sitting]:
    """Zero-shot and few-shot on a split; the examples are public items, which are then not asked."""
    prompts, most, choices = session.prompts, session.recipe.file.student.max_new_tokens, session.recipe.closed_answers
    shots = pick_shots(session.data.public, session.data.labels)
    shown = {shot.id for shot in shots}
    unseen = [item for item in items if item.id not in shown]
    return [
        Sitting("zero-shot", split, items, prompts.zero_shot, most, choices),
        Sitting("few-shot", split, unseen, lambda text: prompts.few_shot(shots, text), most, choices),
    ]


def trained_sitting(session: Session, student: str, split: SplitName, items: Sequence[Item]) -> Sitting:
    """A trained student on a split, with the prompt it was trained on."""
    most, choices = session.recipe.file.student.max_new_tokens, session.recipe.closed_answers
    return Sitting(student, split, items, session.prompts.trained, most, choices)


def _probe_sittings(session: Session, student: str) -> list[Sitting]:
    """The forgetting probe, unless the recipe has turned it off."""
    if session.recipe.file.acceptance.probe == "off":
        return []
    return [Sitting(student, "probe", probe_items(), probe_prompt, PROBE_TOKENS)]


def sit(session: Session, sittings: Sequence[Sitting], adapter: Path | None = None) -> None:
    """Ask what has not been answered yet; the student is started only if there is something to ask."""
    with ExitStack() as stack:
        stack.callback(release_scorer, session)
        _ask_for_labels(session, sittings, stack, adapter)
        student: Student | None = None
        for sitting in sittings:
            missing = _missing(session, sitting)
            news = bool(missing)
            if missing and adapter is None and borrow(session, sitting):
                missing = _missing(session, sitting)
            if missing:
                student = student or _open(session, stack, adapter)
                _ask(session, student, sitting, missing)
            _announce(session, sitting, news=news)


def _ask_for_labels(session: Session, sittings: Sequence[Sitting], stack: ExitStack, adapter: Path | None) -> None:
    """Where a judge lacks a person's labels: leave public answers to label on the desk. Raises SchoolhouseError."""
    judged = [sitting for sitting in sittings if sitting.split != "probe" and _missing(session, sitting)]
    if not judged or not isinstance(session.scorer, JudgeScorer):
        return
    try:
        session.scorer.enough_labels()
    except SchoolhouseError:
        public = [sitting for sitting in judged if sitting.split == "public"]
        if public and not (session.folder / ANSWERS_FILE).is_file():
            student = _open(session, stack, adapter)
            leave_answers(session.folder, [one for sitting in public for one in _for_desk(student, sitting)])
        raise


def _for_desk(student: Student, sitting: Sitting) -> list[DeskAnswer]:
    items = spread(sitting.items)
    prompts = [sitting.prompt(item.input) for item in items]
    given = student.answer(prompts, max_new_tokens=sitting.max_new_tokens, choices=sitting.choices)
    found = [desk_answer(items[index], answer, sitting.student) for index, answer in given]
    return [answer for answer in found if answer]


def score(journal: JournalReader, student: str, split: SplitName) -> Score:
    """A student's score on a split, from the journal."""
    return score_of(journal.outcomes(student, split))


def _missing(session: Session, sitting: Sitting) -> list[Item]:
    answered = {outcome.item_id for outcome in session.journal.outcomes(sitting.student, sitting.split)}
    return [item for item in sitting.items if item.id not in answered]


def _open(session: Session, stack: ExitStack, adapter: Path | None) -> Student:
    file, log = session.recipe.file, session.folder / "student.log"
    student = open_student(file.student.backend, session.student_gguf, adapter, log, context=file.student_context)
    stack.callback(student.close)
    return student


def _ask(session: Session, student: Student, sitting: Sitting, items: Sequence[Item]) -> None:
    scorer = open_scorer("probe", session.note_once) if sitting.split == "probe" else session.scorer
    prompts = [sitting.prompt(item.input) for item in items]
    waiting: list[Outcome] = []
    most, choices = sitting.max_new_tokens, sitting.choices
    for index, answer in student.answer(prompts, max_new_tokens=most, choices=choices):
        item = items[index]
        waiting.append(Outcome(item.id, answer, scorer(item, answer), item.skill))
        if len(waiting) >= BATCH_OF_OUTCOMES:
            session.journal.outcomes_of(sitting.student, sitting.split, waiting)
            waiting.clear()
            session.safe_point()
    session.journal.outcomes_of(sitting.student, sitting.split, waiting)


def _announce(session: Session, sitting: Sitting, *, news: bool) -> None:
    if news:
        found = score(session.journal, sitting.student, sitting.split)
        session.journal.event("score", student=sitting.student, split=sitting.split, **found.to_json())
