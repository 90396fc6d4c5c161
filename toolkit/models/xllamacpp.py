"""A chat model in this process, through llama-server's engine: for machines where nothing can be compiled.

xllamacpp comes as a wheel. Its engine decodes several questions at a time, one in each slot; a
slot keeps its cache, so that a prompt's beginning is not computed again. It cannot be had without a
listener on 127.0.0.1: nothing here uses it, and a random key keeps everybody else out.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from toolkit.errors import ModelError, RefusedRequest
from toolkit.models.catalog import full_name
from toolkit.models.chat import ModelInfo
from toolkit.models.gguf_header import read_header
from toolkit.models.llama_cpp import default_threads
from toolkit.models.llama_native import BATCH_TOKENS, patient_threads
from toolkit.models.weights import weights_path
from toolkit.types import Completion, Request

SLOTS = 4
"""Questions decoded at the same time; on 2 cores more gained nothing with a 1.5B model."""

CELLS = 8192
"""Tokens that the KV cache holds over all slots, unless one question alone needs more."""

CHECKPOINTS = 2
"""States of a slot that models with a sliding window can go back to; the library's 32 would be gigabytes."""

# spaces only after commas and colons, as in the other engine: the others cost a token each and say nothing;
# lenient: what llguidance does not know is left out, instead of the whole schema
_GUIDANCE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ", "lenient": True}
_FIX = "pip install xllamacpp"


def open_model(name: str, *, context: int = 2048, threads: int | None = None) -> XLlamaCppModel:
    """Open a catalog name or a path to a .gguf file. Raises ModelError."""
    return XLlamaCppModel(weights_path(name), name=full_name(name), context=context, threads=threads)


def library() -> Any:
    """The module. Raises ModelError when it cannot be imported."""
    try:
        with patient_threads():
            import xllamacpp
    except (ImportError, OSError) as error:
        raise ModelError(f"xllamacpp cannot be used: {error}", _FIX) from error
    return xllamacpp


class XLlamaCppModel:
    """A GGUF file that answers chats.

    Args:
        context: tokens that prompt and answer may take together.
        threads: CPU threads; the physical cores when not given.
        slots: requests decoded at the same time; as many as CELLS allows when not given.
    """

    def __init__(
        self, path: Path, *, name: str = "", context: int = 2048, threads: int | None = None, slots: int = 0
    ) -> None:
        header = read_header(path)
        self._context = min(context, header.context or context)
        self._slots = slots or max(1, min(SLOTS, CELLS // self._context))
        self._info = ModelInfo(name or path.stem, "llama_cpp", self._context, header.vocabulary, header.chat_template)
        self._cold: set[int] = set()
        self._module = library()
        params = _parameters(self._module, path, self._context * self._slots, self._slots)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or default_threads()
        try:
            self._server: Any = self._module.Server(params)
        except RuntimeError as error:
            raise ModelError(
                f"llama.cpp cannot load {path}: {error}",
                f"schoolhouse models verify {path.name}, or lower teacher.context if memory is short",
            ) from error

    def info(self) -> ModelInfo:
        return self._info

    def close(self) -> None:
        """Free the weights and the cache; safe to call twice."""
        self._server = None

    def forget(self) -> None:
        """Let every slot begin anew, so that what was asked before leaves no trace in how numbers are rounded now."""
        self._cold = set(range(self._slots))

    def complete(
        self, requests: Sequence[Request], *, seconds: float | None = None
    ) -> Iterator[tuple[Request, Completion]]:
        """Answers as they are finished; the reason is `context` where a prompt does not fit.

        Raises RefusedRequest for a JSON schema that cannot be used; what is under way is waited for first.
        """
        if not self._info.chat_template:
            raise ModelError(
                f"{self._info.name} has no chat template", "choose an instruct model: `schoolhouse models`"
            )
        if self._server is None:
            raise ModelError(f"{self._info.name} was closed", "open it again")
        flight = _Flight(deque(sorted(requests, key=lambda request: json.dumps(request.messages))))
        workers = [
            threading.Thread(target=self._work, args=(slot, flight), name=f"slot-{slot}", daemon=True)
            for slot in range(min(self._slots, len(requests)))
        ]
        for worker in workers:
            worker.start()
        try:
            yield from flight.answers(len(workers), seconds)
        finally:
            flight.stopped.set()
            for worker in workers:
                worker.join()

    # -- one slot -----------------------------------------------------------------------------

    def _work(self, slot: int, flight: _Flight) -> None:
        """Ask one question after the other in this slot, until none waits."""
        try:
            while (request := flight.next()) is not None:
                flight.put((request, self._ask(slot, request, flight.stopped)))
        except Exception as error:  # it belongs to the thread that reads the answers
            flight.fail(error)
        finally:
            flight.put(None)

    def _ask(self, slot: int, request: Request, stopped: threading.Event) -> Completion:
        begun = time.perf_counter()
        reply = _Reply(stopped)
        body = _body(request, slot, cached=slot not in self._cold)
        try:
            if request.schema is not None:
                body["grammar"] = self._module.json_schema_to_grammar(_guided(request.schema))
            self._server.handle_chat_completions(body, reply.take)
        except (ValueError, RuntimeError) as error:  # how the library refuses a question before it is begun
            raise _failure({"code": 400, "message": str(error)}, request) from error
        self._cold.discard(slot)
        if reply.error is not None:
            return self._without_answer(reply.error, request)
        return Completion(
            text="".join(reply.text),
            finish_reason="stop" if reply.finish == "stop" else "length",
            prompt_tokens=reply.used("prompt_tokens"),
            completion_tokens=reply.used("completion_tokens"),
            cached_tokens=min(reply.cached, reply.used("prompt_tokens")),
            backend_id=f"xllamacpp/{self._info.name}",
            seconds=time.perf_counter() - begun,
        )

    def _without_answer(self, error: Mapping[str, Any], request: Request) -> Completion:
        """What becomes of a question that the engine refused: only one that is too long leaves the others alone."""
        if error.get("type") != "exceed_context_size_error":
            raise _failure(error, request)
        length = int(error.get("n_prompt_tokens") or 0)
        return Completion("", "context", length, 0, backend_id=f"xllamacpp/{self._info.name}")


class _Flight:
    """The questions that wait, and the answers that have come."""

    def __init__(self, waiting: deque[Request]) -> None:
        self._waiting = waiting
        self._done: SimpleQueue[tuple[Request, Completion] | Exception | None] = SimpleQueue()
        self.stopped = threading.Event()
        self.put = self._done.put

    def next(self) -> Request | None:
        try:
            return None if self.stopped.is_set() else self._waiting.popleft()
        except IndexError:
            return None

    def fail(self, error: Exception) -> None:
        """Begin nothing new."""
        self._waiting.clear()
        self.put(error)

    def answers(self, workers: int, seconds: float | None) -> Iterator[tuple[Request, Completion]]:
        """Until all workers have ended, or the seconds are over. Raises the first error in the end."""
        failure: Exception | None = None
        until = None if seconds is None else time.monotonic() + seconds
        while workers:
            try:
                outcome = self._done.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            except Empty:
                return
            if outcome is None:
                workers -= 1
            elif isinstance(outcome, Exception):
                failure = failure or outcome
            else:
                yield outcome
        if failure:
            raise failure


@dataclass(slots=True)
class _Reply:
    """An answer while it comes in, piece by piece."""

    stopped: threading.Event
    text: list[str] = field(default_factory=list)
    finish: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None

    def take(self, piece: Mapping[str, Any]) -> bool:
        """One event of the stream; True ends it, and frees the slot."""
        error = piece.get("error") or (piece if "code" in piece else None)
        if error:
            self.error = error if isinstance(error, Mapping) else {"message": str(error)}
            return True
        for choice in piece.get("choices") or ():
            self.text.append((choice.get("delta") or {}).get("content") or "")
            self.finish = choice.get("finish_reason") or self.finish
        self.usage = piece.get("usage") or self.usage
        return self.stopped.is_set()

    def used(self, name: str) -> int:
        return int(self.usage.get(name) or 0)

    @property
    def cached(self) -> int:
        return int((self.usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)


def _body(request: Request, slot: int, *, cached: bool) -> dict[str, Any]:
    """A question as llama-server takes it (its README, `POST /v1/chat/completions`)."""
    return {
        "messages": [dict(turn) for turn in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_k": 40,
        "top_p": 0.95,
        "min_p": 0.05,
        "seed": int(request.hash[:8], 16) & 0x7FFFFFFF,
        "id_slot": slot,
        "cache_prompt": cached,
        "chat_template_kwargs": {"enable_thinking": False},
        "reasoning_format": "none",  # the text as it came
        "stream": True,  # a stream can be stopped
        "stream_options": {"include_usage": True},
    }


def _guided(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as it is meant here: tight, and with no keys but those that it names, as in the other engine."""
    return {**_closed(schema), "x-guidance": _GUIDANCE}


def _closed(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    found = dict(schema)
    if "properties" in found and not {"additionalProperties", "allOf"} & found.keys():
        found["additionalProperties"] = False
    for word in ("properties", "$defs", "definitions"):
        if isinstance(found.get(word), Mapping):
            found[word] = {name: _closed(inner) for name, inner in found[word].items()}
    for word in ("anyOf", "oneOf", "prefixItems"):
        if isinstance(found.get(word), list):
            found[word] = [_closed(inner) for inner in found[word]]
    if "items" in found:
        found["items"] = _closed(found["items"])
    return found


def _failure(error: Mapping[str, Any], request: Request) -> ModelError:
    message = str(error.get("message", error))
    if error.get("code") == 400:
        what = "the question" if request.schema is None else "this question with its JSON schema"
        return RefusedRequest(f"llama.cpp cannot use {what}: {message}", "write a simpler schema or prompt")
    return ModelError(f"llama.cpp could not go on: {message}", "lower teacher.context")


def _parameters(module: Any, path: Path, cells: int, slots: int) -> Any:
    params = module.CommonParams()
    params.model.path = str(path)
    params.model_alias = {"teacher"}
    params.n_ctx, params.n_parallel = cells, slots
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.warmup = False
    params.verbosity = 0
    # memory stays bounded: no second cache of prompts beside the slots
    params.cache_ram_mib, params.cache_idle_slots, params.n_ctx_checkpoints = 0, False, CHECKPOINTS
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys = [secrets.token_urlsafe(32)]
    params.cors_origins, params.ui, params.endpoint_slots = "", False, False
    return params
