"""What a model is fit for, in plain words: its probe, the settings that follow, and what it is too weak for."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.engineer.engineer import EngineerModel
from toolkit.engineer.fitness import Fitness, fitness
from toolkit.models.probe import CONTEXTS, DUPLICATE_ASKS, Probe
from toolkit.types import Completion, Request

WEAK_JSON = 0.8
MANY_DUPLICATES = 0.5
FEW_ROWS = 50.0
ASKED_NOT_TO_THINK = "ollama/"
"""The backend that `teacher.think` reaches; other servers decide for themselves."""

PARTS = {
    "duplicates": "repeated answers",
    "json_with_schema": "JSON with a schema",
    "json_without_schema": "JSON in words",
    "rows": "yield",
    "context": "lengths of context",
    "program": "a trial program",
}


def page(found: Probe, fitness: Fitness | None) -> Iterator[str]:
    """The measurement, the settings that follow from it, and what the model is too weak for."""
    yield f"{found.name}: {found.asked} questions in {found.seconds:.0f} s"
    yield f"  speed                {found.tokens_per_second:.0f} tokens/s over all questions at once"
    yield f"  context              {found.context_usable} of {found.context} tokens tried and usable"
    held, asked = (_rate(rate) for rate in (found.json_with_schema, found.json_without_schema))
    yield f"  valid JSON           {held} with a schema, {asked} in words"
    same = found.reached.get("duplicates", [DUPLICATE_ASKS])[0]
    yield f"  repeated answers     {found.duplicates:.0%} of {same} answers to one prompt"
    if found.yield_rows is not None:
        yield f"  yield                {found.yield_rows:.0f} valid, unique rows for 100 asked for"
    if fitness:
        yield f"  writes programs      {'yes, one ran and made rows' if fitness.code else f'no: {fitness.why}'}"
    elif "program" in found.reached:
        yield "  writes programs      not known: it wrote none in its time; `engineer.kind: auto` asks without a limit"
    if found.problems:
        reasons = ", ".join(f"{count} × {name.replace('_', ' ')}" for name, count in found.problems.items())
        yield f"  replies of no use    {reasons}"
    if found.reached:
        parts = ", ".join(f"{n} of {of} for {PARTS.get(part, part)}" for part, (n, of) in found.reached.items())
        yield f"  time was over        after {parts}: these figures say less"
    yield "settings:"
    for key, value, why in settings(found, fitness):
        yield f"  --set {key}={value}   {why}"
    weak = list(weaknesses(found, fitness))
    yield "too weak for:" if weak else "nothing was found that it is too weak for"
    for line in weak:
        yield f"  {line}"


def settings(found: Probe, fitness: Fitness | None) -> Iterator[tuple[str, str, str]]:
    """Key, value and reason of what a recipe should say for this model."""
    yield "teacher.model", found.name, "as measured"
    if found.context_usable:
        tried = "the longest one that there was time for" if "context" in found.reached else "the longest prompt"
        yield "teacher.context", str(found.context_usable), f"{tried} that it still knew the start of"
    if found.duplicates > MANY_DUPLICATES:
        yield "teacher.temperature", "1.1", "it repeats itself at 0.9"
    if found.thinks and found.name.startswith(ASKED_NOT_TO_THINK):
        yield (
            "teacher.think",
            "false",
            "it thinks before it answers"
            + (", and that spoils its JSON" if found.thinking_spoils_json else ", which costs tokens"),
        )
    if fitness:
        yield "engineer.kind", fitness.kind, "what `auto` chooses"


def weaknesses(found: Probe, fitness: Fitness | None) -> Iterator[str]:
    """What a run should not ask of this model."""
    if found.json_with_schema is not None and found.json_with_schema < WEAK_JSON:
        yield "tasks whose rows are JSON: too many of its answers break the schema"
    if found.yield_rows is not None and found.yield_rows < FEW_ROWS:
        yield "many rows from few calls: ask it for one row at a time, and give it more calls"
    if found.thinks and not found.name.startswith(ASKED_NOT_TO_THINK):
        yield "short answers: it thinks first; tell its server not to let it (llama-server: --reasoning-budget 0)"
    if found.duplicates > MANY_DUPLICATES:
        yield "one prompt asked many times: it needs other situations in each prompt"
    longest = min(1024, max([length for length in CONTEXTS if length <= found.context], default=0))
    if found.context_usable < longest and "context" not in found.reached:
        yield "prompts with many examples: it loses the start of long prompts"
    if fitness and not fitness.code:
        yield "the engineer `code`" + ("" if fitness.json else ", and `plan` as well")


def _rate(rate: float | None) -> str:
    return "not known" if rate is None else f"{rate:.0%}"


def known_fitness(name: str) -> Fitness | None:
    """What was measured of a model as an engineer; None when nothing was, and nothing is measured here."""

    class NotKnown(Exception):
        pass

    def ask(_request: Request, _attempt: int) -> Completion:
        raise NotKnown

    try:
        return fitness(name, EngineerModel(ask))
    except NotKnown:
        return None
