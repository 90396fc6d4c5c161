"""Hire: the engineer that the recipe names, with its model behind it."""

from __future__ import annotations

from toolkit.engineer import Engineer, open_engineer
from toolkit.programs import library
from toolkit.stages.session import Session


def hire(session: Session) -> Engineer:
    """The run's engineer."""
    settings = session.recipe.file.engineer
    return open_engineer(settings.kind, library.source(settings.program))
