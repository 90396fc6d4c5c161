"""A recipe while it is edited, as plain values: mistakes with their lines, the forecast, another name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tui.text import about, clean

MISTAKE = re.compile(r"^recipe\.yaml(?::(?P<line>\d+))?: (?:(?P<key>[\w.\-]+): )?(?P<words>.*)$")
NAME = re.compile(r"^name:[ \t]*(?P<name>[^#\s]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, where, and what to write; the line counts from 1, 0 where there is none."""

    words: str
    line: int = 0
    key: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A recipe's text after a look at it.

    Args:
        forecast: how long it may take, by stage, in seconds; empty while there are mistakes.
        facts: what it would do, a line each.
    """

    mistakes: tuple[Mistake, ...] = ()
    forecast: tuple[tuple[str, float], ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.forecast)


WORK = {
    "generate": "rows",
    "plan": "rows",
    "train": "training",
    "evaluate": "answers",
    "baseline": "answers",
    "exam": "answers",
}
"""Stage -> what a person calls it."""

ARMS = {
    "iterative": "rounds, each planned from the scores before it",
    "control": "as many rows, planned without any scores",
    "one-shot": "the first valid lessons, no second try",
    "human": "rows that people wrote, no teacher",
}
"""Arm -> what it does. A run of each can be started, to compare them."""


@dataclass(frozen=True, slots=True)
class Takes:
    """How long a run of a recipe takes on this machine.

    Args:
        stages: seconds by stage.
        runs: how many finished runs of this very recipe are here; 0 when the times are a forecast.
    """

    stages: tuple[tuple[str, float], ...] = ()
    runs: int = 0

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.stages)

    @property
    def words(self) -> str:
        """`took 9 min here: rows 4, training 3, answers 1`, or `about 18 min here: …` for a forecast."""
        parts: dict[str, float] = {}
        for stage, seconds in self.stages:
            name = WORK.get(stage, "loading")
            parts[name] = parts.get(name, 0.0) + seconds
        shares = [f"{name} {seconds / 60:.0f}" for name, seconds in parts.items() if seconds >= 30]
        start = "took" if self.runs else "about"
        return f"{start} {about(self.seconds)} here" + (f": {', '.join(shares)}" if len(shares) > 1 else "")


@dataclass(frozen=True, slots=True)
class RecipeText:
    """A recipe to edit.

    Args:
        shipped: the text that it is compared with: the shipped recipe of that name, else the file as it was.
        shipped_name: what to call it.
        writable: whether it may be saved where it is.
    """

    text: str
    shipped: str
    shipped_name: str
    writable: bool = True


def mistakes_of(message: str, fix: str) -> tuple[Mistake, ...]:
    """The mistakes of a RecipeError about `recipe.yaml`: one, or a line each."""
    lines = message.split("\n")
    if len(lines) == 1:
        return (_mistake(message, fix),)
    return tuple(_mistake(*_parted(line)) for line in lines[1:])


def _parted(line: str) -> tuple[str, str]:
    words, _, fix = line.partition("; ")
    return words, fix


def _mistake(words: str, fix: str) -> Mistake:
    found = MISTAKE.match(words)
    if not found:
        return Mistake(clean(words), fix=clean(fix))
    line = int(found["line"] or 0)
    return Mistake(clean(found["words"]), line, clean(found["key"] or "", 80), clean(fix))


def renamed(text: str, name: str) -> str:
    """The text with another `name:`; all else, comments too, stays as it is."""
    found = NAME.search(text)
    if not found:
        return f"name: {name}\n{text}"
    return text[: found.start("name")] + name + text[found.end("name") :]


def next_name(name: str, taken: Iterable[str]) -> str:
    """`quickstart-2` for `quickstart`, or the first number that is free."""
    known, stem = set(taken), re.sub(r"-\d+$", "", name)
    number = 2
    while f"{stem}-{number}" in known:
        number += 1
    return f"{stem}-{number}"
