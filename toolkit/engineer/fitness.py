"""How much an engineer's model can be trusted with: measured by two small questions, never by its name.

One question has a JSON answer that is right or wrong. The other asks for a whole program,
which then runs in the sandbox with a made-up teacher. Answers are measured once and cached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from toolkit.engineer.code import empty
from toolkit.engineer.engineer import EngineerModel, Situation
from toolkit.engineer.extract import extract
from toolkit.engineer.prompts import SYSTEM, code_prompt
from toolkit.engineer.words import SYSTEM as JSON_SYSTEM
from toolkit.errors import RefusedRequest
from toolkit.models.reading import json_of
from toolkit.paths import cache_dir, write_text
from toolkit.programs.sandbox import Limits, run_program
from toolkit.types import Completion, Json, digest

FILE = "fitness.json"
LABELS = {
    "lost_key": "the guest has lost a room key",
    "no_towels": "towels are missing",
    "late_checkout": "leaves late",
}
ABOUT = "Messages that guests send to the reception of a hotel."
JSON_QUESTION = (
    "Right answers by label: lost_key 9 of 10, no_towels 3 of 10, late_checkout 6 of 10."
    " Name the two weakest labels, the weakest first."
)
JSON_SCHEMA = {"type": "array", "items": {"enum": list(LABELS)}, "minItems": 2, "maxItems": 2}
JSON_ANSWER = ["no_towels", "late_checkout"]
ROWS = 9
"""Rows, over all labels, that a program has to make."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether a model answers in JSON with sense, and whether its program makes rows; `why` it does not."""

    json: bool
    code: bool
    why: str = ""

    @property
    def at_once(self) -> bool:
        """Whether it may plan a whole lesson in one answer: a model that can write a program can."""
        return self.json and self.code

    @property
    def kind(self) -> str:
        """The kind of engineer that it can be."""
        return "code" if self.code else "plan" if self.json else "bandit"

    def explained(self, name: str) -> str:
        """The choice in a sentence."""
        says = "answers a small JSON question right" if self.json else "does not answer a small JSON question right"
        writes = "its trial program makes rows" if self.code else f"its trial program does not make rows ({self.why})"
        return f"engineer: {self.kind}, because {name} {says} and {writes}"


def fitness(name: str, model: EngineerModel, *, again: bool = False) -> Fitness:
    """A model's fitness, from the cache or measured now.

    Args:
        name: `backend/name`; with the questions it is the key of the cache.
        again: measure it anew, whatever the cache has.
    """
    known = None if again else known_fitness(name, model.temperature)
    if known is None:
        known = measure(model)
        path = cache_dir() / FILE
        found = {**_read(path), _key(name, model.temperature): asdict(known)}
        write_text(path, json.dumps(found, indent=1, sort_keys=True))
    return known


def known_fitness(name: str, temperature: float) -> Fitness | None:
    """What was measured of a model before; None when nothing was. Asks nothing."""
    found = _read(cache_dir() / FILE).get(_key(name, temperature))
    return Fitness(**found) if found else None


def _key(name: str, temperature: float) -> str:
    return f"{name}@{digest([JSON_QUESTION, _code_prompt(), temperature])[:12]}"


def measure(model: EngineerModel) -> Fitness:
    """Ask both questions; one that the model's server refuses is not answered right."""
    try:
        reply = model.question(JSON_SYSTEM, JSON_QUESTION, attempt=0, part=1, schema=JSON_SCHEMA, max_tokens=60)
        able = json_of(reply) == JSON_ANSWER
    except RefusedRequest:
        able = False
    try:
        why = program_fails(model.question(SYSTEM, _code_prompt(), attempt=0, part=2))
    except RefusedRequest as error:
        why = error.message
    return Fitness(able, not why, why)


def program_fails(reply: Completion) -> str:
    """Why the program of a reply makes no rows; empty when it makes them."""
    program, problem = extract(reply)
    if problem := problem or empty(program, "label"):
        return f"{problem.error_class}: {problem.text}"
    teacher = _Teacher()
    ending = run_program(program, teacher.functions(), _inputs(), seed=1, limits=Limits(seconds=5, host_calls=500))
    if len(teacher.rows) >= ROWS and {label for _, label in teacher.rows} == set(LABELS):
        return ""
    last = ending.error.strip().splitlines()[-1:] or [f"{len(teacher.rows)} rows of {ROWS}"]
    return f"{ending.error_class or 'insufficient valid samples'}: {last[0][:160]}"


class _Teacher:
    """Host functions with a made-up teacher: every message is new, and every reply can be read either way."""

    def __init__(self) -> None:
        self.calls, self.written, self.rows = 60, 0, set[tuple[str, str]]()
        self._texts: set[str] = set()

    def functions(self) -> dict[str, Any]:
        return {
            "host_ask": self.ask,
            "host_submit": self.submit,
            "host_remaining": self.remaining,
            "host_log": lambda text: None,
        }

    def ask(self, prompts: Sequence[str], options: Mapping[str, Json]) -> list[Json]:
        self.calls -= len(prompts)
        if self.calls < 0:
            raise RuntimeError("no calls are left")
        return [self._reply(bool(options.get("schema"))) for _ in prompts]

    def _reply(self, as_json: bool) -> Json:
        texts = [f"message number {self.written + index} of a guest" for index in range(5)]
        self.written += 5
        self._texts.update(texts)
        lines = "\n".join(f"{index}. {text}" for index, text in enumerate(texts, 1))
        text = json.dumps(texts) if as_json else lines
        return {"id": str(self.written), "text": text, "data": texts if as_json else None}

    def submit(self, rows: Sequence[Mapping[str, Json]]) -> Json:
        good = {
            (row["input"], row["output"]) for row in rows if row["input"] in self._texts and row["output"] in LABELS
        }
        new = good - self.rows
        self.rows |= new
        turned_away = len(rows) - len(new)
        rejected = {"malformed": [turned_away, "no such label or text"]} if turned_away else {}
        return {"accepted": len(new), "rejected": rejected, "still_needed": sum(self._missing().values())}

    def remaining(self) -> Json:
        missing = self._missing()
        return {"calls": self.calls, "rows": sum(missing.values()), "skills": missing, "seconds": 600}

    def _missing(self) -> dict[str, int]:
        made = {label: sum(label == found for _, found in self.rows) for label in LABELS}
        return {label: ROWS - count for label, count in made.items() if count < ROWS}


def _code_prompt() -> str:
    rows = ROWS * len(LABELS)
    return code_prompt(Situation(0, None, LABELS, rows, 60, {}, about=ABOUT, least=ROWS))


def _inputs() -> dict[str, Json]:
    rows = ROWS * len(LABELS)
    described = {"about": ABOUT, "answer": "label", "form": "the answer", "labels": LABELS, "examples": {}}
    task = {**described, "target_rows": rows, "min_rows": ROWS}
    return {"task": task, "plan": {"skills": dict.fromkeys(LABELS, ROWS)}, "seeds": []}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a cache that cannot be read is measured again
    return found if isinstance(found, dict) else {}
