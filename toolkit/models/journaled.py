"""A chat model whose every answer is in the journal before anybody sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from toolkit.journal import Journal
from toolkit.models.chat import ChatModel
from toolkit.models.reading import storable
from toolkit.types import Completion, Request

MOST_TOGETHER, TOGETHER_SECONDS = 64, 0.05
"""Answers that share one transaction, and how long the first of them waits for others; none is given out before."""

HASH_SHOWN = 16
"""Characters of a request's hash in the event that tells of its asking."""


class _Kept:
    """The new answers to a list of questions: those that are in the journal, and those that wait for it."""

    def __init__(self, journal: Journal, role: str, model: str, attempt: int) -> None:
        self._journal, self._role, self._model, self._attempt = journal, role, model, attempt
        self._waiting: list[tuple[Request, Completion]] = []
        self._since = 0.0
        self.answers: dict[str, Completion] = {}

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def age(self) -> float:
        """Seconds that the first of those that wait has waited."""
        return time.monotonic() - self._since

    def add(self, request: Request, answer: Completion) -> None:
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append((request, answer))

    def write(self) -> None:
        """Journal what waits."""
        written, self._waiting = self._waiting, []
        if written:
            self._journal.calls_answered(written, role=self._role, model=self._model, attempt=self._attempt)
            self.answers.update((request.hash, answer) for request, answer in written)


class JournaledModel:
    """Asks the journal first and the model second; the model is opened when it is needed.

    Args:
        name: `backend/name`, as noted in the journal.
        role: what the model is in this run, `teacher` or `engineer`.
        opener: opens the model; not called while the journal has all the answers.
        safe_point: called between questions, and while a server lets them wait; it may raise to stop the run there.
    """

    def __init__(
        self,
        name: str,
        role: str,
        journal: Journal,
        opener: Callable[[], ChatModel],
        safe_point: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self.role = name, role
        self._journal, self._opener, self._safe_point = journal, opener, safe_point
        self._model: ChatModel | None = None
        self._kept: _Kept | None = None
        self._watched = False

    def knows(self, request: Request) -> bool:
        """Whether the journal has the answer already."""
        return self._journal.answered(request.hash) is not None

    def complete(self, requests: Sequence[Request], attempt: int, role: str | None = None) -> list[Completion]:
        """Answers in the order of the requests. Each is journaled as it comes, under the model's role or another."""
        hashes = [request.hash for request in requests]
        answers = self._journal.answered_of(hashes)
        fresh = {key: request for key, request in zip(hashes, requests, strict=True) if key not in answers}
        if fresh and (role or self.role) == "teacher":
            self._journal.event("asked", attempt=attempt, requests=[key[:HASH_SHOWN] for key in fresh])
        kept = self._kept = _Kept(self._journal, role or self.role, self.name, attempt)
        try:
            for request, answer in self._fresh(list(fresh.values())):
                kept.add(request, replace(answer, text=storable(answer.text)))
                if not self._more_comes(kept):
                    kept.write()
                    self._safe_point()
        finally:
            kept.write()
        answers |= kept.answers
        return [answers[key] for key in hashes]

    def _more_comes(self, kept: _Kept) -> bool:
        """Whether the next answers should share a wait for the disk with these: they are here, or may be soon."""
        if kept.waiting >= MOST_TOGETHER:
            return False
        return getattr(self._model, "ready", 0) > 0 or (self._watched and kept.age < TOGETHER_SECONDS)

    def _nothing_comes(self) -> None:
        """Told a few times a second while a model that can be watched has no answer."""
        if self._kept:
            self._kept.write()
        self._safe_point()

    def _fresh(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        if not requests:
            return iter(())
        self._safe_point()
        if self._model is None:
            self._model = self._opener()
            if watch := getattr(self._model, "watch", None):  # a server may sleep for minutes
                watch(self._nothing_comes)
                self._watched = True
        return self._model.complete(requests)

    def release(self) -> None:
        """Give the model's memory back; it is opened again at the next unanswered question."""
        if self._model is not None:
            self._model.close()
            if parting := getattr(self._model, "parting", ""):
                self._journal.event("log", text=parting)
            self._model = None
