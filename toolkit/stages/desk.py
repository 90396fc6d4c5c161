"""The labelling desk: students' answers to public items for a person to call right or wrong, so that a judge may count.

A run whose judge has no labels yet leaves such answers in its folder and stops; later ones are in the journal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path

from toolkit.data.prepare import FOLDER
from toolkit.data.sealed import read_items
from toolkit.evaluation.judge.judge import LONGEST
from toolkit.evaluation.scorers.text import folded, spoken
from toolkit.journal import JournalReader
from toolkit.paths import write_text
from toolkit.types import Item, digest

ANSWERS_FILE = "judge-answers.jsonl"
MOST = 200
"""Answers on a desk."""
EACH = 60
"""Answers of one student that a run leaves for the desk."""


@dataclass(frozen=True, slots=True)
class DeskAnswer:
    """An answer as a judge reads it. `group` is only for mixing: who answered, and what the judge said of it."""

    question: str
    answer: str
    reference: str
    group: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.question, self.answer


def desk_answer(item: Item, answer: str, group: str = "") -> DeskAnswer | None:
    """None where a judge is not asked: silence, and the reference itself."""
    said = spoken(answer)[:LONGEST]
    asked = said and folded(said) != folded(item.output)
    return DeskAnswer(item.input, said, item.output, group) if asked else None


def leave_answers(folder: Path, answers: Iterable[DeskAnswer]) -> None:
    """Put answers that nothing has scored yet on the desk of the run in `folder`."""
    write_text(folder / ANSWERS_FILE, "".join(json.dumps(asdict(answer)) + "\n" for answer in answers))


def spread(items: Sequence[Item]) -> list[Item]:
    """At most EACH items, from all over the list."""
    step = max(1, -(-len(items) // EACH))
    return list(items[::step])


def desk_answers(reader: JournalReader) -> list[DeskAnswer]:
    """What a person may label: answers to public items, each once, mixed, in the same order every time."""
    path = reader.folder / FOLDER / "public.jsonl"
    public = {item.id: item for item in read_items(path)} if path.is_file() else {}
    found: dict[tuple[str, str], DeskAnswer] = {}
    for answer in chain(_scored(reader, public), _left(reader.folder)):
        found.setdefault(answer.key, answer)
    return _mixed(list(found.values()))[:MOST]


def _scored(reader: JournalReader, public: Mapping[str, Item]) -> list[DeskAnswer]:
    students = [student for student, split in reader.scored() if split == "public"]
    outcomes = [(student, one) for student in students for one in reader.outcomes(student, "public")]
    pairs = [
        desk_answer(public[one.item_id], one.answer, f"{one.score:.1f} {student}")
        for student, one in outcomes
        if one.item_id in public
    ]
    return [answer for answer in pairs if answer]


def _left(folder: Path) -> list[DeskAnswer]:
    """The answers that the run left; a file that is damaged counts as none."""
    try:
        lines = (folder / ANSWERS_FILE).read_text(encoding="utf-8").splitlines()
        return [DeskAnswer(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError):
        return []


def _mixed(answers: Sequence[DeskAnswer]) -> list[DeskAnswer]:
    """One of each group in turn, so that right and wrong ones, of all students, come early."""
    groups: dict[str, list[DeskAnswer]] = {}
    for answer in sorted(answers, key=lambda one: digest(list(one.key))):
        groups.setdefault(answer.group, []).append(answer)
    rounds = zip_longest(*(groups[name] for name in sorted(groups)))
    return [answer for one in rounds for answer in one if answer]
