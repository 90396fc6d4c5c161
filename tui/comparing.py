"""Runs side by side as plain values; see `toolkit.run.compare` for the figures. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.state import ScorePoint
from tui.text import clean

LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class Contestant:
    """A run in the comparison; `verdict` is a word, empty before the exam."""

    name: str
    score: ScorePoint
    rows: int = 0
    calls: int = 0
    rounds: int = 0
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference in points (new minus old) with its interval."""

    new: str
    old: str
    word: str
    points: float
    low: float
    high: float
    counts: str
    p: float
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of it.

    Args:
        recipe: key -> its value by run, where they differ.
    """

    split: str
    runs: tuple[Contestant, ...] = ()
    differences: tuple[Difference, ...] = ()
    recipe: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: tuple[str, ...] = ()


def comparison(found: Mapping[str, Any]) -> Comparison:
    """What `toolkit.run.compare.compare` gives, cleaned."""
    names = [run["name"] for run in found["runs"]]
    untrained = [Contestant(clean(name, 60), _point(name, one)) for name, one in found["untrained"].items() if one["n"]]
    return Comparison(
        split=clean(found["split"], 20),
        runs=(*untrained, *map(_contestant, found["runs"])),
        differences=tuple(map(_difference, found["comparisons"])),
        recipe=tuple((clean(key, 60), _values(values, names)) for key, values in found["recipe"].items()),
        notes=tuple(clean(note, 400) for note in found["notes"]),
    )


def _point(name: str, one: Mapping[str, Any]) -> ScorePoint:
    return ScorePoint(name, "", float(one["score"]), float(one["low"]), float(one["high"]), int(one["n"]))


def _contestant(run: Mapping[str, Any]) -> Contestant:
    name = clean(run["name"], 60)
    rows, calls, rounds = (int(run[key]) for key in ("rows", "calls", "rounds"))
    return Contestant(name, _point(name, run), rows, calls, rounds, clean(str(run["verdict"] or ""), 20))


def _difference(pair: Mapping[str, Any]) -> Difference:
    points, low, high = (100 * float(pair[key]) for key in ("difference", "low", "high"))
    counts = f"better on {pair['wins']}, worse on {pair['losses']} of {pair['n']}"
    changed = tuple(clean(key, 60) for key in pair["changed"])
    names = (clean(pair["new"], 60), clean(pair["old"], 60), clean(pair["word"], 20))
    return Difference(*names, points, low, high, counts, float(pair["p_adjusted"]), changed)


def _values(values: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(clean(json.dumps(values.get(name), ensure_ascii=False), LONGEST_VALUE) for name in names)
