"""The one place that says what a server is asked again, how often, and after which wait.

Errors are never journaled as answers: what stays unanswered after these tries is asked again
when the run is resumed.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from toolkit.errors import ModelError

Answer = TypeVar("Answer")
Kind = Literal["busy", "unavailable", "down", "reset", "hang", "crash", "garbage"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How often a question is put when this happens, and how long the waits between are, in seconds.

    Waits double from `first` to `longest`; up to a half of each is left to chance.
    """

    words: str
    tries: int
    first: float
    longest: float


RULES: dict[Kind, Rule] = {
    "busy": Rule("the server was busy (429, or its queue was full)", 12, 0.5, 30.0),
    "unavailable": Rule("the server had an error (5xx)", 6, 0.5, 20.0),
    "down": Rule("the server could not be reached", 4, 0.5, 4.0),
    "reset": Rule("the connection was broken off", 5, 0.2, 5.0),
    "hang": Rule("no answer came in time", 3, 0.5, 5.0),
    "crash": Rule("the model crashed inside its server", 3, 1.0, 8.0),
    "garbage": Rule("what came back was no reply", 3, 0.2, 2.0),
}
CONGESTION: tuple[Kind, ...] = ("busy", "unavailable", "hang")
"""What says that fewer questions should be under way at once."""

MOST_TRIES = 15
"""Of one question, over all kinds of failure."""

LONGEST_SECONDS = 1800.0
"""For one question with all its waits."""

LONGEST_RETRY_AFTER = 300.0
"""A server that asks for a longer pause gets this one."""


class Transient(Exception):
    """A failure that may be gone at the next try.

    Args:
        detail: what the server said; free of secrets.
        wait: seconds that the server asked for, as in `Retry-After`.
    """

    def __init__(self, kind: Kind, detail: str = "", wait: float | None = None) -> None:
        super().__init__(f"{RULES[kind].words}: {detail}" if detail else RULES[kind].words)
        self.kind, self.detail, self.wait = kind, detail, wait


class Unanswered(ModelError):
    """Questions that are still open after all tries. They are not in the journal."""


@dataclass
class Policy:
    """Carries the rules out.

    Args:
        patience: factor on all waits; tests hurry.
        noticed: told of every failure, from the thread it happened in.
        stopped: when set, nothing is tried again, and waits end.
        rest: waits for such an event, for some seconds at most; whether it came.
    """

    patience: float = 1.0
    noticed: Callable[[Transient], None] = lambda failure: None
    stopped: threading.Event = field(default_factory=threading.Event)
    rest: Callable[[threading.Event, float], bool] = threading.Event.wait

    def carry_out(self, send: Callable[[], Answer], over: threading.Event | None = None) -> Answer:
        """The answer of `send`, tried as often as the rules allow. Raises the last Transient.

        Args:
            over: as `stopped`, for this one question.
        """
        try:
            return send()
        except Transient as failure:
            self.noticed(failure)
            return self._again(send, failure, over or self.stopped)

    def _again(self, send: Callable[[], Answer], first: Transient, over: threading.Event) -> Answer:
        """All tries after the first one, which most questions do not need."""
        import stamina

        stamina.instrumentation.set_on_retry_hooks([])  # it would log each retry to stderr
        failures: Counter[Kind] = Counter([first.kind])
        open_failure: Transient | None = first

        def again(error: Exception) -> float | bool:
            if not isinstance(error, Transient) or over.is_set():
                return False
            rule, count = RULES[error.kind], failures[error.kind]
            if count >= rule.tries or failures.total() >= MOST_TRIES:
                return False
            # waited for here, since stamina's own wait cannot be ended
            return False if self.rest(over, self._wait(error, rule, count)) else 0.0

        for attempt in stamina.retry_context(on=again, attempts=MOST_TRIES, timeout=LONGEST_SECONDS):
            with attempt:
                if open_failure:  # stamina's first turn stands for the try that was made before
                    begun, open_failure = open_failure, None
                    raise begun
                try:
                    return send()
                except Transient as failure:
                    failures[failure.kind] += 1
                    self.noticed(failure)
                    raise
        raise AssertionError("stamina ends with an answer or an error")  # pragma: no cover

    def _wait(self, failure: Transient, rule: Rule, count: int) -> float:
        if failure.wait is not None:
            return max(0.001, min(failure.wait, LONGEST_RETRY_AFTER)) * self.patience
        wait = min(rule.longest, rule.first * 2.0 ** (count - 1))
        return wait * random.uniform(0.5, 1.0) * self.patience


def unanswered(lost: Counter[str], asked: int, name: str) -> Unanswered:
    """The error that says how many questions stayed open and why."""
    reasons = "; ".join(f"{count} × {reason}" for reason, count in lost.most_common(4))
    return Unanswered(
        f"{lost.total()} of {asked} questions to {name} got no answer: {reasons}",
        "what was answered is kept; `schoolhouse resume last` asks only the others again",
    )
