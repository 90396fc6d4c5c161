"""A chat model in this process, through llama.cpp.

Requests are taken in the order of their tokens, so that neighbours share the longest
prefix; a prefix that any slot holds is never computed twice. Several requests are decoded
in one pass where that is faster than one after the other.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import ModelError, RefusedRequest
from toolkit.models.catalog import full_name
from toolkit.models.chat import ModelInfo
from toolkit.models.choices import Choices
from toolkit.models.llama_native import BATCH_TOKENS, Engine, Entry, Sampler
from toolkit.models.weights import weights_path
from toolkit.types import Completion, Request

SLOTS = 16
"""Measured with a 1.5B model on 2 AVX2 cores: 1 slot 14.7 tokens/s, 4 22.1, 8 20.6, 16 36.7, 32 41.6."""

Grown = Callable[[Request, str], None]
"""Told a request and its answer so far."""

CELLS_PER_SLOT = 512
_WORTH_WAITING = 16  # tokens of prefix that another slot is about to compute


def open_model(name: str, *, context: int = 2048, threads: int | None = None) -> LlamaCppModel:
    """Open a catalog name or a path to a .gguf file. Raises ModelError."""
    return LlamaCppModel(weights_path(name), name=full_name(name), context=context, threads=threads)


@dataclass(slots=True)
class _Job:
    """A request on its way: its prompt, and the answer so far."""

    request: Request
    prompt: list[int]
    closed: Choices | None = None
    sampler: Sampler | None = None
    answer: list[int] = field(default_factory=list)
    text: bytearray = field(default_factory=bytearray)
    cached: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> list[int]:
        return self.prompt + self.answer

    @property
    def room(self) -> int:
        return len(self.prompt) + self.request.max_tokens


@dataclass(slots=True)
class _Slot:
    """One sequence of the KV cache: the tokens that it holds, who is using it, and the turn in which it was given."""

    id: int
    held: list[int] = field(default_factory=list)
    job: _Job | None = None
    turn: int = 0


class LlamaCppModel:
    """A GGUF file that answers chats.

    Args:
        context: tokens that prompt and answer may take together.
        threads: CPU threads; the physical cores when not given.
        slots: requests decoded at the same time.
        adapter: a GGUF LoRA made for these weights.
        key: what sets the context in a recipe, as errors name it.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        context: int = 2048,
        threads: int | None = None,
        slots: int = SLOTS,
        adapter: Path | None = None,
        key: str = "teacher.context",
    ) -> None:
        cells = max(context, slots * min(context, CELLS_PER_SLOT))
        self._engine = Engine(path, cells=cells, sequences=slots, threads=threads or default_threads())
        if adapter is not None:
            self._engine.use_adapter(adapter)
        self._key = key
        self._context, self._cells = min(context, self._engine.trained_context), cells
        self._slots = [_Slot(number) for number in range(slots)]
        self._grammars: dict[str, str] = {}
        self._choices: dict[tuple[str, ...], Choices] = {}
        template = bool(self._engine.chat_template())
        self._render = self._engine.renderer() if template else None
        self._info = ModelInfo(name or path.stem, "llama_cpp", self._context, self._engine.vocabulary, template)
        self._backend_id, self._turns = f"llama_cpp/{self._info.name}", 0

    def info(self) -> ModelInfo:
        return self._info

    def close(self) -> None:
        self._engine.close()

    def forget(self) -> None:
        """Empty the cache, so that what was asked before leaves no trace in how numbers are rounded now."""
        for slot in self._slots:
            self._empty(slot)

    def complete(
        self,
        requests: Sequence[Request],
        choices: Sequence[str] = (),
        grown: Grown | None = None,
        *,
        seconds: float | None = None,
    ) -> Iterator[tuple[Request, Completion]]:
        """Answers as they are finished; first, with the reason `context`, those to prompts that do not fit.

        Args:
            choices: the only answers there are, for a student; the likeliest tokens among theirs are taken.
            grown: told of each answer that goes on, after each of its tokens.

        Raises RefusedRequest for a JSON schema that cannot be used.
        """
        until = math.inf if seconds is None else time.monotonic() + seconds
        jobs = [self._job(request, tuple(choices) or _listed(request)) for request in requests]
        for job in jobs:
            if len(job.prompt) >= self._context:
                yield job.request, Completion("", "context", len(job.prompt), 0, backend_id=self._backend_id)
        pending = deque(sorted((job for job in jobs if len(job.prompt) < self._context), key=lambda job: job.prompt))
        try:
            while (pending or any(slot.job for slot in self._slots)) and time.monotonic() < until:
                self._admit(pending)
                yield from self._step()
                if grown:
                    self._tell(grown)
        finally:
            for slot in self._slots:
                self._release(slot)

    def refusal(self, request: Request, tokens: int) -> RefusedRequest:
        """What to raise where a prompt of so many tokens, which did not fit, may not stay without an answer."""
        needed, trained = tokens + request.max_tokens, self._engine.trained_context
        larger = f"set {self._key} to {needed} or more" if needed <= trained else "choose a model that holds more"
        return RefusedRequest(
            f"a prompt of {tokens} tokens does not fit into a context of {self._context}", f"shorten it, or {larger}"
        )

    # -- from request to job ------------------------------------------------------------------

    def _job(self, request: Request, choices: tuple[str, ...]) -> _Job:
        if self._render is None:
            raise ModelError(
                f"{self._info.name} has no chat template", "choose an instruct model: `schoolhouse models`"
            )
        prompt = self._engine.tokenize(self._render(request.messages))
        return _Job(request, prompt, self._closed(choices) if choices else None)

    def _closed(self, choices: tuple[str, ...]) -> Choices:
        if choices not in self._choices:
            tokens = [self._engine.tokenize(choice) for choice in choices]
            self._choices[choices] = Choices(tokens, {self._engine.end_token})
        return self._choices[choices]

    def _sampler(self, job: _Job) -> Sampler:
        request = job.request
        # below 2^31: llama.cpp takes the largest 32-bit number for "any seed"
        seed = int(request.hash[:8], 16) & 0x7FFFFFFF
        return self._engine.sampler(request.temperature, seed, None if job.closed else self._grammar(request))

    def _grammar(self, request: Request) -> str | None:
        if request.schema is None:
            return None
        schema = json.dumps(request.schema)
        if schema not in self._grammars:
            self._grammars[schema] = self._engine.gbnf(schema)
        return self._grammars[schema]

    # -- slots --------------------------------------------------------------------------------

    def _admit(self, pending: deque[_Job]) -> None:
        """Give idle slots to the next jobs, each beginning with what is already computed."""
        while pending:
            job = pending[0]
            idle = [slot for slot in self._slots if slot.job is None]
            if not idle or not self._fits(job) or self._soon_cheaper(job):
                return
            pending.popleft()
            # among those that share as much, the idle one that loses least when it is used again
            source = max(self._slots, key=lambda s: (_common(s.held, job.prompt), s.job is None, -len(s.held)))
            slot = source if source.job is None else min(idle, key=lambda slot: len(slot.held))
            self._make_room(slot, job)
            self._start(slot, source, job)

    def _start(self, slot: _Slot, source: _Slot, job: _Job) -> None:
        # the last prompt token is always computed: its logits begin the answer
        length = min(_common(source.held, job.prompt), len(job.prompt) - 1)
        kept = self._engine.keep(slot.id, length) if slot is source else self._engine.share(source.id, slot.id, length)
        if not kept:
            self._engine.keep(slot.id, 0)
        slot.held = job.prompt[:length] if kept else []
        job.cached, job.sampler = len(slot.held), self._sampler(job)
        self._turns += 1
        slot.job, slot.turn = job, self._turns

    def _fits(self, job: _Job) -> bool:
        """Whether the cache has room for this job and those under way, to their ends."""
        return self._needed(job) <= self._cells or not any(slot.job for slot in self._slots)

    def _needed(self, job: _Job) -> int:
        return sum(min(one.room, self._context) for one in [job, *(slot.job for slot in self._slots if slot.job)])

    def _make_room(self, taken: _Slot, job: _Job) -> None:
        """Empty idle slots, those that were not used for longest first, until the job fits into the one it takes."""
        idle = sorted((s for s in self._slots if s.job is None and s is not taken), key=lambda slot: slot.turn)
        spare = self._cells - self._needed(job) - sum(len(slot.held) for slot in idle)
        for slot in idle:
            if spare >= 0:
                return
            spare += len(slot.held)
            self._empty(slot)

    def _empty(self, slot: _Slot) -> None:
        self._engine.keep(slot.id, 0)
        slot.held = []

    def _soon_cheaper(self, job: _Job) -> bool:
        """Whether another slot is computing a prefix of this prompt right now."""
        now = max(_common(slot.held, job.prompt) for slot in self._slots)
        soon = max((_common(slot.job.prompt, job.prompt) for slot in self._slots if slot.job), default=0)
        return soon - now >= _WORTH_WAITING

    def _release(self, slot: _Slot) -> None:
        if slot.job and slot.job.sampler:
            slot.job.sampler.close()
        slot.job = None

    # -- one pass -----------------------------------------------------------------------------

    def _step(self) -> Iterator[tuple[Request, Completion]]:
        begun = time.perf_counter()
        active = [slot for slot in self._slots if slot.job]
        entries: list[Entry] = []
        asked: list[tuple[_Slot, int]] = []
        for slot in active:
            assert slot.job
            todo = slot.job.tokens[len(slot.held) :][: BATCH_TOKENS - len(entries)]
            start = len(slot.held)
            whole = start + len(todo) == len(slot.job.tokens)
            last = len(todo) - 1
            entries += [Entry(t, start + i, slot.id, whole and i == last) for i, t in enumerate(todo)]
            slot.held += todo
            if whole and todo:
                asked.append((slot, len(entries) - 1))
        self._engine.forward(entries)
        finished = [(slot, reason) for slot, index in asked if (reason := self._extend(slot, index))]
        share = (time.perf_counter() - begun) / len(active)
        for slot in active:
            assert slot.job
            slot.job.seconds += share
        for slot, reason in finished:
            yield self._finish(slot, reason)

    def _tell(self, grown: Grown) -> None:
        for slot in self._slots:
            if slot.job and slot.job.answer:
                grown(slot.job.request, slot.job.text.decode("utf-8", "ignore"))

    def _extend(self, slot: _Slot, index: int) -> str:
        """Sample one token; the finish reason when the answer ends with it."""
        job = slot.job
        assert job and job.sampler
        token = self._likeliest(job, job.closed, index) if job.closed else job.sampler.next(index)
        if self._engine.ends(token):
            return "stop"
        job.answer.append(token)
        job.text += self._engine.piece(token)
        if job.closed:
            return self._complete(job, job.closed)
        # no token may follow a closed JSON value, so the end token need not be computed
        if job.text.endswith((b"}", b"]", b'"')) and job.sampler.complete():
            return "stop"
        full = len(job.answer) >= job.request.max_tokens or len(job.prompt) + len(job.answer) >= self._context
        return "length" if full else ""

    def _likeliest(self, job: _Job, closed: Choices, index: int) -> int:
        allowed = closed.allowed(job.answer)
        return allowed[int(self._engine.logits(index)[allowed].argmax())]

    def _complete(self, job: _Job, closed: Choices) -> str:
        """The finish reason once only one answer is left; the rest of it is added for no further pass."""
        whole = closed.only(job.answer)
        if whole is None:
            return ""
        job.text += b"".join(self._engine.piece(token) for token in whole[len(job.answer) :])
        job.answer = whole
        return "stop"

    def _finish(self, slot: _Slot, reason: str) -> tuple[Request, Completion]:
        job = slot.job
        assert job
        completion = Completion(
            text=job.text.decode("utf-8", "replace"),
            finish_reason="stop" if reason == "stop" else "length",
            prompt_tokens=len(job.prompt),
            completion_tokens=len(job.answer),
            cached_tokens=job.cached,
            backend_id=self._backend_id,
            seconds=job.seconds,
        )
        self._release(slot)
        return job.request, completion


def _listed(request: Request) -> tuple[str, ...]:
    """The answers that a schema lists one by one, as JSON, where the likeliest one is wanted; else none."""
    schema = request.schema
    if request.temperature > 0 or schema is None or set(schema) != {"enum"} or not schema["enum"]:
        return ()
    return tuple(json.dumps(value, ensure_ascii=False) for value in schema["enum"])


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many leading tokens are the same."""
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))


def default_threads() -> int:
    """The physical cores; on machines with very few, what the system lends."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or usable
    return min(usable, physical) if physical >= 4 else usable
