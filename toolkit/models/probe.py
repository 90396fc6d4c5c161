"""What a teacher is fit for: a few dozen small questions, never its name.

Measured through the same seam that a run uses, so that what is found holds for the run.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from toolkit.errors import ModelError
from toolkit.models.chat import ChatModel
from toolkit.models.json_schema import misfit
from toolkit.models.reading import BadJson, read, strict_json
from toolkit.paths import cache_dir, write_text
from toolkit.types import Completion, Request, digest

FILE = "probes.json"
VERSION = 1
DUPLICATE_ASKS = 40
JSON_ASKS = 10
LIST_ASKS = 6
ROWS_A_REPLY = 5
CONTEXTS = (512, 1024, 2048, 4096, 8192)
"""Lengths that are tried, in tokens, as far as the recipe's context and the time go."""

SECONDS = {"duplicates": 25.0, "json_with_schema": 15.0, "json_without_schema": 15.0, "rows": 15.0, "context": 20.0}
"""Part -> once so much time has gone into it, no further answer or longer prompt is waited for."""

FIRST_ANSWER = 20.0
"""Seconds that a part's first answer may take beyond that; what is under way then, or at the end, is broken off."""

LOADING = 300.0
"""Seconds for the first reply of all: a server may have to load the weights."""

ALL_SECONDS, PROGRAM_SECONDS = 120.0, 40.0
"""What is left of the first goes into the questions to an engineer, but no less than the second."""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string"}, "mood": {"enum": ["calm", "angry", "worried"]}},
    "required": ["message", "mood"],
}
_ABOUT = "You write messages that customers send to a shop that sells bicycles."
_MESSAGE = "Write one short message of a customer whose parcel is late. Answer with the message only."
_AS_JSON = (
    "Write one short message of a customer whose parcel is late. Answer with JSON only, no other text:"
    ' an object with the keys "message" (the text) and "mood" (one of "calm", "angry", "worried").'
)
_LIST = f"Write {ROWS_A_REPLY} different short messages of customers {{who}}, as numbered lines and nothing else."
_WHO = (
    "whose parcel is late",
    "who want their money back",
    "who ask about opening hours",
    "with a broken chain",
    "who praise the staff",
    "who lost a receipt",
)
_LINE = re.compile(r"^\s*\d+[.)]\s*(\S.{4,})$", re.MULTILINE)
_FILLER = "The shop opens at nine and closes at six, and on some days it rains. "


@dataclass(frozen=True, slots=True)
class Probe:
    """What was measured. Rates are from 0 to 1; `yield_rows` are valid, unique rows from 100 asked for.

    None: no answer came in its time.

    Args:
        context_usable: the longest prompt, in tokens, whose first sentence the model still knew.
        duplicates: share of repeated answers among those to one prompt, asked 40 times.
        thinks: share of replies that hold a think block.
        problems: why replies were nothing -> how many.
        reached: part -> questions that were answered in its time, and how many there are; only where these differ.
    """

    name: str
    context: int
    context_usable: int
    tokens_per_second: float
    json_with_schema: float | None
    json_without_schema: float | None
    duplicates: float
    yield_rows: float | None
    thinks: float
    asked: int
    seconds: float
    problems: dict[str, int] = field(default_factory=dict)
    reached: dict[str, list[int]] = field(default_factory=dict)

    @property
    def thinking_spoils_json(self) -> bool:
        held, asked = self.json_with_schema, self.json_without_schema
        return self.thinks > 0 and held is not None and asked is not None and held < 0.8 and asked > held

    @property
    def seconds_left(self) -> float:
        """For the questions to an engineer that come after these."""
        return max(PROGRAM_SECONDS, ALL_SECONDS - self.seconds)


class TimeIsOver(Exception):
    """A question got no answer in its time."""


def answer_within(model: ChatModel, request: Request, seconds: float) -> Completion:
    """The answer to one question. Raises TimeIsOver; then the model works on it no longer."""
    for _, completion in model.complete([request], seconds=seconds):
        return completion
    raise TimeIsOver


def probe(name: str, model: ChatModel) -> Probe:
    """Measure a model. Raises ModelError when it does not answer at all."""
    prober = _Prober(model)
    for _ in model.complete([_request("Say hello.", max_tokens=4)], seconds=LOADING):
        pass  # so that the parts' time is not spent on loading
    begun = time.perf_counter()
    duplicates = prober.duplicates()
    tokens, seconds = prober.tokens, time.perf_counter() - begun
    with_schema, without = prober.json_rates()
    rows = prober.rows()
    return Probe(
        name=name,
        context=model.info().context,
        context_usable=prober.usable_context(),
        tokens_per_second=round(tokens / max(seconds, 1e-6), 1),
        json_with_schema=with_schema,
        json_without_schema=without,
        duplicates=duplicates,
        yield_rows=rows,
        thinks=round(prober.thinking / max(prober.asked, 1), 3),
        asked=prober.asked,
        seconds=round(time.perf_counter() - begun, 1),
        problems=dict(prober.problems.most_common()),
        reached=prober.reached,
    )


def cached_probe(name: str) -> Probe | None:
    """The last measurement of this model with these questions."""
    found = _read().get(_key(name))
    try:
        return Probe(**found) if isinstance(found, dict) else None
    except TypeError:
        return None


def cached_probes() -> list[Probe]:
    """All measurements with these questions, by name."""
    names = sorted({key.rpartition("@")[0] for key in _read()})
    return [found for found in map(cached_probe, names) if found]


def remember(found: Probe) -> None:
    """Keep a measurement for later."""
    write_text(cache_dir() / FILE, json.dumps({**_read(), _key(found.name): asdict(found)}, indent=1, sort_keys=True))


class _Prober:
    """Asks, and keeps count."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.asked = self.tokens = self.thinking = 0
        self.problems: Counter[str] = Counter()
        self.reached: dict[str, list[int]] = {}

    def ask(self, part: str, requests: Sequence[Request], *, spent: float = 0.0) -> list[tuple[Request, Completion]]:
        """The answers that come in the part's time.

        Args:
            spent: seconds of it that are gone already.
        """
        found: list[tuple[Request, Completion]] = []
        begun = time.perf_counter() - spent
        longest = SECONDS[part] - spent + (0.0 if spent else FIRST_ANSWER)
        answers = self._model.complete(requests, seconds=longest)
        for request, completion in answers:
            found.append((request, completion))
            self.tokens += completion.completion_tokens
            self.thinking += "<think" in completion.text
            if problem := read(request, completion).problem:
                self.problems[problem] += 1
            if time.perf_counter() - begun > SECONDS[part]:
                break
        if isinstance(answers, Generator):
            answers.close()  # what is not answered yet must not go on beside the next part, nor before it
        self.asked += len(found)
        if len(found) < len(requests):
            self.reached[part] = [len(found), len(requests)]
        return found

    def duplicates(self) -> float:
        replies = self.ask("duplicates", [_request(_MESSAGE, sample=number) for number in range(DUPLICATE_ASKS)])
        texts = [_plain(found.text) for request, reply in replies if not (found := read(request, reply)).problem]
        if not texts:
            raise ModelError(
                "the model gave no usable answer to a small question: " + self._why(),
                "try it by hand, or choose another model: `schoolhouse models`",
            )
        return round(1 - len(set(texts)) / len(texts), 3)

    def _why(self) -> str:
        problems = ", ".join(f"{count} × {name}" for name, count in self.problems.most_common())
        return problems or f"none came within {SECONDS['duplicates'] + FIRST_ANSWER:.0f} s"

    def json_rates(self) -> tuple[float | None, float | None]:
        """Share of valid answers with a schema, and with words alone."""
        samples = range(JSON_ASKS)
        held = self.ask("json_with_schema", [_request(_AS_JSON, schema=SCHEMA, sample=number) for number in samples])
        asked = self.ask("json_without_schema", [_request(_AS_JSON, sample=number) for number in samples])
        with_schema = sum(not read(request, reply).problem for request, reply in held)
        without = sum(_fits(read(request, reply).text) for request, reply in asked)
        return _share(with_schema, len(held)), _share(without, len(asked))

    def rows(self) -> float | None:
        """Valid, unique rows for 100 asked for, with several in each reply."""
        replies = self.ask("rows", [_request(_LIST.format(who=who), max_tokens=250) for who in _WHO[:LIST_ASKS]])
        kept: set[str] = set()
        for request, reply in replies:
            found = read(request, reply)
            lines = [_plain(line) for line in _LINE.findall(found.text)[:ROWS_A_REPLY]]
            kept |= set(lines[:-1] if found.problem == "cut_off" else lines)
        return round(100 * len(kept) / (len(replies) * ROWS_A_REPLY), 1) if replies else None

    def usable_context(self) -> int:
        """The longest prompt whose first sentence was remembered; 0 when even the shortest was not."""
        usable, begun = 0, time.perf_counter()
        lengths = [length for length in CONTEXTS if length <= self._model.info().context]
        for number, length in enumerate(lengths):
            spent = time.perf_counter() - begun if number else 0.0
            prompt = "The secret word is PELICAN. " + _FILLER * ((length - 150) * 4 // len(_FILLER))
            question = _request(prompt + "What is the secret word?", temperature=0.0)
            try:
                replies = self.ask("context", [question], spent=spent) if spent < SECONDS["context"] else []
            except ModelError:
                break
            if not replies:
                self.reached["context"] = [number, len(lengths)]
                break
            if "pelican" not in read(*replies[0]).text.lower():
                break
            usable = length
        return usable


def _request(text: str, **options: Any) -> Request:
    given = {"temperature": 0.9, "max_tokens": 80, **options}
    return Request(({"role": "system", "content": _ABOUT}, {"role": "user", "content": text}), **given)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _fits(text: str) -> bool:
    try:
        return not misfit(strict_json(text), SCHEMA)
    except BadJson:
        return False


def _share(count: int, total: int) -> float | None:
    return round(count / total, 3) if total else None


def _key(name: str) -> str:
    return f"{name}@{digest([VERSION, _MESSAGE, _AS_JSON, _LIST, SCHEMA])[:12]}"


def _read() -> dict[str, Any]:
    try:
        found = json.loads((cache_dir() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
