"""Which rows the teacher wrote, and which the data program put together by itself.

The paper requires rows to come from the teacher. A row counts as the teacher's when its
input stands, word for word, in one of the replies that it names; an input of several lines,
such as a database and a question about it, when each of its lines does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from toolkit.data.near_duplicates import normalise
from toolkit.types import Json, Row

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Handwritten:
    """How many of n rows are in no reply, with a few of them."""

    n: int
    count: int
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else 0.0

    def to_json(self) -> dict[str, Json]:
        return {"n": self.n, "count": self.count, "share": self.share, "examples": list(self.examples)}


def handwritten(rows: Iterable[Row], replies: Mapping[str, str], given: Iterable[str] = ()) -> Handwritten:
    """Count the rows whose input is in no reply that they name.

    Case, punctuation and JSON escapes do not matter; words and their order do.

    Args:
        replies: id of a reply -> its text.
        given: inputs that nobody had to write, such as seed questions.
    """
    authors = Authors(lambda call: replies.get(call, ""), given)
    total, found = 0, []
    for row in rows:
        total += 1
        if not authors.wrote(row):
            found.append(row.input)
    return Handwritten(total, len(found), tuple(text[:200] for text in found[:EXAMPLES]))


class Authors:
    """Knows what the teacher said, and what was given.

    Args:
        reply: id of a reply -> its text, empty for one that nobody has.
        given: inputs that nobody had to write, such as seed questions.
    """

    def __init__(self, reply: Callable[[str], str], given: Iterable[str] = ()) -> None:
        self._reply = reply
        self._given = {normalise(text) for text in given}
        self._spoken: dict[str, str] = {}

    def wrote(self, row: Row) -> bool:
        """Whether the input of a row comes from the replies that it names, or was given."""
        return self._known(row.input, row) or all(
            self._known(line, row) for line in row.input.splitlines() if line.strip()
        )

    def _known(self, text: str, row: Row) -> bool:
        normal = normalise(text)
        return normal in self._given or any(f" {normal} " in self._said(call) for call in row.calls)

    def _said(self, call: str) -> str:
        if call not in self._spoken:
            self._spoken[call] = " | ".join(f" {normalise(part)} " for part in _texts(self._reply(call)))
        return self._spoken[call]


def _texts(reply: str) -> Iterator[str]:
    """The texts in a reply of JSON, where quotes and accents are escaped; any other reply as it is."""
    try:
        waiting = [json.loads(reply)]
    except (ValueError, RecursionError):
        waiting = [reply]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
