"""A recorded run whose students' answers are in the journal, item by item, with the items beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from recorded import MESSAGES, SENTENCE, Recorder

from toolkit.data.prepare import DONE, FOLDER
from toolkit.data.sealed import EXAM, Sealed, as_lines
from toolkit.types import Item, Outcome, SplitName

LABELS = [skill for skill, _ in MESSAGES]
SECRET = "nobody may read this"
STUDENTS = (("zero-shot", 0), ("few-shot", 1), ("round-1", 4), ("round-2", 6))
"""Each with how many of eight items it gets right."""


def items_of(split: SplitName, each: int = 3) -> list[Item]:
    texts = {"gate": f"gate: {SECRET}", "private": f"private: {SECRET}"}
    return [
        Item(f"{split[:2]}{number:02}-{copy}", split, f"{texts.get(split, text)} ({copy})", skill, skill)
        for number, (skill, text) in enumerate(MESSAGES)
        for copy in range(each)
    ]


def write_items(folder: Path) -> None:
    (folder / FOLDER).mkdir()
    for split in ("public", "gate"):
        path = folder / FOLDER / f"{split}.jsonl"
        path.write_text(as_lines(items_of(split)), encoding="utf-8")  # type: ignore[arg-type]
    Sealed.write(folder / FOLDER, items_of("private"))
    done = {"labels": dict.fromkeys(LABELS, ""), "dropped": {}}
    (folder / FOLDER / DONE).write_text(json.dumps(done), encoding="utf-8")


def answer(recorder: Recorder, student: str, split: SplitName, right: int) -> None:
    """Of each eight labels the first `right` are answered rightly; the others with the label after them."""
    found = []
    for number, item in enumerate(items_of(split)):
        place = number // 3
        said = item.output if (place + number % 3) % 8 < right else LABELS[(place + 1) % 8]
        found.append(Outcome(item.id, said, float(said == item.output), item.skill))
    recorder.journal.outcomes_of(student, split, found)


def answered(folder: Path, students: Sequence[tuple[str, int]] = STUDENTS, *, exam: bool = False) -> Recorder:
    """A run of two rounds; with `exam` it has ended. The writer stays open."""
    recorder = Recorder(folder)
    recorder.__enter__()
    recorder.begin()
    write_items(folder)
    for student, right in students:
        if student.startswith("round"):
            number = int(student[-1])
            recorder.generate(number, 40)
            recorder.train(number)
            recorder.evaluate(number)
        for split in ("public", "gate"):
            answer(recorder, student, split, right)  # type: ignore[arg-type]
    if exam:
        recorder.journal.opened("private", EXAM)
        for student, right in students:
            answer(recorder, student, "private", right)
        recorder.exam()
        evidence = "exact McNemar: better on 20, worse on 2 of 24 items, p < 0.0001"
        verdict = {"word": "helped", "sentence": SENTENCE, "student": "round-2", "evidence": evidence}
        recorder.journal.set_meta("verdict", verdict)
    return recorder
