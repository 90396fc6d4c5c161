"""Any server that speaks the OpenAI chat protocol: llama-server, vLLM, LM Studio, OpenRouter, a cloud.

Named `openai/MODEL@https://…/v1`. Reference: platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolkit.errors import ModelError
from toolkit.models.chat import ModelInfo
from toolkit.models.dialect import Dialects
from toolkit.models.flight import Flight
from toolkit.models.reading import storable
from toolkit.models.retry import Transient
from toolkit.models.server import Address, ServerSettings, find_key, parse_address
from toolkit.models.wire import Endpoint, Lines
from toolkit.types import Completion, FinishReason, Request

CLOUD = "https://api.openai.com/v1"
FIRST, MOST = 8, 32
"""Questions under way at once: at the start, and at most."""

MOST_LOCAL = 8
"""The same for a server on this machine, which has few slots: more would wait in its queue until they time out."""

LONGEST_ANSWER = 1 << 18
"""Characters of an answer that are kept; a longer one counts as cut off."""

_TOO_LONG = re.compile(r"context.{0,20}(length|size|window)|too many tokens|exceeds? the (available )?context", re.I)
_FINISHED: Mapping[str, FinishReason] = {
    "": "stop",  # servers that do not say
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "length": "length",
    "model_length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "content_filter": "refusal",
}
"""The words of OpenAI, Mistral, TGI and others; what is not here is `unknown`."""

_BROKEN_OFF = ("error", "abort", "insufficient_system_resource")
"""What Mistral and OpenRouter, vLLM and DeepSeek say of a reply that the server itself ended: ask again."""


def open_model(
    name: str, *, context: int = 2048, threads: int | None = None, server: ServerSettings | None = None
) -> OpenAIModel:
    """Open `MODEL@URL`; without a URL it is OpenAI's own. Nothing is asked yet. Raises ModelError."""
    return OpenAIModel(parse_address(name, "openai"), context=context, settings=server or ServerSettings())


class OpenAIModel:
    """Answers over HTTP, many at a time."""

    def __init__(self, address: Address, *, context: int, settings: ServerSettings) -> None:
        import httpx

        self._address = address if address.url else replace(address, url=CLOUD)
        self._key = find_key(self._address, settings)
        self._context = context
        self._name = f"openai/{self._address.model}@{self._address.url}"
        self._dialects, self._lock = Dialects(), threading.Lock()
        self._dialect = self._dialects.load(self._name)
        most = settings.parallel or (MOST_LOCAL if self._address.local else MOST)
        lines, first = Lines(), min(FIRST, most)
        self._flight = Flight(self._name, first=first, most=most, patience=settings.patience, break_off=lines.break_off)
        self._client = httpx.Client(
            base_url=self._address.url,
            headers=self._key.headers(),
            timeout=httpx.Timeout(settings.silence, connect=min(20.0, settings.silence)),
            limits=httpx.Limits(max_connections=most, max_keepalive_connections=most),
            trust_env=not self._address.local,  # a proxy is never right for this machine itself
            event_hooks={"request": [lines.attend]},
        )
        self._endpoint = Endpoint(self._client, "/chat/completions", self._key, settings.silence)

    def info(self) -> ModelInfo:
        return ModelInfo(self._address.model, "openai", self._context, vocabulary=0, chat_template=True)

    @property
    def ready(self) -> int:
        """Answers that have come and were not taken yet."""
        return self._flight.ready

    def watch(self, glance: Callable[[], None]) -> None:
        """Have `glance` called while no answer comes; it may raise."""
        self._flight.glance = glance

    def close(self) -> None:
        self._flight.close()
        self._client.close()

    def complete(
        self, requests: Sequence[Request], *, seconds: float | None = None
    ) -> Iterator[tuple[Request, Completion]]:
        """Answers as they come. Raises Unanswered in the end, ModelError when the server refuses for good."""
        return self._flight.answers(requests, self._ask, seconds)

    def _ask(self, request: Request) -> Completion:
        """One question, put again in a simpler way while the server says what it does not understand."""
        for _ in range(8):
            with self._lock:
                body = self._dialect.body(self._address.model, request)
            begun = time.perf_counter()
            status, reply = self._endpoint.post(body)
            if status < 300:
                return self._completion(reply, time.perf_counter() - begun)
            if status in (400, 413, 422) and _TOO_LONG.search(reply):
                return Completion("", "context", 0, 0, backend_id=self._name)
            if status not in (400, 422) or not self._learned(reply, body, request):
                break
        raise self._refused(status, reply)

    def _learned(self, reason: str, body: Mapping[str, Any], request: Request) -> bool:
        with self._lock:
            if self._dialect.body(self._address.model, request) != body:
                return True  # another thread has learned it meanwhile
            learned = self._dialect.learn(reason, request)
            if learned:
                self._dialects.save(self._name, self._dialect)
            return learned

    def _refused(self, status: int, reason: str) -> ModelError:
        """A refusal that no further try would change."""
        if status in (401, 403):
            there = "was refused" if self._key else "is missing"
            return ModelError(
                f"{self._name}: the key {there} ({status}: {reason})", f"export {self._key.variable}=… and try again"
            )
        if status == 404:
            return ModelError(
                f"{self._name}: not found ({reason})", "check the model's name and that the address ends with /v1"
            )
        return ModelError(f"{self._name} refused the question ({status}: {reason})", "see docs/teachers.md")

    def _completion(self, reply: Any, seconds: float) -> Completion:
        """The answer in a reply. Raises Transient when there is none in it."""
        try:
            choice = reply["choices"][0]
            message = choice["message"]
            text, thought = message.get("content"), message.get("reasoning_content") or message.get("reasoning")
            refusal = message.get("refusal")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise Transient("garbage", "JSON without choices[0].message") from None
        if not isinstance(text, str | None):
            raise Transient("garbage", "the content is no text")
        finish = _finish(choice.get("finish_reason"))
        if isinstance(refusal, str) and refusal:
            text, finish = refusal, "refusal"
        text = storable(f"<think>{thought}</think>{text or ''}" if isinstance(thought, str) and thought else text or "")
        text = self._key.hide(text)  # once more: JSON may have written it with escapes
        if len(text) > LONGEST_ANSWER:
            text, finish = text[:LONGEST_ANSWER], "length"
        usage = reply.get("usage")
        prompt, completion, cached = _usage(usage if isinstance(usage, dict) else {})
        return Completion(text, finish, prompt, completion, cached, self._name, seconds)


def _finish(said: Any) -> FinishReason:
    """Why a reply ended. Raises Transient when the server itself ended it."""
    word = str(said or "").lower()
    if word in _BROKEN_OFF:
        raise Transient("unavailable", f"the reply ended with {word!r}")
    return _FINISHED.get(word, "unknown")


def _usage(usage: Mapping[str, Any]) -> tuple[int, int, int]:
    """Prompt, completion and cached tokens; 0 where the server does not say."""
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt, completion, cached = (
        value if isinstance(value, int) and 0 <= value < 1 << 40 else 0
        for value in (usage.get("prompt_tokens"), usage.get("completion_tokens"), cached)
    )
    return prompt, completion, min(cached, prompt)
