"""The attempts of a run as plain values: the tree, what each cost and yielded, and what they differ in. Pure."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tui.state import Record, Status
from tui.text import clean, clean_block

BEFORE, COMING = "before", "coming"
"""Not attempts yet: what was asked before the first one, and one that is being planned."""
MOST_DIFF_LINES = 3000
DiffKind = Literal["same", "added", "removed", "place"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt; its texts are cleaned. `depth` is how many attempts stand above it in the tree.

    Args:
        calls: to the teacher; questions: to the engineer.
        changes: what of the plan was changed, and why.
    """

    id: int
    operation: str
    parent: int | None = None
    depth: int = 0
    status: str = "running"
    error_class: str = ""
    error: str = ""
    submitted: int = 0
    accepted: int = 0
    calls: int = 0
    questions: int = 0
    round: int | None = None
    decision: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    plan: str = ""
    program: str = ""

    @property
    def asked(self) -> int:
        """Calls to any model."""
        return self.calls + self.questions


@dataclass(frozen=True, slots=True)
class Tree:
    """All attempts, each below the one that it came from.

    Args:
        mats: attempts per successful submission; None before the first success.
        failures: how many attempts failed, by error class, the most frequent first.
    """

    status: Status = "paused"
    attempts: tuple[Attempt, ...] = ()
    mats: float | None = None
    failures: tuple[tuple[str, int], ...] = ()

    @property
    def made(self) -> list[Attempt]:
        """Real attempts, oldest first."""
        return sorted((found for found in self.attempts if found.operation not in (BEFORE, COMING)), key=lambda a: a.id)

    def find(self, number: int | None) -> Attempt | None:
        return next((found for found in self.attempts if found.id == number), None)


@dataclass(frozen=True, slots=True)
class CallLine:
    """A call in a list; `start` is how the reply begins."""

    hash: str
    role: str
    tokens: int
    seconds: float
    finish: str
    start: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call in full: its messages as (role, text), the schema it had to keep to, and the reply."""

    role: str
    model: str
    messages: tuple[tuple[str, str], ...]
    schema: str
    reply: str
    finish: str
    prompt_tokens: int
    tokens: int
    seconds: float
    settings: str


def in_tree(
    records: Sequence[Record], rounds: Iterable[Record], counts: Mapping[int, Record], plans: Mapping[int, str]
) -> tuple[Attempt, ...]:
    """Journal records as a tree, the root first.

    Args:
        counts: by attempt, as `JournalReader.attempt_counts` gives them.
        plans: by attempt, the plan as text.
    """
    trained = {found["attempt"]: found for found in rounds}
    made = [
        _attempt(record, trained.get(record["id"], {}), counts.get(record["id"], {}), plans.get(record["id"], ""))
        for record in records
    ]
    known = {attempt.id for attempt in made}
    extra = [
        Attempt(number, COMING if number else BEFORE, calls=found["calls"], questions=found["questions"])
        for number, found in sorted(counts.items())
        if number not in known and found["calls"] + found["questions"]
    ]
    before = [attempt for attempt in extra if attempt.operation == BEFORE]
    return (*before, *_in_order(made), *(attempt for attempt in extra if attempt.operation == COMING))


def _attempt(record: Record, trained: Record, counts: Record, plan: str) -> Attempt:
    changes = record["plan"].get("changes") or []
    return Attempt(
        id=record["id"],
        operation=str(record["operation"]),
        parent=record["parent"],
        status=str(record["status"]),
        error_class=clean(str(record["error_class"] or ""), 60),
        error=clean_block(str(record["error"] or ""), 20_000),
        round=trained.get("number"),
        decision=str(trained.get("decision") or ""),
        changes=tuple((clean(str(c.get("what", ""))), clean(str(c.get("why", "")))) for c in changes),
        plan=clean_block(plan),
        program=clean_block(str(record["program"])),
        **counts,
    )


def _in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Depth first: children stand below their parent, oldest first."""
    known = {attempt.id for attempt in attempts}
    children: defaultdict[int | None, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        children[attempt.parent if attempt.parent in known else None].append(attempt)
    ordered: list[Attempt] = []
    waiting = [(attempt, 0) for attempt in reversed(children[None])]
    while waiting:
        attempt, depth = waiting.pop()
        ordered.append(replace(attempt, depth=depth))
        waiting += [(child, depth + 1) for child in reversed(children[attempt.id])]
    return ordered


def difference(before: str, after: str) -> list[tuple[DiffKind, str]]:
    """The lines that two texts differ in, with three lines around them; empty when they are equal."""
    one, two = before.splitlines()[:MOST_DIFF_LINES], after.splitlines()[:MOST_DIFF_LINES]
    kinds: dict[str, DiffKind] = {"+": "added", "-": "removed", "@": "place"}
    lines = list(difflib.unified_diff(one, two, lineterm=""))[2:]
    return [(kinds.get(line[:1], "same"), line) for line in lines]


def call_line(record: Record) -> CallLine:
    """A record of `JournalReader.calls_by`."""
    return CallLine(
        hash=record["hash"],
        role=clean(str(record["role"]), 20),
        tokens=int(record["completion_tokens"]),
        seconds=float(record["seconds"]),
        finish=clean(str(record["finish_reason"]), 20),
        start=clean(str(record["start"]), 200),
    )


def whole_call(record: Record, schema: str) -> Call:
    """A record of `JournalReader.find_call`; `schema` is the request's schema as text."""
    request: dict[str, Any] = record["request"]
    messages = request.get("messages", [])
    settings = f"temperature {request.get('temperature')}, at most {request.get('max_tokens')} tokens"
    return Call(
        role=clean(str(record["role"]), 20),
        model=clean(str(record["model"]), 80),
        messages=tuple((clean(str(m["role"]), 20), clean_block(str(m["content"]))) for m in messages),
        schema=clean_block(schema, 20_000),
        reply=clean_block(str(record["text"])),
        finish=clean(str(record["finish_reason"]), 20),
        prompt_tokens=int(record["prompt_tokens"]),
        tokens=int(record["completion_tokens"]),
        seconds=float(record["seconds"]),
        settings=settings,
    )
