"""Scorers by name: ours, and those that other packages add."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from toolkit.errors import SchoolhouseError
from toolkit.evaluation.scorers.call import call
from toolkit.evaluation.scorers.choice import choice
from toolkit.evaluation.scorers.json_answer import json_equal, json_fields
from toolkit.evaluation.scorers.label import contains, exact_label
from toolkit.evaluation.scorers.number import number
from toolkit.evaluation.scorers.pattern import pattern
from toolkit.evaluation.scorers.python_tests import python_tests
from toolkit.evaluation.scorers.scorer import Scorer
from toolkit.evaluation.scorers.sql import sql
from toolkit.types import Item

GROUP = "schoolhouse.scorers"
"""Entry points of other packages: name = "module:function"."""

SCORERS: dict[str, Scorer] = {
    "label": exact_label,
    "choice": choice,
    "json": json_equal,
    "json_fields": json_fields,
    "call": call,
    "number": number,
    "sql": sql,
    "python": python_tests,
    "regex": pattern,
    "probe": contains,
}


Report = Callable[[str], object]
"""What is told that a scorer failed over an answer."""


def open_scorer(name: str, report: Report | None = None) -> Scorer:
    """The scorer of a name, guarded. Raises SchoolhouseError for an unknown one, and for one that does not load."""
    if name in SCORERS:
        return guarded(SCORERS[name], name, report)
    others = {point.name: point for point in entry_points(group=GROUP)}
    if name not in others:
        known = ", ".join([*(own for own in SCORERS if own != "probe"), *others])
        raise SchoolhouseError(f"there is no scorer {name!r}", f"write one of {known}")
    try:
        return guarded(others[name].load(), name, report)
    except (ImportError, AttributeError) as error:
        source = others[name].dist
        package = source.name if source else others[name].module
        raise SchoolhouseError(
            f"the scorer {name!r} does not load: {error}", f"pip install --upgrade {package}"
        ) from error


def guarded(scorer: Scorer, name: str, report: Report | None = None) -> Scorer:
    """A scorer that ends no run: what it raises over an answer is reported and 0, what it gives is kept in 0 to 1."""

    def score(item: Item, answer: str) -> float:
        try:
            found = float(scorer(item, answer))
        except Exception as error:  # an answer is untrusted, and its text, which the error may quote, may be sealed
            if report:
                report(f"the scorer {name!r} failed over an answer ({type(error).__name__}); such answers score 0")
            return 0.0
        return min(1.0, max(0.0, found)) if found == found else 0.0

    return score
