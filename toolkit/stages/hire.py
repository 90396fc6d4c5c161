"""Hire: the engineer that the recipe names, with its model behind it."""

from __future__ import annotations

from dataclasses import replace

from toolkit.engineer import Engineer, EngineerModel, open_engineer
from toolkit.engineer.fitness import fitness, known_fitness
from toolkit.errors import RefusedRequest
from toolkit.programs import library
from toolkit.stages.session import Session
from toolkit.types import Completion, Request


def hire(session: Session) -> Engineer:
    """The run's engineer."""
    settings = session.recipe.file.engineer
    kind = _measured_kind(session) if settings.kind == "auto" else settings.kind
    program = settings.program if settings.program != "auto" else library.program_for(session.recipe.file.task.answer)
    at_once = kind == "plan" and _at_once(session)
    return open_engineer(kind, library.source(program), replace(model_of(session), at_once=at_once))


def _at_once(session: Session) -> bool:
    """Whether the model may plan in one answer, as far as it was measured; a run keeps to what it began with."""
    known = session.journal.meta("plans_at_once")
    if known is None:
        found = known_fitness(session.engineer.name, session.recipe.file.engineer.temperature)
        known = bool(found and found.at_once)
        session.journal.set_meta("plans_at_once", known)
    return bool(known)


def _measured_kind(session: Session) -> str:
    """What the engineer's model can do; a run that goes on keeps the kind that it began with."""
    known = session.journal.meta("engineer_kind")
    if not known:
        with session.stage("plan"):
            found = fitness(session.engineer.name, model_of(session))
        session.journal.event("log", text=found.explained(session.engineer.name))
        session.journal.set_meta("engineer_kind", found.kind)
        known = found.kind
    return str(known)


def model_of(session: Session) -> EngineerModel:
    """The engineer's model: every question and answer is in the journal, under the role `engineer`."""
    settings = session.recipe.file.engineer

    def ask(request: Request, attempt: int) -> Completion:
        try:
            return session.engineer.complete([request], attempt, "engineer")[0]
        except RefusedRequest as error:  # too long for the context: an attempt that failed, not a run
            session.journal.event("log", text=f"the engineer's model refused: {error.message}", attempt=attempt)
            return Completion("", "error", 0, 0)

    seed = session.recipe.file.teacher.seed
    return EngineerModel(ask, settings.temperature, settings.max_tokens, seed, context=settings.context)
