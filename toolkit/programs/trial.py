"""A trial: a program has to make a few rows before it may spend the budget."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.journal import Journal
from toolkit.programs.arguments import read_options, read_prompts
from toolkit.programs.host import ProgramHost
from toolkit.types import Json

ROWS = 3
"""Valid rows that end the trial well."""

CALLS_OF_A_KIND = 3
"""Real teacher calls for each way of asking (schema, system message, …); more prompts get copies of the replies
to those that are most like them."""

MOST_KINDS = 4
MOST_ASKS = 200


class TrialOver(Exception):
    """Ends the program from outside: enough was seen."""


class _NoRows:
    """Stands for the journal: the rows and log lines of a trial are not kept, replies and verifications are."""

    def __init__(self, journal: Journal) -> None:
        self.verification, self.verified = journal.verification, journal.verified

    def row(self, *_: Any, **__: Any) -> None:
        return

    def event(self, *_: Any, **__: Any) -> None:
        return


@dataclass
class TrialHost(ProgramHost):
    """Host functions that spend little: a program that asks for hundreds of replies gets a few, over and over."""

    rejected: dict[str, tuple[int, str]] = field(default_factory=dict)
    _asks: int = 0
    _kept: defaultdict[str, list[tuple[str, Json]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.journal = _NoRows(self.journal)  # type: ignore[assignment]

    def ask(self, prompts: Json, options: Json) -> list[Json]:
        self._asks += 1
        if self._asks > MOST_ASKS:
            raise TrialOver
        texts = read_prompts(prompts)
        usable = 0 < len(texts) <= self.allowance.calls - self.calls_used
        kept = self._kept[repr(read_options(options))]  # checked first: what a program sends may be endless
        real = CALLS_OF_A_KIND - len(kept) if len(self._kept) <= MOST_KINDS else 0 if kept else 1
        if not usable or real >= len(texts):
            replies = super().ask(texts, options)
            kept += zip(texts, replies, strict=True)
            return replies
        replies = super().ask(texts[:real], options) if real > 0 else []
        kept += zip(texts, replies, strict=False)
        return [*replies, *(_nearest(kept, text) for text in texts[len(replies) :])]

    def submit(self, rows: Json) -> Json:
        receipt = super().submit(rows)
        for reason, (count, example) in receipt["rejected"].items():
            before, first = self.rejected.get(reason, (0, str(example)))
            self.rejected[reason] = (before + count, first)
        if self.accepted.total() >= ROWS:
            raise TrialOver
        return receipt

    def told(self) -> str:
        """What became of the rows, in words to repair from."""
        if not self.submitted:
            return "the program ended without submitting a row"
        counted = Counter({reason: count for reason, (count, _) in self.rejected.items()}).most_common(4)
        reasons = "; ".join(
            f"{reason} {count}, for example: {self.rejected[reason][1][:120]}" for reason, count in counted
        )
        return f"of {self.submitted} submitted rows {self.accepted.total()} were valid ({reasons})"


def _nearest(kept: Sequence[tuple[str, Json]], prompt: str) -> Json:
    """The reply to the prompt that begins and ends most like this one: one question is not answered with a list."""

    def alike(pair: tuple[str, Json]) -> int:
        return _shared(pair[0], prompt) + _shared(pair[0][::-1], prompt[::-1])

    return max(kept, key=alike)[1]


def _shared(first: str, second: str) -> int:
    """How many characters both begin with."""
    differ = (place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
    return next(differ, min(len(first), len(second)))
