"""The plan of a lesson as a typed value: what the `plan` engineer decides and a person may edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from toolkit.engineer.plan import PER_CALL, STYLES
from toolkit.types import Json

HARD_STYLES = ("tells what happened and asks nothing directly", "two sentences, background first")
"""Styles whose messages are harder to tell apart than the others."""

KINDS = (
    "an everyday one",
    "short, one sentence",
    "told as a small story",
    "with names and figures of its own",
    "from another field than the one before",
)
HARD_KINDS = ("harder: it takes two steps", "harder: something in it is not needed for the answer")
"""Kinds of questions with one right answer."""

MOST_PER_CALL = 50
"""Messages of one reply: more do not fit into the context of a small teacher."""


class Change(BaseModel):
    """One decision and its evidence: which score, which interval, or whose wish."""

    model_config = ConfigDict(extra="forbid")
    what: str
    why: str


class LessonPlan(BaseModel):
    """What the teacher is to write.

    `skills` are rows by label; `topics`, `hints`, `contrasts` and `shown` are by label too, the last
    as places in the recipe's list of examples. `situations` and `personas` are a person's: a small teacher
    that is told who writes opens every message with it, so only a model that plans at once is asked. `wishes` are a
    person's notes. `styles` are for messages, `kinds` for questions with one right answer; `hard` is the share
    of prompts that ask for harder ones. `dropped` counts answers of the model that were of no use, by question.
    """

    model_config = ConfigDict(extra="ignore")
    skills: dict[str, NonNegativeInt]
    styles: list[str] = Field(default=list(STYLES), min_length=1)
    kinds: list[str] = []
    situations: list[str] = []
    personas: list[str] = []
    wishes: list[str] = []
    topics: dict[str, list[str]] = {}
    hard: float = Field(0.0, ge=0, le=0.5)
    contrasts: dict[str, list[str]] = {}
    hints: dict[str, str] = {}
    shown: dict[str, list[NonNegativeInt]] = {}
    per_call: int = Field(PER_CALL, ge=1, le=MOST_PER_CALL)
    changes: list[Change] = []
    dropped: dict[str, int] = {}

    def for_program(self) -> dict[str, Json]:
        """The plan with the keys that the library programs read."""
        return {
            **self.model_dump(mode="json"),
            "styles": mixed(self.styles, self.hard, HARD_STYLES),
            "kinds": mixed(self.kinds, self.hard, HARD_KINDS),
            "notes": {label: note for label in self.skills if (note := self._note(label))},
        }

    def _note(self, label: str) -> str:
        topics = self.topics.get(label, [])
        about = f"It may be about: {'; '.join(topics)}." if topics else ""
        return " ".join(part for part in (self.hints.get(label, ""), about) if part)


def mixed(styles: list[str], hard: float, harder: Sequence[str] = HARD_STYLES) -> list[str]:
    """The styles with harder ones added, evenly spread, until they are a share `hard` of the list."""
    plain = [style for style in styles if style not in harder]
    present = [style for style in styles if style in harder]
    wanted = round(hard * len(plain) / (1 - hard))
    if wanted <= len(present) or not plain:
        return list(styles)
    found = list(plain)
    for index in range(wanted):
        found.insert(round((index + 1) * len(plain) / (wanted + 1)) + index, harder[index % len(harder)])
    return found


def words_of(plan: Mapping[str, Any]) -> LessonPlan | None:
    """An earlier attempt's plan, whose words are kept; None when it was not one of ours."""
    try:
        return LessonPlan.model_validate({**plan, "changes": [], "dropped": {}, "hard": plan.get("hard", 0.0)})
    except ValidationError:
        return None
