"""Whether an exported student is the trained one: prompts token by token, stop tokens, answers, score.

Users' first complaint about exports is "good in training, bad in Ollama"; then nearly
always the template, the token that begins a prompt or the token that ends an answer differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.types import Json

Cause = Literal["template", "BOS", "tokenizer", "stop token", "quantization"]
STRUCTURAL: tuple[Cause, ...] = ("template", "BOS", "tokenizer", "stop token")
"""Causes that are mistakes, whatever they do to the score."""

LEAST_SAME = 0.8
"""Share of equal greedy answers, where nothing can be scored again; rounding alone changes fewer."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two students: what it makes of each prompt, where it stops, what it answers."""

    texts: Sequence[str]
    ids: Sequence[Sequence[int]]
    ends: frozenset[int]
    answers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same, and how many prompts it touches."""

    cause: Cause
    detail: str
    prompts: int


@dataclass(frozen=True, slots=True)
class Drift:
    """The score of the exported student on n public items, minus the trained one's, with its 95 % interval."""

    n: int
    trained: float
    exported: float
    low: float
    high: float

    @property
    def beyond(self) -> bool:
        """Whether the difference is more than chance: its interval leaves zero out."""
        return self.n > 0 and (self.low > 0 or self.high < 0)

    def __str__(self) -> str:
        if not self.n:
            return "not scored again"
        change = f"{100 * (self.exported - self.trained):+.1f} points [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"
        return f"{self.trained:.1%} trained, {self.exported:.1%} exported, {change}, n={self.n}".replace("%", " %")


@dataclass(frozen=True, slots=True)
class Parity:
    """The gate's finding. `same_answers` of `prompts` greedy answers were equal."""

    prompts: int
    same_answers: int
    drift: Drift
    differences: tuple[Difference, ...] = ()
    examples: tuple[tuple[str, str], ...] = field(default=())
    """Some answers that differ: trained, exported."""

    @property
    def causes(self) -> list[Cause]:
        """What makes the exported student another one; quantization where nothing else does."""
        named = list(dict.fromkeys(found.cause for found in self.differences))
        return named or (["quantization"] if self.drift.beyond or self.unlike else [])

    @property
    def unlike(self) -> bool:
        """Whether too few answers are equal, where there is no score that could tell."""
        return not self.drift.n and self.same_answers < LEAST_SAME * self.prompts

    @property
    def passed(self) -> bool:
        return not self.causes

    def sentence(self) -> str:
        """What was found, for people."""
        agreed = f"{self.same_answers} of {self.prompts} greedy answers are the same; public: {self.drift}"
        if self.passed:
            return f"the exported student is the trained one: {agreed}"
        few = [f"fewer than {100 * LEAST_SAME:.0f} % of the answers are the same"] if self.unlike else []
        details = "; ".join([*(found.detail for found in self.differences), *few])
        why = f"{', '.join(self.causes)}{f' ({details})' if details else ''}"
        return f"the exported student is not the trained one, because of: {why}. {agreed}"

    def to_json(self) -> dict[str, Json]:
        return {
            "passed": self.passed,
            "causes": self.causes,
            "details": [found.detail for found in self.differences],
            "prompts": self.prompts,
            "same_answers": self.same_answers,
            "public": {name: getattr(self.drift, name) for name in ("n", "trained", "exported", "low", "high")},
        }


def differences(trained: Side, exported: Side, end_token: int | None, begin: int | None) -> list[Difference]:
    """Differences in prompts and stop tokens, each with its cause.

    Args:
        end_token: the token that ends a trained answer.
        begin: the token that begins a text (BOS), if there is one.
    """
    found: dict[Cause, list[int]] = {}
    for number, pair in enumerate(zip(trained.ids, exported.ids, strict=True)):
        ours, theirs = map(list, pair)
        if ours != theirs:
            same_text = trained.texts[number] == exported.texts[number]
            found.setdefault(_cause(ours, theirs, begin, same_text=same_text), []).append(number)
    named = [Difference(cause, _detail(trained, exported, places), len(places)) for cause, places in found.items()]
    if end_token is not None and end_token not in exported.ends:
        stops = ", ".join(map(str, sorted(exported.ends)[:8])) or "none"
        detail = f"answers were trained to end with token {end_token}, the export stops at {stops}"
        named.append(Difference("stop token", detail, len(trained.ids)))
    return named


def _cause(ours: list[int], theirs: list[int], begin: int | None, *, same_text: bool) -> Cause:
    longer, shorter = (theirs, ours) if len(theirs) > len(ours) else (ours, theirs)
    if longer[1:] == shorter and (begin is None or longer[0] == begin):
        return "BOS"
    return "tokenizer" if same_text else "template"


def _detail(trained: Side, exported: Side, places: Sequence[int]) -> str:
    """The first place of the first prompt that differs."""
    ours, theirs = list(trained.ids[places[0]]), list(exported.ids[places[0]])
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    where = f"prompt {places[0] + 1}, token {at + 1}: trained {ours[at : at + 4]}, exported {theirs[at : at + 4]}"
    return f"{len(places)} of {len(trained.ids)} prompts have other token ids, first {where}"


def unequal(trained: Sequence[str], exported: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of answers that differ."""
    return [pair for pair in zip(trained, exported, strict=True) if pair[0] != pair[1]]


def side_of(found: dict[str, Any], answers: Sequence[str] = ()) -> Side:
    """A side from what the inspecting child says."""
    return Side(found["texts"], found["ids"], frozenset(found["ends"]), answers)
