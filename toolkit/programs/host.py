"""The other side of a data program: what its calls do, and what it may still spend."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

from toolkit.data.checks import Rejection, RowChecks
from toolkit.errors import RefusedRequest
from toolkit.journal import Journal
from toolkit.models.journaled import JournaledModel
from toolkit.programs.arguments import AskOptions, BadArgument, read_options, read_prompts, read_row, read_rows
from toolkit.types import Completion, Json, Message, Request, Row

MAX_LOG_LINES = 200
MAX_LOG_CHARACTERS = 2000
LEAK_DETAIL = "too close to an evaluation item"
"""All that a program hears of a leak: which item of which split is for the journal."""

_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)


class OutOfCalls(RuntimeError):
    """Seen by the program that asks for more than its budget holds."""


PROGRAM_ERRORS = (OutOfCalls, BadArgument)
"""What the program did wrong and may mend; everything else stops the run."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an attempt may spend.

    `rows` is by skill; `room` is how many rows the run's budget still takes in all.
    """

    calls: int
    rows: Mapping[str, int]
    room: int
    seconds: float

    @property
    def submissions(self) -> int:
        """How many rows may be handed in, accepted or not: each is journaled, so there is an end to it."""
        return max(200, 10 * self.room)


@dataclass
class ProgramHost:
    """Host functions for one attempt. Everything is journaled before the program goes on.

    Args:
        seed: another one gives other replies to the same prompts.
        answer_passes: whether a row's own answer is right by the task's scorer.
    """

    attempt: int
    allowance: Allowance
    journal: Journal
    teacher: JournaledModel
    checks: RowChecks
    temperature: float
    clock: Callable[[], float]
    seed: int = 0
    answer_passes: Callable[[Row], bool] = lambda row: True
    calls_used: int = 0
    submitted: int = 0
    interruption: BaseException | None = None
    accepted: Counter[str] = field(default_factory=Counter)
    _asked: Counter[str] = field(default_factory=Counter)
    _replies: set[str] = field(default_factory=set)
    _logged: int = 0

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

    def ask(self, prompts: Json, options: Json) -> list[Json]:
        """Replies in the order of the prompts. Raises OutOfCalls, or BadArgument, and asks nothing then."""
        texts, how = read_prompts(prompts), read_options(options)
        if self.calls_used + len(texts) > self.allowance.calls:
            left = self.allowance.calls - self.calls_used
            raise OutOfCalls(f"asked for {len(texts)} calls, {left} are left; see remaining()['calls']")
        self.calls_used += len(texts)
        requests = [self._request(text, how) for text in texts]
        try:
            completions = self.teacher.complete(requests, self.attempt)
        except RefusedRequest as error:
            raise BadArgument(str(error)) from None
        self._replies.update(request.hash for request in requests)
        return [_reply(request, completion) for request, completion in zip(requests, completions, strict=True)]

    def submit(self, rows: Json) -> Json:
        """What became of the rows. Raises BadArgument, and takes none of them then, when one has the wrong shape."""
        left = self.allowance.submissions - self.submitted
        read = [read_row(raw, self._replies) for raw in read_rows(rows, left)]
        read = [(self._placed(row), problem) for row, problem in read]
        rejected: dict[str, list[Json]] = {}
        accepted = 0
        for row, problem in read:
            reason, detail = self._judge(row, problem)
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

    def log(self, text: Json) -> None:
        """Journal a line; a program that writes too many is told once and then ignored."""
        self._logged += 1
        if self._logged > MAX_LOG_LINES + 1:
            return
        line = str(text)[:MAX_LOG_CHARACTERS] if isinstance(text, str | int | float) else f"a {type(text).__name__}"
        if self._logged > MAX_LOG_LINES:
            line = f"more than {MAX_LOG_LINES} lines: what the program logs from here on is not kept"
        self.journal.event("log", text=line, attempt=self.attempt)

    def _placed(self, row: Row) -> Row:
        """Where a task has neither labels nor skills, all rows count for its only, nameless skill."""
        return replace(row, skill="") if self.allowance.rows.keys() == {""} else row

    def _judge(self, row: Row, problem: str) -> tuple[str, str]:
        """Check one row and journal it with its verdict; what the program may know of it, no reason if accepted."""
        rejection = Rejection("malformed", problem) if problem else self.checks.check(row)
        reason, detail = (rejection.reason, rejection.detail) if rejection else ("", "")
        if not reason and not self.answer_passes(row):
            reason, detail = "answer_fails_scorer", row.output[:200]
        if not reason and self.accepted.total() >= self.allowance.room:
            reason, detail = "over_budget", "the run's row budget is spent"
        status = "accepted" if not reason else "quarantined" if reason == "leak" else "rejected"
        self.journal.row(self.attempt, self.submitted, row, status=status, reason=reason, detail=detail)
        self.submitted += 1
        if not reason:
            self.checks.remember(row)
            self.accepted[row.skill] += 1
        return reason, LEAK_DETAIL if reason == "leak" else detail

    def _request(self, prompt: str, options: AskOptions) -> Request:
        messages: list[Message] = [{"role": "user", "content": prompt}]
        if options.system:
            messages.insert(0, {"role": "system", "content": options.system})
        self._asked[prompt] += 1
        return Request(
            messages=tuple(messages),
            temperature=self.temperature if options.temperature is None else options.temperature,
            max_tokens=options.max_tokens,
            schema=options.schema,
            sample=self.seed * 1_000_000 + self.attempt * 10_000 + self._asked[prompt],
        )

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Stops of the run pass through the program as errors; they are kept, and raised again after it."""

        takes = len(signature(function).parameters)

        def call(*arguments: Any) -> Any:
            if self.interruption:
                raise RuntimeError("the run is stopping")
            if len(arguments) != takes:
                raise BadArgument(f"this host function takes {takes} arguments, not {len(arguments)}")
            try:
                return function(*arguments)
            except PROGRAM_ERRORS:
                raise
            except BaseException as error:
                self.interruption = error
                raise RuntimeError("the run is stopping") from None

        return call


def _reply(request: Request, completion: Completion) -> Json:
    return {"id": request.hash, "text": completion.text, "data": _parsed(request, completion)}


def _parsed(request: Request, completion: Completion) -> Json:
    """The reply's JSON when a schema was asked for and the reply is whole; None otherwise."""
    if request.schema is None or completion.finish_reason != "stop":
        return None
    try:
        data = json.loads(_THINKING.sub("", completion.text))
        json.dumps(data, ensure_ascii=False).encode("utf-8")  # half a surrogate pair cannot enter the sandbox
    except (ValueError, RecursionError):
        return None
    return data
