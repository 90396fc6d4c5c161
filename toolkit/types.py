"""The words of the system as plain values. Nothing here does any work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

Json = Any
"""A value that `json.dumps` accepts."""

SplitName = Literal["seed", "public", "gate", "private", "probe"]
BASELINES = ("zero-shot", "few-shot")
"""The untrained student, asked in two ways."""
Operation = Literal["draft", "debug", "repair", "improve"]
FinishReason = Literal["stop", "length", "error", "refusal", "context", "unknown"]
"""Why a reply ended; `context`: the prompt did not fit, so that there is none; `unknown`: a server's own word."""


class Message(TypedDict):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


def digest(value: Json) -> str:
    """The SHA-256 of a JSON value, independent of key order; 64 hex digits."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """A labelled question: what an evaluation asks, and the answer it expects."""

    id: str
    split: SplitName
    input: str
    output: str
    skill: str = ""
    """The group that scores are broken down by; for label tasks, the label."""
    meta: Mapping[str, Json] = field(default_factory=dict)
    """What a scorer needs beside `output`: options, schema, tests, unit, tolerance, pattern, source. Not shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """A training example made from teacher replies.

    `calls` holds the request hashes of the replies that it came from.
    """

    input: str
    output: str
    skill: str = ""
    calls: tuple[str, ...] = ()
    meta: Mapping[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Content hash: the same text twice is the same row."""
        return digest([self.input, self.output])[:16]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a chat model. Equal requests get equal, journaled answers.

    `sample` tells apart repeated asks of one prompt; it also seeds the sampler.
    """

    messages: tuple[Message, ...]
    temperature: float = 0.8
    max_tokens: int = 512
    schema: Mapping[str, Json] | None = None
    sample: int = 0

    @property
    def hash(self) -> str:
        return digest(self.to_json())

    def to_json(self) -> dict[str, Json]:
        """The fields; like `asdict`, without its deep copies, which cost more than all the rest of a hash."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Completion:
    """A chat model's answer, as it came: `text` is untrusted and never repaired."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    backend_id: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one item went: the answer as given, and what the scorer said (0 to 1)."""

    item_id: str
    answer: str
    score: float
    skill: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """A mean score with its 95 % interval and the number of items behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}] n={self.n}"

    def to_json(self) -> dict[str, float | int]:
        return {"score": self.value, "low": self.low, "high": self.high, "n": self.n}


def exam_was_sat(verdict: Mapping[str, Any] | None) -> bool:
    """Whether a run's verdict comes from opened items; a run without an accepted round leaves them sealed."""
    return bool(verdict and verdict.get("student"))
