"""The seam of the data engineer: from what was measured to the next attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from toolkit.errors import RecipeError
from toolkit.types import Json, Operation, Score


@dataclass(frozen=True, slots=True)
class SkillReport:
    """One skill on `public`: right answers of n, and the rows already spent on it."""

    right: int
    n: int
    rows: int


@dataclass(frozen=True, slots=True)
class Situation:
    """All that an engineer may know. It holds no gate, probe or private text.

    Args:
        number: the attempt to come, from 1.
        parent: the attempt to improve on; None asks for a draft.
        rows: how many accepted rows this round should have.
        skills: skill -> its report; n is 0 before the first round.
        confusions: (expected label, answered label) -> how often, on `public`.
        cases: public items that went wrong, only when the recipe allows them.
        baseline: the better untrained student on `public`.
    """

    number: int
    parent: int | None
    labels: Mapping[str, str]
    rows: int
    calls: int
    skills: Mapping[str, SkillReport]
    confusions: Mapping[tuple[str, str], int] = field(default_factory=dict)
    cases: tuple[tuple[str, str, str], ...] = ()
    baseline: Score | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """An attempt to come: how it came to be, its plan, and the program that carries the plan out."""

    operation: Operation
    plan: Mapping[str, Json]
    program: str
    parent: int | None = None


class Engineer(Protocol):
    """Plans the next lesson. The same situation gives the same proposal."""

    def propose(self, situation: Situation) -> Proposal: ...


ENGINEERS = {"fixed": "toolkit.engineer.fixed:Fixed", "bandit": "toolkit.engineer.bandit:Bandit"}


def open_engineer(kind: str, program: str) -> Engineer:
    """The engineer of a recipe. Raises RecipeError for an unknown kind.

    Args:
        kind: `engineer.kind`.
        program: the text of the library program that plans are written for.
    """
    if kind not in ENGINEERS:
        raise RecipeError(f"unknown kind {kind!r}", f"one of: {', '.join(ENGINEERS)}", key="engineer.kind")
    module, _, name = ENGINEERS[kind].partition(":")
    engineer: Engineer = getattr(import_module(module), name)(program)
    return engineer
