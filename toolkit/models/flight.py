"""Many questions to one server at a time: as many as it bears, and no more."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue

from toolkit.errors import ModelError
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


class Flight:
    """Asks a server through worker threads. They are daemons: a server that sleeps keeps no process alive.

    Args:
        name: `backend/name`, for messages.
        most: questions under way at once, at most.
        patience: factor on all waits between tries.
    """

    def __init__(self, name: str, *, first: int, most: int, patience: float = 1.0) -> None:
        self._name = name
        self.limit = Limit(first, most)
        self.policy = Policy(patience, self._noticed)
        self.glance: Callable[[], None] = lambda: None
        """Called a few times a second while no answer comes; it may raise to end the waiting."""
        self._done: SimpleQueue[Outcome] = SimpleQueue()
        # a question that waits for its next try gives its place to another one
        self._workers, self._most_workers = 0, 2 * most
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()

    @property
    def ready(self) -> int:
        """How many answers have come that nobody has taken yet."""
        return self._done.qsize()

    def close(self) -> None:
        """No more tries. Answers that are still under way are dropped."""
        self.policy.stopped.set()
        for _ in range(self._workers):
            self._tasks.put(lambda: None)  # wakes one that has nothing to do

    def answers(
        self, requests: Sequence[Request], send: Callable[[Request], Completion]
    ) -> Iterator[tuple[Request, Completion]]:
        """Each request with its answer, as they come.

        Raises Unanswered in the end when some have none, and the ModelError of a question
        that cannot be answered at all; what is under way is waited for first.
        """
        waiting, under_way = deque(requests), 0
        done = self._done = SimpleQueue()
        lost: Counter[str] = Counter()
        in_a_row, fatal = 0, None
        while under_way or (waiting and not fatal):
            while waiting and not fatal and in_a_row < HOPELESS and under_way < 2 * self.limit.value:
                self._submit(partial(self._one, waiting.popleft(), send, done))
                under_way += 1
            if not under_way:
                break
            request, outcome = self._next(done)
            under_way -= 1
            if isinstance(outcome, Completion):
                in_a_row = 0
                yield request, outcome
            elif isinstance(outcome, Transient):
                lost[RULES[outcome.kind].words] += 1
                in_a_row += HOPELESS if outcome.kind == "down" else 1
            else:
                fatal = fatal or outcome
        if fatal:
            raise fatal
        if lost:
            lost["not asked any more"] = len(waiting)
            raise unanswered(+lost, len(requests), self._name)

    def _next(self, done: SimpleQueue[Outcome]) -> Outcome:
        while True:
            try:
                return done.get(timeout=GLANCE_SECONDS)
            except Empty:
                self.glance()

    def _submit(self, task: Callable[[], None]) -> None:
        self._tasks.put(task)
        if self._workers < self._most_workers:
            self._workers += 1
            threading.Thread(target=self._work, name=f"teacher-{self._workers}", daemon=True).start()

    def _work(self) -> None:
        while not self.policy.stopped.is_set():
            self._tasks.get()()

    def _one(
        self,
        request: Request,
        send: Callable[[Request], Completion],
        done: SimpleQueue[Outcome],
    ) -> None:
        try:
            completion = self.policy.carry_out(lambda: self._send(request, send))
        except (Transient, ModelError) as error:
            done.put((request, error))
        except Exception as error:  # a mistake of ours: it must not end in silence
            done.put((request, error))
        else:
            self.limit.answered()
            done.put((request, completion))

    def _send(self, request: Request, send: Callable[[Request], Completion]) -> Completion:
        with self.limit.place(self.policy.stopped):
            return send(request)

    def _noticed(self, failure: Transient) -> None:
        if failure.kind in CONGESTION:
            self.limit.refused()
