"""The other side of a data program: what its calls do, and what it may still spend."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

from toolkit.data.checks import Rejection, RowChecks
from toolkit.errors import RefusedRequest
from toolkit.journal import Journal
from toolkit.models.journaled import JournaledModel
from toolkit.models.reading import CUT, read, runs_into_the_cut
from toolkit.programs.arguments import (
    AskOptions,
    BadArgument,
    read_options,
    read_prompts,
    read_row,
    read_rows,
    read_verification,
)
from toolkit.types import Completion, Json, Message, Request, Row, digest

MAX_LOG_LINES = 200
MAX_LOG_CHARACTERS = 2000
MAX_VERIFICATIONS = 4000
VERIFYING_SECONDS = 900
"""Queries and tests of one attempt may take so long in all; each has a limit of its own."""

Verify = Callable[[str, str, str, Mapping[str, Json]], bool]
LEAK_DETAIL = "too close to an evaluation item"
"""All that a program hears of a leak: which item of which split is for the journal."""


class OutOfCalls(RuntimeError):
    """Seen by the program that asks for more than its budget holds."""


class OutOfTime(RuntimeError):
    """Seen by the program whose time is over: no new question is asked for it."""


PROGRAM_ERRORS = (OutOfCalls, OutOfTime, BadArgument)
"""What the program did wrong and may mend; everything else stops the run."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an attempt may spend.

    `rows` is by skill; `room` is how many rows the run's budget still takes in all. `seconds` is what the
    host's clock shows when the time is over.
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
        teacher_wrote: whether a row's text comes from the replies that it names.
        by_hand: how many accepted rows may have another text.
        verify: kind of answer, answer, expected answer, what else the scorer needs -> whether they agree.
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
    teacher_wrote: Callable[[Row], bool] = lambda row: True
    by_hand: int = 0
    verify: Verify = lambda kind, answer, expected, more: False
    calls_used: int = 0
    submitted: int = 0
    interruption: BaseException | None = None
    out_of_time: bool = False
    accepted: Counter[str] = field(default_factory=Counter)
    _asked: Counter[str] = field(default_factory=Counter)
    _replies: set[str] = field(default_factory=set)
    _logged: int = 0
    _cut: dict[str, str] = field(default_factory=dict)
    _none: dict[str, str] = field(default_factory=dict)
    _written: int = 0
    _verified: int = 0
    _verifying: dict[str, float] = field(default_factory=dict)

    def functions(self) -> dict[str, Callable[..., Json]]:
        """The names that the prelude calls."""
        return {
            "host_ask": self._guarded(self.ask),
            "host_submit": self._guarded(self.submit),
            "host_remaining": self._guarded(self.remaining),
            "host_log": self._guarded(self.log),
            "host_verify": self._guarded(self.verified),
        }

    def missing(self) -> dict[str, int]:
        """Rows still needed, by skill; none once the run's row budget is spent."""
        if self.accepted.total() >= self.allowance.room:
            return {}
        needed = {skill: count - self.accepted[skill] for skill, count in self.allowance.rows.items()}
        return {skill: count for skill, count in needed.items() if count > 0}

    def ask(self, prompts: Json, options: Json) -> list[Json]:
        """Replies in the order of the prompts. Raises OutOfCalls, OutOfTime or BadArgument, and asks nothing then."""
        texts, how = read_prompts(prompts), read_options(options)
        if self.calls_used + len(texts) > self.allowance.calls:
            left = self.allowance.calls - self.calls_used
            raise OutOfCalls(f"asked for {len(texts)} calls, {left} are left; see remaining()['calls']")
        requests = [self._request(text, how) for text in texts]
        self._check_time(requests)
        self.calls_used += len(texts)
        try:
            completions = self.teacher.complete(requests, self.attempt)
        except RefusedRequest as error:
            raise BadArgument(str(error)) from None
        self._replies.update(request.hash for request in requests)
        return [self._reply(request, completion) for request, completion in zip(requests, completions, strict=True)]

    def submit(self, rows: Json) -> Json:
        """What became of the rows. Raises BadArgument, and takes none of them then, when one has the wrong shape."""
        left = self.allowance.submissions - self.submitted
        read = [read_row(raw, self._replies) for raw in read_rows(rows, left)]
        read = [(self._placed(row), problem) for row, problem in read]
        self.checks.expect([row.input for row, problem in read if not problem])
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

    def verified(self, kind: Json, answer: Json, expected: Json, more: Json) -> bool:
        """Whether an answer and an expected one agree by the scorer of a kind. Raises BadArgument.

        What the journal knows is not verified again, and counts against the limits as it did.
        """
        given = read_verification(kind, answer, expected, more)
        self._verified += 1
        if self._verified > MAX_VERIFICATIONS or sum(self._verifying.values()) > VERIFYING_SECONDS:
            raise BadArgument(f"verify is over: {MAX_VERIFICATIONS} calls or {VERIFYING_SECONDS} s of them at most")
        key = digest(list(given))
        agrees, self._verifying[key] = self.journal.verification(key) or self._verify(key, given)
        return agrees

    def _verify(self, key: str, given: tuple[str, str, str, dict[str, Json]]) -> tuple[bool, float]:
        """Whether they agree, and the seconds that it took; journaled."""
        began = time.monotonic()
        agrees = self.verify(*given)
        seconds = time.monotonic() - began
        kind, answer, expected, more = given
        texts = [answer, expected, json.dumps(more, ensure_ascii=False)]
        self.journal.verified(key, self.attempt, kind, texts, agrees=agrees, seconds=seconds)
        return agrees, seconds

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
        """The row under the skill that it counts for: its label, whatever the program says.

        Where a task has neither labels nor skills, all rows count for its only, nameless skill.
        """
        if self.checks.labels:
            return replace(row, skill=row.output[:200])
        return replace(row, skill="") if self.allowance.rows.keys() == {""} else row

    def _judge(self, row: Row, problem: str) -> tuple[str, str]:
        """Check one row and journal it with its verdict; what the program may know of it, no reason if accepted."""
        rejection = Rejection("malformed", problem) if problem else self.checks.check(row)
        reason, detail = (rejection.reason, rejection.detail) if rejection else ("", "")
        if not reason:
            reason, detail = self._reply_problem(row)
        if not reason and not self.answer_passes(row):
            reason, detail = "answer_fails_scorer", row.output[:200]
        own = not reason and not self.teacher_wrote(row)
        if own and self._written >= self.by_hand:
            reason, detail = "hand_written", f"its text is in no teacher reply that it names: {row.input[:200]}"
        if not reason and self.accepted.total() >= self.allowance.room:
            reason, detail = "over_budget", "the run's row budget is spent"
        status = "accepted" if not reason else "quarantined" if reason == "leak" else "rejected"
        self.journal.row(self.attempt, self.submitted, row, status=status, reason=reason, detail=detail)
        self.submitted += 1
        if not reason:
            self.checks.remember(row)
            self.accepted[row.skill] += 1
            self._written += own
        return reason, LEAK_DETAIL if reason == "leak" else detail

    def _reply_problem(self, row: Row) -> tuple[str, str]:
        """Why a reply that the row names is none, or whether the row stands where one was cut off."""
        for call in row.calls:
            if call in self._none:
                return self._none[call], f"a reply that it names is of no use: {row.input[:100]}"
        parts = [row.input] if self.checks.labels else [row.input, row.output]  # a label that is listed is whole
        for cut in (self._cut[call] for call in row.calls if call in self._cut):
            for part in parts:
                if runs_into_the_cut(part, cut):
                    return "cut_off", f"the reply ends in the middle of it: {part[-100:]}"
        return "", ""

    def _check_time(self, requests: Sequence[Request]) -> None:
        """Raises OutOfTime, and from then on always.

        What the journal can answer is answered at any time, so a program that is replayed stops where it did.
        """
        if not self.out_of_time:
            if self.clock() < self.allowance.seconds or all(self.teacher.knows(request) for request in requests):
                return
            self.out_of_time = True
        raise OutOfTime("the time of this run is over; the rows that were accepted are kept")

    def _request(self, prompt: str, options: AskOptions) -> Request:
        messages: list[Message] = [{"role": "system", "content": options.system}] if options.system else []
        for asked, told in options.turns:
            messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
        messages.append({"role": "user", "content": prompt})
        self._asked[prompt] += 1
        return Request(
            messages=tuple(messages),
            temperature=self.temperature if options.temperature is None else options.temperature,
            max_tokens=options.max_tokens,
            schema=options.schema,
            sample=self.seed * 1_000_000 + self.attempt * 10_000 + self._asked[prompt],
        )

    def _reply(self, request: Request, completion: Completion) -> Json:
        """What the program sees: text without thoughts, and JSON that keeps to the schema that was asked for."""
        found = read(request, completion)
        if found.problem in CUT:
            self._cut[request.hash] = found.text
        elif found.problem:
            self._none[request.hash] = found.problem
        return {"id": request.hash, "text": found.text, "data": found.data}

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
