"""What the students answered: read from the journal, item texts only of splits that a person may see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.doors.judging import JudgingDoor, is_judged
from tui.doors.rows import labels_of
from tui.doors.verdicts import VerdictsDoor

if TYPE_CHECKING:
    from toolkit.journal import JournalReader
    from tui.evaluation import Evaluation
    from tui.state import Status


class EvaluationDoor(JudgingDoor, VerdictsDoor):
    """What the Evaluation screen asks. Every method may block."""

    def evaluation(self, reader: JournalReader, status: Status, split: str) -> Evaluation:
        """How all students did on a split. Before the exam `private` is empty, and `gate` has no texts or answers."""
        from toolkit.data.sealed import times_opened
        from toolkit.types import exam_was_sat
        from tui.evaluation import Evaluation, in_order, item_lines

        verdict = reader.meta("verdict") or {}
        sat = exam_was_sat(verdict)
        seen = ("public", "gate", "probe", *(("private",) if sat else ()))
        scored = [(student, name) for student, name in reader.scored() if name in seen]
        students = in_order([student for student, name in scored if name == split])
        outcomes = {student: reader.outcomes(student, split) for student in students}
        texts = _items(reader.folder, split, sat)
        rounds = [found for found in reader.rounds() if found["decision"] == "accepted"]
        return Evaluation(
            split=split,
            status=status,
            splits=tuple(name for name in seen if any(name == one for _, one in scored)),
            students=tuple(students),
            items=item_lines(outcomes, texts, answers_shown=split != "gate" or sat),
            labels=labels_of(reader.folder),
            verdict=verdict,
            read=self.was_read(reader),
            best=str(verdict.get("student") or (f"round-{rounds[-1]['number']}" if rounds else "")),
            sealed=_sealed(reader.folder),
            opened=times_opened(reader),
            judged=is_judged(reader),
        )

    def interval(self, scores: Sequence[float]) -> tuple[float, float, float]:
        """Mean and 95 % interval of some items' scores."""
        from toolkit.evaluation.statistics import wilson

        mean = sum(scores) / len(scores)
        return (mean, *wilson(mean, len(scores)))


def _items(folder: Path, split: str, sat: bool) -> dict[str, Any]:
    """The items by id; none of a split whose texts are not to be shown."""
    from toolkit.data.prepare import FOLDER
    from toolkit.data.sealed import read_items
    from toolkit.evaluation.probe import probe_items

    if split == "probe":
        return {item.id: item for item in probe_items()}
    path = folder / FOLDER / f"{split}.jsonl"
    open_to_all = split == "public" or (split == "gate" and sat)
    return {item.id: item for item in read_items(path)} if open_to_all and path.is_file() else {}


def _sealed(folder: Path) -> int:
    from toolkit.data.prepare import FOLDER
    from toolkit.data.sealed import Sealed
    from toolkit.errors import JournalError

    try:
        return Sealed(folder / FOLDER).count
    except JournalError:
        return 0
