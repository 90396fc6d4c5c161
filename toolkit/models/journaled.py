"""A chat model whose every answer is in the journal before anybody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from toolkit.journal import Journal
from toolkit.models.chat import ChatModel
from toolkit.models.reading import storable
from toolkit.types import Completion, Request


class JournaledModel:
    """Asks the journal first and the model second; the model is opened when it is needed.

    Args:
        name: `backend/name`, as noted in the journal.
        role: what the model is in this run, `teacher` or `engineer`.
        opener: opens the model; not called while the journal has all the answers.
        safe_point: called between questions; it may raise to stop the run there.
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
        known = {request.hash: self._journal.answered(request.hash) for request in requests}
        answers = {key: completion for key, completion in known.items() if completion}
        for request, answer in self._fresh([r for r in requests if r.hash not in answers]):
            completion = replace(answer, text=storable(answer.text))
            self._journal.call(request, completion, role=role or self.role, model=self.name, attempt=attempt)
            answers[request.hash] = completion
            self._safe_point()
        return [answers[request.hash] for request in requests]

    def _fresh(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        if not requests:
            return iter(())
        self._safe_point()
        if self._model is None:
            self._model = self._opener()
        return self._model.complete(requests)

    def release(self) -> None:
        """Give the model's memory back; it is opened again at the next unanswered question."""
        if self._model is not None:
            self._model.close()
            if parting := getattr(self._model, "parting", ""):
                self._journal.event("log", text=parting)
            self._model = None
