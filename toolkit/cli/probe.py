"""`models probe`: measure what a model is fit for, and print it."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from toolkit.cli.say import say, say_json

if TYPE_CHECKING:
    from toolkit.engineer.fitness import Fitness
    from toolkit.models.chat import ChatModel
    from toolkit.models.probe import Probe

CONTEXT = 8192


def print_probe(
    name: str, *, context: int = CONTEXT, again: bool = False, as_json: bool = False, key_variable: str = ""
) -> None:
    """Measure a model, or tell what was measured before. Raises ModelError.

    Args:
        key_variable: the environment variable that holds its server's key, as `teacher.key_variable`.
    """
    from toolkit.engineer.fit_for import known_fitness, page
    from toolkit.models.catalog import full_name
    from toolkit.models.probe import cached_probe

    name = full_name(name)
    found = None if again else cached_probe(name)
    known = found is not None
    found, fitness = _measure(name, context, key_variable) if found is None else (found, known_fitness(name))
    if as_json:
        say_json({**asdict(found), "fitness": asdict(fitness) if fitness else None}, indent=1)
        return
    if known:
        say("measured before; `--again` measures anew")
    for line in page(found, fitness):
        say(line)


def _measure(name: str, context: int, key_variable: str) -> tuple[Probe, Fitness | None]:
    from toolkit.engineer.engineer import EngineerModel
    from toolkit.engineer.fitness import fitness
    from toolkit.models.chat import open_chat_model
    from toolkit.models.probe import TimeIsOver, answer_within, probe, remember
    from toolkit.models.server import ServerSettings
    from toolkit.types import Completion, Request

    model: ChatModel = open_chat_model(name, context=context, server=ServerSettings(key_variable))
    try:
        say(f"asking {name}; this takes about two minutes", err=True)
        found = probe(name, model)
        until = time.monotonic() + found.seconds_left

        def ask(request: Request, _attempt: int) -> Completion:
            return answer_within(model, request, until - time.monotonic())

        remember(found)  # first: an error in what follows must not cost these minutes
        try:
            # the recipe's defaults, so that `engineer.kind: auto` finds this measurement
            return found, fitness(name, EngineerModel(ask), again=True)
        except TimeIsOver:
            found = replace(found, reached={**found.reached, "program": [0, 1]})
            remember(found)
            return found, None
    finally:
        model.close()
