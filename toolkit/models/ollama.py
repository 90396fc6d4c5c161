"""Models of an Ollama server, through its native API: only that one can set the context.

Named `ollama/qwen3:8b`, or `ollama/qwen3:8b@http://other-machine:11434`. Reference: docs/api.md
and server/routes.go of github.com/ollama/ollama.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.models.chat import ModelInfo
from toolkit.models.flight import Flight
from toolkit.models.ollama_client import ContextRefused, Host, translated
from toolkit.models.reading import storable
from toolkit.models.retry import Transient
from toolkit.models.server import ServerSettings, parse_address
from toolkit.types import Completion, FinishReason, Message, Request

FIRST, MOST = 2, 4
"""Questions under way at once. The server works on OLLAMA_NUM_PARALLEL of them, 1 unless set."""

KEEP_ALIVE = "15m"
BYTES_PER_TOKEN = 2.5
"""A careful guess before the first answer: English has about 4, code 3, Chinese 3."""

FEWEST_BYTES_PER_TOKEN_CUT = 8.0
"""A prompt with fewer tokens than this makes of its bytes was cut: no tokenizer packs text so tightly."""

MOST_BYTES_PER_TOKEN = 5.0
"""Prose has less: with more, old messages were left out of a prompt that can hardly have fitted."""

CONTEXT_STEP = 1024
TURN_TOKENS = 16
"""What a chat template adds to each message, at most."""

LONGEST_ANSWER = 1 << 18
_FINISHED: Mapping[str, FinishReason] = {"stop": "stop", "length": "length"}


def open_model(
    name: str, *, context: int = 2048, threads: int | None = None, server: ServerSettings | None = None
) -> OllamaModel:
    """Open a model that the server has. Raises ModelError when server or model are not there."""
    address, settings = parse_address(name, "ollama"), server or ServerSettings()
    host = Host(address.model, address.url, settings.silence, settings.key_variable)
    return OllamaModel(host, context=context, settings=settings)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What `/api/show` says of a model. `context` is what it was trained for, in tokens; 0: unknown."""

    context: int
    template: bool
    thinks: bool
    family: str

    @classmethod
    def of(cls, shown: Any) -> Abilities:
        known = shown.modelinfo or {}
        lengths = [value for key, value in known.items() if key.endswith(".context_length")]
        context = lengths[0] if lengths and isinstance(lengths[0], int) else 0
        family = (shown.details.family if shown.details else "") or ""
        return cls(context, bool(shown.template), "thinking" in (shown.capabilities or []), family)

    def think(self, wanted: bool | None, schema: bool) -> bool | str | None:
        """The `think` parameter; None where the model would refuse any.

        A model that thinks while it is held to a schema spoils its JSON. gpt-oss cannot be told not to.
        """
        if not self.thinks:
            return None
        if self.family in ("gptoss", "gpt-oss"):
            return "medium" if wanted and not schema else "low"
        return bool(wanted) and not schema


class OllamaModel:
    """Answers through `/api/chat`."""

    def __init__(self, host: Host, *, context: int, settings: ServerSettings) -> None:
        self._host, self._settings = host, settings
        self._abilities = Abilities.of(host.show())
        self._least = context
        self._bytes_per_token = BYTES_PER_TOKEN
        self._context = self._effective = 0  # as asked for, and as the server says that it is
        self._lock = threading.Lock()
        most = settings.parallel or MOST
        self._flight = Flight(
            f"ollama/{host.model}",
            first=min(FIRST, most),
            most=most,
            patience=settings.patience,
            break_off=host.lines.break_off,
        )
        self.parting = ""
        """After `close`: what to tell a person about the memory, if anything."""

    def info(self) -> ModelInfo:
        trained = self._abilities.context
        context = min(self._least, trained) if trained else self._least
        return ModelInfo(self._host.model, "ollama", context, vocabulary=0, chat_template=self._abilities.template)

    @property
    def ready(self) -> int:
        """Answers that have come and were not taken yet."""
        return self._flight.ready

    def watch(self, glance: Callable[[], None]) -> None:
        """Have `glance` called while no answer comes; it may raise."""
        self._flight.glance = glance

    def close(self) -> None:
        """Unload the model, and wait until `/api/ps` no longer lists it."""
        if self._flight.policy.stopped.is_set():
            return
        self._flight.close()
        if self._context and not self._host.unload():
            self.parting = (
                f"Ollama still holds {self._host.model} in memory; `ollama stop {self._host.model}` unloads it"
            )
        self._host.close()

    def complete(
        self, requests: Sequence[Request], *, seconds: float | None = None
    ) -> Iterator[tuple[Request, Completion]]:
        """Answers as they come, in a context that the longest prompt fits into.

        Raises Unanswered in the end, ModelError when the server refuses for good.
        """
        if not requests:
            return
        self._make_room(max(self._tokens(request) for request in requests))
        yield from self._flight.answers(requests, self._ask, seconds)

    # -- context ------------------------------------------------------------------------------

    def _tokens(self, request: Request) -> int:
        """Prompt and answer, guessed upwards."""
        turns = TURN_TOKENS * (len(request.messages) + 1)
        return int(_size(request) / self._bytes_per_token) + turns + request.max_tokens

    def _make_room(self, tokens: int) -> None:
        """Choose `num_ctx`; it only ever grows, since another one loads the model again."""
        wanted = max(self._least, self._context, -(-tokens // CONTEXT_STEP) * CONTEXT_STEP)
        if self._abilities.context:
            wanted = min(wanted, self._abilities.context)
        if wanted != self._context:
            self._context, self._effective = wanted, 0

    def _load(self) -> None:
        """Make sure that the model is in memory: a cold load takes minutes, and is no hang."""
        with self._lock:
            if not self._effective:
                self._host.load(self._context, KEEP_ALIVE)
                loaded = self._host.loaded()
                self._effective = min(loaded or self._context, self._context)

    def _forget_loaded(self) -> None:
        self._effective = 0

    # -- one question ---------------------------------------------------------------------------

    def _ask(self, request: Request) -> Completion:
        if _size(request) / FEWEST_BYTES_PER_TOKEN_CUT > self._context:
            return Completion("", "context", 0, 0, backend_id=f"ollama/{self._host.model}")
        self._load()
        begun = time.perf_counter()
        try:
            with translated(self._host.model, self._host.key):
                return self._completion(request, self._host.chat(self._parameters(request)), begun)
        except Transient as failure:
            if failure.kind in ("crash", "down", "reset") or (failure.kind == "hang" and not self._host.loaded()):
                self._forget_loaded()  # the next try loads it first, with the patience that this takes
            raise
        except ContextRefused:
            return Completion("", "context", 0, 0, backend_id=f"ollama/{self._host.model}")

    def _parameters(self, request: Request) -> dict[str, Any]:
        options = {
            "num_ctx": self._context,
            "num_predict": request.max_tokens,
            "temperature": request.temperature,
            "seed": int(request.hash[:8], 16) & 0x7FFFFFFF,
        }
        return {
            "messages": [dict(turn) for turn in request.messages],
            "options": options,
            "format": dict(request.schema) if request.schema is not None else None,
            "think": self._abilities.think(self._settings.think, request.schema is not None),
            "keep_alive": KEEP_ALIVE,
        }

    def _completion(self, request: Request, parts: Iterator[Any], begun: float) -> Completion:
        """Gather the streamed reply; bounded, whatever the server sends."""
        text, thought, size, last = [], [], 0, None
        for part in parts:
            last = part
            text.append(part.message.content or "")
            thought.append(part.message.thinking or "")
            size += len(text[-1]) + len(thought[-1])
            if size > LONGEST_ANSWER:
                break
        if last is None or (not last.done and size <= LONGEST_ANSWER):
            raise Transient("reset", "the reply ended before it was done")
        finish: FinishReason = _FINISHED.get(last.done_reason or "stop", "stop") if last.done else "length"
        if last.done and last.done_reason in ("load", "unload"):
            raise Transient("garbage", "the model was only loaded")
        prompt = last.prompt_eval_count or 0
        if self._was_cut(request, prompt):
            finish = "context"
        said = storable(self._host.key.hide("".join(text)))[:LONGEST_ANSWER]
        thoughts = storable(self._host.key.hide("".join(thought)))[:LONGEST_ANSWER]
        return Completion(
            text=f"<think>{thoughts}</think>{said}" if thoughts else said,
            finish_reason=finish,
            prompt_tokens=prompt,
            completion_tokens=last.eval_count or 0,
            backend_id=f"ollama/{self._host.model}",
            seconds=time.perf_counter() - begun,
        )

    def _was_cut(self, request: Request, prompt_tokens: int) -> bool:
        """Whether the server shortened the prompt without saying so.

        `prompt_eval_count` is missing when the whole prompt was cached (older servers).
        """
        if not prompt_tokens:
            return False
        size = _size(request)
        effective = self._effective or self._context
        most = MOST_BYTES_PER_TOKEN if self._may_lack(request, prompt_tokens) else FEWEST_BYTES_PER_TOKEN_CUT
        cut = prompt_tokens >= effective - 1 or size > most * prompt_tokens
        if not cut and size > 400:
            self._bytes_per_token = min(self._bytes_per_token, 0.9 * size / prompt_tokens)
        return cut

    def _may_lack(self, request: Request, prompt_tokens: int) -> bool:
        """Whether old messages can have been left out: the server drops them whole until the others fit.

        System messages and the last one always stay (server/prompt.go, chatPrompt).
        """
        effective = self._effective or self._context
        if self._tokens(request) - request.max_tokens <= effective:
            return False
        sizes = [_bytes(turn) for turn in request.messages[:-1] if turn["role"] != "system"]
        largest = max(sizes, default=0) / self._bytes_per_token + TURN_TOKENS
        return bool(sizes) and prompt_tokens + largest >= effective  # else the one left out last would have fitted


def _size(request: Request) -> int:
    return sum(map(_bytes, request.messages))


def _bytes(turn: Message) -> int:
    return len(turn["content"].encode("utf-8", "replace"))
