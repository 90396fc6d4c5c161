"""Many questions to one server at a time: as many as it bears, and no more."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from toolkit.models.retry import CONGESTION, RULES, Policy, Transient, unanswered
from toolkit.types import Completion, Request

Outcome = tuple[Request, Completion | Exception]

BEARABLE = 0.2
"""Share of refused tries up to which a server is not taken to be overloaded: many refuse a few at random."""

GLANCE_SECONDS = 0.2
"""So often somebody who waits looks whether to go on waiting."""

HOPELESS = 5
"""So many questions lost in a row, and no more are put."""


class Limit:
    """How many questions may be under way: additive increase, multiplicative decrease.

    Judged once for each `value` tries. Until the first overload the number doubles.
    """

    def __init__(self, first: int, most: int) -> None:
        self.value, self._most = min(first, most), most
        self._steady = False
        self._answered = self._refused = self._under_way = 0
        self._lock = threading.Condition()

    @contextmanager
    def place(self, stopped: threading.Event) -> Iterator[None]:
        """One of the places; waited for. Raises Transient when the flight is over meanwhile."""
        with self._lock:
            while self._under_way >= self.value:
                if stopped.is_set():
                    raise Transient("reset", "closed")
                self._lock.wait(GLANCE_SECONDS)
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._lock.notify()

    def answered(self) -> None:
        with self._lock:
            self._answered += 1
            self._judge()

    def refused(self) -> None:
        with self._lock:
            self._refused += 1
            self._judge()

    def _judge(self) -> None:
        tries = self._answered + self._refused
        if tries < self.value:
            return
        if self._refused > max(1, BEARABLE * tries) or self._refused == tries:
            self.value, self._steady = max(1, self.value // 2), True
        elif not self._refused or self._answered >= self.value:
            self.value = min(self._most, self.value + 1 if self._steady else self.value * 2)
        else:
            return  # too little to go by: a few more tries decide
        self._answered = self._refused = 0


@dataclass(frozen=True, slots=True)
class _Errand:
    """One list of questions: how each is sent, where its answers go, and whether anybody still wants them."""

    send: Callable[[Request], Completion]
    done: SimpleQueue[Outcome] = field(default_factory=SimpleQueue)
    over: threading.Event = field(default_factory=threading.Event)


class Flight:
    """Asks a server through worker threads. They are daemons: a server that sleeps keeps no process alive.

    Args:
        name: `backend/name`, for messages.
        most: questions under way at once, at most.
        patience: factor on all waits between tries.
        break_off: ends what is under way at the server; called when nobody wants those answers any more.
    """

    def __init__(
        self,
        name: str,
        *,
        first: int,
        most: int,
        patience: float = 1.0,
        break_off: Callable[[], None] = lambda: None,
    ) -> None:
        self._name, self._break_off = name, break_off
        self.limit = Limit(first, most)
        self.policy = Policy(patience, self._noticed, rest=self._rest)
        self.glance: Callable[[], None] = lambda: None
        """Called a few times a second while no answer comes; it may raise to end the waiting."""
        self._errand: _Errand | None = None
        # a question that waits for its next try gives its place, and its worker's, to another one
        self._workers, self._resting, self._most_workers = 0, 0, 2 * most
        self._staffing = threading.Lock()
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()

    @property
    def ready(self) -> int:
        """How many answers have come that nobody has taken yet."""
        return self._errand.done.qsize() if self._errand else 0

    def close(self) -> None:
        """No more tries. Answers that are still under way are dropped."""
        self.policy.stopped.set()
        if self._errand:
            self._errand.over.set()
        for _ in range(self._workers):
            self._tasks.put(lambda: None)  # wakes one that has nothing to do

    def answers(
        self, requests: Sequence[Request], send: Callable[[Request], Completion], seconds: float | None = None
    ) -> Iterator[tuple[Request, Completion]]:
        """Each request with its answer, as they come; what has none after so many seconds is dropped.

        Closing the iterator drops the rest too, also at the server.
        Raises Unanswered in the end when some have none, and the ModelError of a question
        that cannot be answered at all; what is under way is waited for first.
        """
        waiting, under_way = deque(requests), 0
        errand = self._errand = _Errand(send)
        until = math.inf if seconds is None else time.monotonic() + seconds
        lost: Counter[str] = Counter()
        in_a_row, fatal = 0, None
        try:
            while under_way or (waiting and not fatal):
                while waiting and not fatal and in_a_row < HOPELESS and under_way < 2 * self.limit.value:
                    self._submit(partial(self._one, waiting.popleft(), errand))
                    under_way += 1
                if not under_way:
                    break
                found = self._next(errand.done, until)
                if found is None:
                    return
                under_way -= 1
                request, outcome = found
                if isinstance(outcome, Completion):
                    in_a_row = 0
                    yield request, outcome
                elif isinstance(outcome, Transient):
                    lost[RULES[outcome.kind].words] += 1
                    in_a_row += HOPELESS if outcome.kind == "down" else 1
                else:
                    fatal = fatal or outcome
        finally:
            errand.over.set()
            if under_way:
                self._break_off()
        if fatal:
            raise fatal
        if lost:
            lost["not asked any more"] = len(waiting)
            raise unanswered(+lost, len(requests), self._name)

    def _next(self, done: SimpleQueue[Outcome], until: float) -> Outcome | None:
        """The next answer, or None when time is over."""
        while (left := until - time.monotonic()) > 0:
            try:
                return done.get(timeout=min(GLANCE_SECONDS, left))
            except Empty:
                self.glance()
        return None

    # -- workers ------------------------------------------------------------------------------

    def _submit(self, task: Callable[[], None]) -> None:
        self._tasks.put(task)
        self._staff()

    def _staff(self) -> None:
        """One worker more, if those who are not resting are fewer than may be under way.

        No more than these: each answer would only hand its place to another thread.
        """
        with self._staffing:
            if self._workers - self._resting >= self.limit.value or self._workers >= self._most_workers:
                return
            self._workers += 1
        threading.Thread(target=self._work, name=f"teacher-{self._workers}", daemon=True).start()

    def _work(self) -> None:
        while not self.policy.stopped.is_set():
            self._tasks.get()()

    def _rest(self, over: threading.Event, seconds: float) -> bool:
        """Wait for the next try while another worker goes on with the other questions."""
        with self._staffing:
            self._resting += 1
        self._staff()
        try:
            return over.wait(seconds)
        finally:
            with self._staffing:
                self._resting -= 1

    def _one(self, request: Request, errand: _Errand) -> None:
        if errand.over.is_set():
            return
        try:
            outcome: Completion | Exception = self.policy.carry_out(lambda: self._send(request, errand), errand.over)
        except Exception as error:  # also a mistake of ours: it must not end in silence
            outcome = error
        else:
            self.limit.answered()
        errand.done.put((request, outcome))

    def _send(self, request: Request, errand: _Errand) -> Completion:
        with self.limit.place(errand.over):
            if errand.over.is_set():
                raise Transient("reset", "nobody waits for it any more")
            return errand.send(request)

    def _noticed(self, failure: Transient) -> None:
        if failure.kind in CONGESTION:
            self.limit.refused()
