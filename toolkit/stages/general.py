"""Against forgetting: general rows beside the lessons, as many for each lesson row as `train.replay` says.

They practise what the probe asks for, in other words and with other answers: no row is near an item of the probe. They
are not lessons: they cost none of the budget, and no round, label or attempt counts them.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.evaluation.probe import probe_prompt
from toolkit.training.trainer import Example
from toolkit.types import Row

if TYPE_CHECKING:
    from toolkit.journal import JournalReader
    from toolkit.stages.session import Session

FILE = "general.jsonl"
ORIGIN = "general"


@cache
def general_rows() -> tuple[Row, ...]:
    """All of them, skills in turn, so that any beginning has as many of each."""
    lines = Path(__file__).with_name(FILE).read_text(encoding="utf-8").splitlines()
    rows = [Row(r["input"], r["output"], r["skill"], (), {"origin": ORIGIN}) for r in map(json.loads, lines)]
    seen: Counter[str] = Counter()
    places: dict[str, int] = {}
    for row in rows:
        places[row.id] = seen[row.skill]
        seen[row.skill] += 1
    return tuple(sorted(rows, key=lambda row: places[row.id]))


def replayed(share: float, lessons: int) -> list[Row]:
    """The rows that stand beside so many lesson rows; after the last one the first comes again."""
    rows = general_rows()
    return [rows[place % len(rows)] for place in range(round(share * lessons))]


def general_examples(session: Session, lessons: int) -> list[Example]:
    """What is mixed into a training on so many lesson rows; nothing unless the recipe says so."""
    return [Example(probe_prompt(row.input), row.output) for row in _rows(session, lessons)]


def note_general(session: Session, number: int, lessons: int) -> None:
    """Journal which general rows round `number` is trained on, once."""
    counts, rows = general_counts(session.journal), _rows(session, lessons)
    if rows and number not in counts:
        listed = {row.id: [row.skill, row.input, row.output] for row in rows}
        share = session.recipe.file.train.replay
        session.journal.event(ORIGIN, number, origin=ORIGIN, share=share, count=len(rows), rows=list(listed.values()))
        session.journal.set_meta(ORIGIN, {**counts, number: len(rows)})


def general_counts(journal: JournalReader) -> dict[int, int]:
    """Round -> how many general rows it was trained on; only rounds that had some."""
    return {int(number): count for number, count in journal.meta(ORIGIN, {}).items()}


def _rows(session: Session, lessons: int) -> list[Row]:
    """Without those that are too close to an evaluation item of this recipe."""
    share = session.recipe.file.train.replay
    if not share:
        return []
    firewall = session.firewall()
    return [row for row in replayed(share, lessons) if not firewall.check(row.input)]
