"""A chat model whose every answer is in the journal before anybody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from toolkit.journal import Journal
from toolkit.models.chat import ChatModel
from toolkit.models.reading import storable
from toolkit.types import Completion, Request

MOST_TOGETHER = 64
HASH_SHOWN = 16
"""Characters of a request's hash in the event that tells of its asking."""


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

    def knows(self, request: Request) -> bool:
        """Whether the journal has the answer already."""
        return self._journal.answered(request.hash) is not None

    def complete(self, requests: Sequence[Request], attempt: int, role: str | None = None) -> list[Completion]:
        """Answers in the order of the requests. Each is journaled as it comes, under the model's role or another."""
        hashes = [request.hash for request in requests]
        answers = self._journal.answered_of(hashes)
        together: list[tuple[Request, Completion]] = []
        fresh = {key: request for key, request in zip(hashes, requests, strict=True) if key not in answers}
        if fresh and (role or self.role) == "teacher":
            self._journal.event("asked", attempt=attempt, requests=[key[:HASH_SHOWN] for key in fresh])
        try:
            for request, answer in self._fresh(list(fresh.values())):
                together.append((request, replace(answer, text=storable(answer.text))))
                if len(together) < MOST_TOGETHER and self._more_is_there():
                    continue  # answers that are here already share one wait for the disk
                answers |= self._keep(together, attempt, role)
                self._safe_point()
        finally:
            answers |= self._keep(together, attempt, role)
        return [answers[key] for key in hashes]

    def _keep(
        self, together: list[tuple[Request, Completion]], attempt: int, role: str | None
    ) -> dict[str, Completion]:
        """Journal the answers, and forget them here; they are returned by the hash of their request."""
        kept, together[:] = list(together), []
        if kept:
            self._journal.calls_answered(kept, role=role or self.role, model=self.name, attempt=attempt)
        return {request.hash: answer for request, answer in kept}

    def _more_is_there(self) -> bool:
        """Whether the next answer has come already; models that cannot say have none."""
        return getattr(self._model, "ready", 0) > 0

    def _fresh(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        if not requests:
            return iter(())
        self._safe_point()
        if self._model is None:
            self._model = self._opener()
            if watch := getattr(self._model, "watch", None):  # a server may sleep for minutes
                watch(self._safe_point)
        return self._model.complete(requests)

    def release(self) -> None:
        """Give the model's memory back; it is opened again at the next unanswered question."""
        if self._model is not None:
            self._model.close()
            if parting := getattr(self._model, "parting", ""):
                self._journal.event("log", text=parting)
            self._model = None
