"""What a report tells, read from the journal and the run's folder. Nothing here opens the sealed items."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from toolkit.data.meanings import FILE as MEANINGS
from toolkit.data.prepare import FOLDER as DATA
from toolkit.data.sealed import Sealed
from toolkit.errors import ModelError, SchoolhouseError
from toolkit.evaluation.scorers import exact_label
from toolkit.evaluation.statistics import score_of
from toolkit.journal import JournalReader, Record
from toolkit.models.catalog import entry
from toolkit.recipe import Recipe
from toolkit.run.arms import siblings
from toolkit.run.compare import compare
from toolkit.run.lineage import lineage
from toolkit.run.rounds import gate_gains
from toolkit.run.run import Run
from toolkit.run.students import run_recipe
from toolkit.types import Item, Outcome, Score

MOST_SKILLS = 40
MOST_EXAMPLES = 2
OTHER = "another answer"
PAGE = 1000


@dataclass(frozen=True)
class Confusions:
    """How a student's answers are spread over the labels."""

    student: str
    split: str
    labels: list[str]
    answers: list[str]
    counts: dict[tuple[str, str], int]

    def worst(self, most: int = 8) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: right label, answer, count."""
        wrong = [(name, answer, count) for (name, answer), count in self.counts.items() if name != answer]
        return sorted(wrong, key=lambda one: (-one[2], one))[:most]


class Facts:
    """A run's figures. Scores by skill and the confusions are of `private` after the exam, of `public` before."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.reader: JournalReader = run.reader

    @cached_property
    def summary(self) -> dict[str, Any]:
        return self.run.summary()

    @cached_property
    def recipe(self) -> Recipe:
        return run_recipe(self.run)

    @property
    def examined(self) -> bool:
        return bool(self.summary["exam"])

    @property
    def split(self) -> str:
        """Where students are looked at closely."""
        return "private" if self.examined else "public"

    @cached_property
    def student(self) -> str | None:
        """The student that stands for the run: the examined one, else the best or the newest."""
        if self.examined:
            return str(self.summary["exam"]["student"])
        scored = [found["round"] for found in self.summary["rounds"] if found["public"]["n"]]
        number = self.run.best_round or (scored[-1] if scored else None)
        return f"round-{number}" if number else None

    @cached_property
    def rival(self) -> str:
        """The untrained student that it is compared with."""
        if self.examined:
            return str(self.summary["exam"]["baseline"])
        return max(map(str, self.summary["baselines"]), key=lambda name: self.score(name, self.split).value)

    def score(self, student: str, split: str) -> Score:
        return score_of(self.run.outcomes(student, split))

    @cached_property
    def skills(self) -> list[tuple[str, Score | None, Score | None]]:
        """Skill, the trained student's score, the untrained one's; the weakest first."""
        if not self.student:
            return []
        new, old = (_by_skill(self.run.outcomes(name, self.split)) for name in (self.student, self.rival))
        names = sorted(new, key=lambda name: (score_of(new[name]).value, name))
        return [
            (name, score_of(new[name]), score_of(old[name]) if name in old else None) for name in names[:MOST_SKILLS]
        ]

    @cached_property
    def confusions(self) -> Confusions | None:
        """For label tasks: what the student took for what. Skills are labels there."""
        labels = list(self.recipe.labels)
        if self.recipe.file.task.answer != "label" or not self.student:
            return None
        counts: Counter[tuple[str, str]] = Counter()
        for outcome in self.run.outcomes(self.student, self.split):
            counts[outcome.skill, _label_of(outcome.answer, labels)] += 1
        if not counts:
            return None
        seen = [name for name in labels if any(expected == name for expected, _ in counts)]
        others = [OTHER] if any(answer == OTHER for _, answer in counts) else []
        return Confusions(self.student, self.split, seen, [*seen, *others], dict(counts))

    @cached_property
    def cards(self) -> dict[int, Record]:
        """Round -> the diversity card of its submission, with warnings and the hand-written share."""
        found = {event["data"]["attempt"]: event["data"] for event in self.events("diversity")}
        return {one["number"]: found[one["attempt"]] for one in self.run.rounds if one["attempt"] in found}

    @cached_property
    def funnel(self) -> list[tuple[str, int]]:
        """From the teacher's calls to the rows that the student was trained on."""
        rows, rounds = self.summary["rows"], self.summary["rounds"]
        rejected = sum(rows["rejected"].values())
        few = rows["rejected"].get("too_few_rows", 0)
        steps = [
            ("replies of the teacher", self.summary["calls"]),
            ("rows submitted", rows["accepted"] + rejected),
            ("rows that passed every check", rows["accepted"] + few),
            ("rows in submissions that were large enough", rows["accepted"]),
        ]
        of = {f"round-{found['round']}": found["trained_on"] for found in rounds}
        if self.student in of:
            steps.append((f"rows that {self.student} was trained on", of[self.student]))
        return steps

    @cached_property
    def gains(self) -> list[dict[str, Any]]:
        return gate_gains(self.run)

    @cached_property
    def arms(self) -> dict[str, Any] | None:
        """The comparison of the run's series; None without other arms that have a scored student."""
        others = list(siblings(self.run).values())
        try:
            return compare(others) if len(others) > 1 else None
        except SchoolhouseError:  # an arm has not come so far yet
            return None

    @cached_property
    def lineage(self) -> list[dict[str, Any]]:
        """Rounds with the batches that they were trained on, and how skills changed."""
        rounds: list[dict[str, Any]] = lineage(self.run)["rounds"]
        return rounds

    @cached_property
    def splits(self) -> dict[str, int]:
        """How many items each split has."""
        folder = self.run.folder / DATA
        counts = {name: _lines(folder / f"{name}.jsonl") for name in ("public", "gate")}
        return {**counts, "private": Sealed(folder).count}

    @property
    def embeddings(self) -> bool:
        return (self.run.folder / DATA / MEANINGS).is_file()

    @cached_property
    def models(self) -> list[dict[str, str]]:
        """Teacher, engineer and student: name, licence, SHA-256 of the weights; empty where it is not known."""
        file = self.recipe.file
        named = {"teacher": file.teacher.model, "student": file.student.model}
        if file.engineer.asks and file.engineer.model:
            named["engineer"] = file.engineer.model
        return [{"role": role, "name": name, **_weights(name)} for role, name in named.items()]

    @cached_property
    def adapters(self) -> list[tuple[str, str]]:
        """Trained students with the SHA-256 of their adapter's weights, as they lie in the run's folder."""
        found = sorted((self.run.folder / "adapters").glob("*/*.safetensors"))
        return [(path.parent.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in found]

    def turned_away(self, reason: str) -> list[str]:
        """Texts that were turned away. Of a leak only id and similarity: the text may be a sealed item's."""
        rows = [row for row in self.reader.rows() if row["status"] != "accepted" and row["reason"] == reason]
        return [row["detail"] if reason == "leak" else f"“{row['input']}”" for row in rows[:MOST_EXAMPLES]]

    def examples(self, most: int = 6) -> list[Record]:
        """A few accepted rows, spread over all of them."""
        rows = self.reader.rows(status="accepted")
        return rows[:: max(1, len(rows) // most)][:most]

    def events(self, *kinds: str) -> Iterator[Record]:
        after = 0
        while page := self.reader.events(after, PAGE):
            yield from (event for event in page if event["kind"] in kinds)
            after = page[-1]["id"]


def _by_skill(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.skill, []).append(outcome)
    return found


def _label_of(answer: str, labels: Sequence[str]) -> str:
    """The label that an answer is, as the scorer reads it."""
    return next((label for label in labels if exact_label(Item("", "public", "", label), answer)), OTHER)


def _lines(path: Path) -> int:
    return sum(1 for line in path.read_text(encoding="utf-8").split("\n") if line) if path.is_file() else 0


def _weights(name: str) -> dict[str, str]:
    try:
        found = entry(name.partition("/")[2] or name)
    except ModelError:
        return {"licence": "", "sha256": ""}
    return {"licence": found.licence, "sha256": found.sha256}
