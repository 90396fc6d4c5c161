"""Hire: the engineer that the recipe names, with its model behind it."""

from __future__ import annotations

from toolkit.engineer import Engineer, EngineerModel, open_engineer
from toolkit.errors import RefusedRequest
from toolkit.programs import library
from toolkit.stages.session import Session
from toolkit.types import Completion, Request


def hire(session: Session) -> Engineer:
    """The run's engineer."""
    settings = session.recipe.file.engineer
    return open_engineer(settings.kind, library.source(settings.program), model_of(session))


def model_of(session: Session) -> EngineerModel:
    """The engineer's model: every question and answer is in the journal, under the role `engineer`."""
    settings = session.recipe.file.engineer

    def ask(request: Request, attempt: int) -> Completion:
        try:
            return session.engineer.complete([request], attempt, "engineer")[0]
        except RefusedRequest as error:  # too long for the context: an attempt that failed, not a run
            session.journal.event("log", text=f"the engineer's model refused: {error.message}", attempt=attempt)
            return Completion("", "error", 0, 0)

    return EngineerModel(ask, settings.temperature, settings.max_tokens)
