"""Runs side by side: scores with intervals, paired differences, and what differs in their recipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from toolkit.data.prepare import FOLDER as DATA
from toolkit.data.sealed import Sealed, times_opened
from toolkit.errors import SchoolhouseError
from toolkit.evaluation.statistics import Paired, holm, in_words, paired, score_of
from toolkit.evaluation.verdict import SIGNIFICANCE
from toolkit.run.arms import siblings
from toolkit.run.rounds import better_untrained
from toolkit.run.run import Run
from toolkit.run.students import run_recipe
from toolkit.stages.borrow import DECISIVE
from toolkit.types import BASELINES, Json, Outcome, SplitName

Comparison = dict[str, Any]
BELOW_TWO = "schoolhouse compare RUN RUN, or schoolhouse run RECIPE --arms iterative,control"


@dataclass(frozen=True)
class Contestant:
    """A run with the student that stands for it.

    On `private` the one that sat the exam, or the better untrained one where the exam stayed sealed: that is what such
    a run leads to. On `gate` the newest best one.
    """

    name: str
    run: Run
    student: str
    outcomes: Sequence[Outcome]
    recipe: dict[str, Json]

    @property
    def sealed(self) -> bool:
        return self.student in BASELINES


Pair = tuple[Contestant, Contestant, Paired]


def runs_to_compare(names: Sequence[str]) -> list[Run]:
    """The named runs; of a single one, all arms of its series. Raises SchoolhouseError for fewer than two."""
    runs = [Run.open(name) for name in names]
    if len(runs) == 1:
        runs = list(siblings(runs[0]).values()) or runs
    if len({run.folder.resolve() for run in runs}) < max(2, len(runs)):
        raise SchoolhouseError("a comparison needs two or more different runs", BELOW_TWO)
    return runs


def compare(runs: Sequence[Run]) -> Comparison:
    """Keys: split, untrained (the first run's baselines), runs, comparisons, recipe (what differs, by key), notes.

    On `private` when every run has come to its end and one has sat its exam, else on `gate`, which also chose the
    rounds. The p-values of all pairs are corrected together (Holm). Raises SchoolhouseError when there is nothing in
    common to compare.
    """
    names = _names(runs)
    entries = _on_private(runs, names)
    split: SplitName = "private" if entries else "gate"
    entries = entries or [_on_gate(run, name) for run, name in zip(runs, names, strict=True)]
    pairs = [(new, old, _paired(new, old)) for new, old in combinations(entries, 2)]
    for new, old, found in pairs:
        if not found.n:
            fix = "compare runs of one recipe with the same data, such as arms"
            raise SchoolhouseError(f"{new.name} and {old.name} have no {split} item in common", fix)
    asked = next((run for run in runs if run.outcomes(BASELINES[0], split)), runs[0])
    adjusted = holm([found.p_value for _, _, found in pairs])
    changed = _changed(entries)
    return {
        "split": split,
        "untrained": {name: score_of(asked.outcomes(name, split)).to_json() for name in BASELINES},
        "runs": [_entry(entry) for entry in entries],
        "comparisons": [_pair(*pair, p, changed) for pair, p in zip(pairs, adjusted, strict=True)],
        "recipe": changed,
        "notes": _notes(entries, pairs, split),
    }


def _names(runs: Sequence[Run]) -> list[str]:
    """The arms' names, when all are arms of one series; else the runs'."""
    series = [run.reader.meta("series") or {} for run in runs]
    together = len({found.get("id") for found in series}) == 1 and all(series)
    return [found["arm"] for found in series] if together else [run.name for run in runs]


def _on_private(runs: Sequence[Run], names: Sequence[str]) -> list[Contestant]:
    """What each run led to, on the sealed items; empty when one is not so far, or no exam tells about its items."""
    found = []
    for run, name in zip(runs, names, strict=True):
        sat = run if _examined(run) else _sat_for(run, runs)
        if sat is None:
            return []
        student = _examined(run) or better_untrained(sat, "private")
        found.append(Contestant(name, run, student, sat.outcomes(student, "private"), run_recipe(run).values()))
    return found


def _examined(run: Run) -> str | None:
    """The student that has its verdict from the sealed exam."""
    found: str | None = (run.reader.meta("verdict") or {}).get("student")
    return found


def _sat_for(run: Run, runs: Sequence[Run]) -> Run | None:
    """A run that sat its exam with the items and the untrained students of this one, whose own stayed sealed."""
    if not run.reader.meta("verdict"):
        return None
    others = [other for other in [*runs, *siblings(run).values()] if _examined(other)]
    return next((other for other in others if _alike(other, run)), None)


def _alike(one: Run, other: Run) -> bool:
    first, second = run_recipe(one).values(), run_recipe(other).values()
    if any(first[section] != second[section] for section in DECISIVE):
        return False
    return Sealed(one.folder / DATA).fingerprints() == Sealed(other.folder / DATA).fingerprints()


def _on_gate(run: Run, name: str) -> Contestant:
    trained = [found["number"] for found in run.rounds if found["decision"]]
    best = run.best_round or (trained[-1] if trained else None)
    if best is None:
        raise SchoolhouseError(f"{run.name} has no scored student yet", f"schoolhouse resume {run.name}")
    student = f"round-{best}"
    return Contestant(name, run, student, run.outcomes(student, "gate"), run_recipe(run).values())


def _paired(new: Contestant, old: Contestant) -> Paired:
    known = [entry.run.reader.meta("sources") or {} for entry in (new, old)]  # a sealed run knows none of `private`
    return paired(new.outcomes, old.outcomes, known[0] | known[1])


def _entry(entry: Contestant) -> Comparison:
    reader = entry.run.reader
    return {
        "name": entry.name,
        "run": entry.run.name,
        "student": entry.student,
        **score_of(entry.outcomes).to_json(),
        "rows": reader.row_counts()["accepted"],
        "calls": reader.call_totals("teacher")["calls"],
        "rounds": len(entry.run.rounds),
        "verdict": (reader.meta("verdict") or {}).get("word"),
        "spread": (reader.meta("verdict") or {}).get("spread"),
    }


def _pair(new: Contestant, old: Contestant, found: Paired, adjusted: float, changed: dict[str, Json]) -> Comparison:
    word = "cannot tell"
    if adjusted < SIGNIFICANCE:
        word = "better" if found.difference > 0 else "worse"
    differing = [key for key, values in changed.items() if values[new.name] != values[old.name]]
    return {
        "new": new.name,
        "old": old.name,
        "word": word,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "wins": found.wins,
        "losses": found.losses,
        "method": found.method,
        "p_value": found.p_value,
        "p_adjusted": adjusted,
        "detectable": found.detectable,
        "changed": differing,
    }


def _changed(entries: Sequence[Contestant]) -> dict[str, Json]:
    """Recipe key -> its value by run, for the keys whose values differ."""
    flat = {entry.name: _flat(entry.recipe) for entry in entries}
    keys = sorted({key for values in flat.values() for key in values})
    by_key = {key: {name: values.get(key) for name, values in flat.items()} for key in keys}
    first = entries[0].name
    return {key: values for key, values in by_key.items() if any(one != values[first] for one in values.values())}


def _flat(values: dict[str, Json], above: str = "") -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def _notes(entries: Sequence[Contestant], pairs: Sequence[Pair], split: str) -> list[str]:
    notes = []
    if split == "gate":
        notes.append("not every run has sat its exam: these are gate items, which also chose the rounds")
    for entry in entries:
        if entry.sealed:
            notes.append(f"{entry.name}: its exam stayed sealed: it leads to the untrained student ({entry.student})")
        openings = times_opened(entry.run.reader)
        if openings > 1:
            notes.append(f"{entry.name}: its sealed items were opened {openings} times; they are spent")
    least = min(found.n for _, _, found in pairs)
    if least < max(len(entry.outcomes) for entry in entries):
        notes.append(f"only the {least} items that both answered are compared")
    shared = max(1, round(sum(found.wins + found.losses for _, _, found in pairs) / len(pairs)))
    notes.append(f"{in_words(least, shared / least)}, before the correction for {len(pairs)} comparisons")
    return notes
