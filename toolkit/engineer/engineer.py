"""The seam of the data engineer: from what was measured to the next attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, Protocol

from toolkit.engineer.tree import ErrorClass
from toolkit.errors import RecipeError
from toolkit.types import Completion, Json, Message, Operation, Request, Score

Feedback = Literal["aggregate", "cases", "bit"]
Ask = Callable[[Request, int], Completion]
"""One question for an attempt. Its answer is in the journal before it comes back."""


@dataclass(frozen=True, slots=True)
class EngineerModel:
    """The model behind an engineer. Put again after a crash, a question gets its journaled answer.

    Args:
        max_tokens: how long a whole program may be.
        seed: another one gives other answers to the same questions.
        at_once: whether it was measured to be fit for a whole plan in one answer.
        context: tokens that a question and its answer may take together; 0: not known, so questions are short.
    """

    ask: Ask
    temperature: float = 0.5
    max_tokens: int = 1200
    seed: int = 0
    at_once: bool = False
    context: int = 0

    def question(
        self,
        system: str,
        text: str,
        *,
        attempt: int,
        part: int = 0,
        schema: Mapping[str, Json] | None = None,
        max_tokens: int | None = None,
    ) -> Completion:
        """Ask one question; `part` tells the questions of one attempt apart."""
        messages: list[Message] = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        most = max_tokens or self.max_tokens
        sample = self.seed * 1_000_000 + attempt * 100 + part
        return self.ask(Request(tuple(messages), self.temperature, most, schema, sample), attempt)


@dataclass(frozen=True, slots=True)
class SkillReport:
    """One skill on `public`: right answers of n, and the rows already spent on it."""

    right: int
    n: int
    rows: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """An attempt that the next one starts from: what was run, and what became of it.

    Args:
        problem: None for an attempt that was valid.
        rejected: reason -> (how many rows, one example of what was found).
    """

    id: int
    program: str
    plan: Mapping[str, Json] = field(default_factory=dict)
    problem: Problem | None = None
    accepted: int = 0
    rejected: Mapping[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that an engineer may know. It holds no gate, probe or private text.

    Args:
        number: the attempt to come, from 1.
        parent: the best attempt so far, to improve on; None before there is one.
        rows: how many accepted rows this round should have; `least`: with fewer it is not trained on.
        skills: skill -> its report; n is 0 before the first round.
        confusions: (expected label, answered label) -> how often, on `public`.
        cases: (input, expected, answered) of public items that went wrong, only when the recipe allows them.
        baseline: the better untrained student on `public`.
        unaccepted: the round that was measured, where no round was accepted yet; None once there is a best one.
        operation: how the attempt to come is to be made.
        earlier: the attempt that it starts from; None for a draft.
        better: whether the newest round was accepted, which is all that is told of `gate`.
        notes: what a person asked for, oldest first.
        narrow: what is narrow about the best attempt's rows, in words.
        variety: how varied the rows of the newest two rounds are, in one line.
        examples: label -> the recipe's messages that show the tone.
        seeds: a few of the unlabelled questions that people wrote; none of them is an evaluation item.
        answer: the kind of answer, as `task.answer`; `labels` are skills where answers are no labels.
        unfilled: whether an earlier attempt of the run was the skeleton with its place still empty.
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
    unaccepted: int | None = None
    operation: Operation = "draft"
    earlier: Earlier | None = None
    better: bool | None = None
    notes: tuple[str, ...] = ()
    narrow: tuple[str, ...] = ()
    variety: str = ""
    about: str = ""
    least: int = 1
    feedback: Feedback = "aggregate"
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seeds: tuple[str, ...] = ()
    answer: str = "label"
    unfilled: bool = False

    @property
    def measured(self) -> bool:
        """Whether the engineer has any score by skill to go by."""
        return any(report.n for report in self.skills.values())


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an attempt failed: its class, and the text to debug from."""

    error_class: ErrorClass
    text: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An attempt to come: how it came to be, its plan, and the program that carries the plan out.

    With a `problem` there is nothing to run: the attempt has failed already.
    """

    operation: Operation
    plan: Mapping[str, Json]
    program: str
    parent: int | None = None
    problem: Problem | None = None


class Engineer(Protocol):
    """Plans the next lesson. The same situation and the same answers give the same proposal."""

    revises: bool
    """Whether it can debug and repair; if not, a failed attempt ends the round."""

    tries: bool
    """Whether its programs are tried on a few rows before they may spend the budget."""

    def propose(self, situation: Situation) -> Proposal: ...


ENGINEERS = {
    "plan": "toolkit.engineer.planner:Planner",
    "code": "toolkit.engineer.code:Code",
    "fixed": "toolkit.engineer.fixed:Fixed",
    "bandit": "toolkit.engineer.bandit:Bandit",
}


def open_engineer(kind: str, program: str, model: EngineerModel | None = None) -> Engineer:
    """The engineer of a recipe. Raises RecipeError for an unknown kind.

    Args:
        kind: `engineer.kind`.
        program: the text of the library program that plans are written for.
        model: answers the engineer's questions; `fixed` and `bandit` ask none.
    """
    if kind not in ENGINEERS:
        raise RecipeError(f"unknown kind {kind!r}", f"one of: {', '.join(ENGINEERS)}", key="engineer.kind")
    module, _, name = ENGINEERS[kind].partition(":")
    engineer: Engineer = getattr(import_module(module), name)(program, model)
    return engineer
