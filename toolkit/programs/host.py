"""The other side of a data program: what its calls do, and what it may still spend."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.data.checks import RowChecks
from toolkit.journal import Journal
from toolkit.models.journaled import JournaledModel
from toolkit.types import Completion, Json, Message, Request, Row

MAX_PROMPT_CHARACTERS = 20_000
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)


class OutOfCalls(RuntimeError):
    """Seen by the program that asks for more than its budget holds."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an attempt may spend.

    `rows` is by skill; `room` is how many rows the run's budget still takes in all.
    """

    calls: int
    rows: Mapping[str, int]
    room: int
    seconds: float


@dataclass
class ProgramHost:
    """Host functions for one attempt. Everything is journaled before the program goes on."""

    attempt: int
    allowance: Allowance
    journal: Journal
    teacher: JournaledModel
    checks: RowChecks
    temperature: float
    clock: Callable[[], float]
    calls_used: int = 0
    submitted: int = 0
    interruption: BaseException | None = None
    accepted: Counter[str] = field(default_factory=Counter)
    _asked: Counter[str] = field(default_factory=Counter)

    def functions(self) -> dict[str, Callable[..., Json]]:
        """The names that the prelude calls."""
        return {
            "host_ask": self._guarded(self.ask),
            "host_submit": self._guarded(self.submit),
            "host_remaining": self._guarded(self.remaining),
            "host_log": self._guarded(self.log),
        }

    def missing(self) -> dict[str, int]:
        """Rows still needed, by skill; none once the run's row budget is spent."""
        if self.accepted.total() >= self.allowance.room:
            return {}
        needed = {skill: count - self.accepted[skill] for skill, count in self.allowance.rows.items()}
        return {skill: count for skill, count in needed.items() if count > 0}

    def ask(self, prompts: Sequence[str], options: Mapping[str, Json]) -> list[Json]:
        if self.calls_used + len(prompts) > self.allowance.calls:
            left = self.allowance.calls - self.calls_used
            raise OutOfCalls(f"asked for {len(prompts)} calls, {left} are left; see remaining()['calls']")
        self.calls_used += len(prompts)
        requests = [self._request(prompt, options) for prompt in prompts]
        completions = self.teacher.complete(requests, self.attempt)
        return [_reply(request, completion) for request, completion in zip(requests, completions, strict=True)]

    def submit(self, rows: Sequence[Mapping[str, Json]]) -> Json:
        rejected: dict[str, list[Json]] = {}
        accepted = 0
        for raw in rows:
            reason, detail = self._judge(raw)
            if reason:
                count, example = rejected.get(reason, [0, detail])
                rejected[reason] = [count + 1, example]
            else:
                accepted += 1
        return {"accepted": accepted, "rejected": rejected, "still_needed": sum(self.missing().values())}

    def remaining(self) -> Json:
        missing = self.missing()
        return {
            "calls": self.allowance.calls - self.calls_used,
            "rows": sum(missing.values()),
            "skills": missing,
            # rounded down to a minute: the clock must not decide what a replayed program does
            "seconds": max(0, int((self.allowance.seconds - self.clock()) // 60) * 60),
        }

    def log(self, text: str) -> None:
        self.journal.event("log", text=text[:2000], attempt=self.attempt)

    def _judge(self, raw: Mapping[str, Json]) -> tuple[str, str]:
        """Check one row and journal it with its verdict; an empty reason means accepted."""
        row = _row(raw)
        rejection = self.checks.check(row)
        reason, detail = (rejection.reason, rejection.detail) if rejection else ("", "")
        if not reason and self.accepted.total() >= self.allowance.room:
            reason, detail = "over_budget", "the run's row budget is spent"
        status = "accepted" if not reason else "quarantined" if reason == "leak" else "rejected"
        self.journal.row(self.attempt, self.submitted, row, status=status, reason=reason, detail=detail)
        self.submitted += 1
        if not reason:
            self.checks.remember(row)
            self.accepted[row.skill or row.output] += 1
        return reason, detail

    def _request(self, prompt: str, options: Mapping[str, Json]) -> Request:
        prompt = str(prompt)[:MAX_PROMPT_CHARACTERS]
        messages: list[Message] = [{"role": "user", "content": prompt}]
        if options.get("system"):
            messages.insert(0, {"role": "system", "content": str(options["system"])[:MAX_PROMPT_CHARACTERS]})
        self._asked[prompt] += 1
        temperature = options.get("temperature")
        return Request(
            messages=tuple(messages),
            temperature=self.temperature if temperature is None else float(temperature),
            max_tokens=int(options.get("max_tokens") or 512),
            schema=options.get("schema"),
            sample=self.attempt * 10_000 + self._asked[prompt],
        )

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Stops of the run pass through the program as errors; they are kept, and raised again after it."""

        def call(*arguments: Any) -> Any:
            if self.interruption:
                raise RuntimeError("the run is stopping")
            try:
                return function(*arguments)
            except OutOfCalls:
                raise
            except BaseException as error:
                self.interruption = error
                raise RuntimeError("the run is stopping") from None

        return call


def _row(raw: Mapping[str, Json]) -> Row:
    replies = raw.get("replies") or []
    meta = raw.get("meta")
    return Row(
        input=str(raw.get("input", "")),
        output=str(raw.get("output", "")),
        skill=str(raw.get("skill") or raw.get("output", "")),
        calls=tuple(str(reply) for reply in replies),
        meta=meta if isinstance(meta, dict) else {},
    )


def _reply(request: Request, completion: Completion) -> Json:
    return {"id": request.hash, "text": completion.text, "data": _parsed(request, completion)}


def _parsed(request: Request, completion: Completion) -> Json:
    """The reply's JSON when a schema was asked for and the reply is whole; None otherwise."""
    if request.schema is None or completion.finish_reason != "stop":
        return None
    try:
        return json.loads(_THINKING.sub("", completion.text))
    except json.JSONDecodeError:
        return None
