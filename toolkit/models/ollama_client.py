"""The `ollama` package, and what its errors mean."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from toolkit.errors import ModelError
from toolkit.models.retry import Transient
from toolkit.models.server import Address, Key, ServerSettings, find_key
from toolkit.models.weights import Progress
from toolkit.models.wire import Lines, said

if TYPE_CHECKING:
    import httpx

KEY_VARIABLE, CLOUD = "OLLAMA_API_KEY", "ollama.com"
UNLOAD_SECONDS = 30.0
BRIEF_SECONDS = 10.0
"""What needs no model is answered at once, or not at all; who unloads may be somebody who stops a run."""

LOAD_FACTOR = 4.0
"""A model may take so many times the usual silence to be loaded (OLLAMA_LOAD_TIMEOUT is 5 minutes)."""

_BUSY = re.compile(r"server busy|maximum pending requests", re.I)
_CRASH = re.compile(
    r"runner.{0,30}(terminated|stopped|crash)|unexpectedly stopped|signal: |exit status|unexpected EOF", re.I
)
_MEMORY = re.compile(r"requires more system memory|out of memory|unable to allocate", re.I)
_CONTEXT = re.compile(r"exceeds? the (available )?context|input length exceeds|exceed_context", re.I)


class ContextRefused(Exception):
    """The server itself says that a prompt is too long."""


class Host:
    """One model of one Ollama server.

    Args:
        url: the server's address; OLLAMA_HOST or this machine when empty.
        silence: seconds without a sign of life.
        key_variable: the environment variable that holds the key, where the recipe names one.

    Raises ModelError when the `ollama` package is missing, or the named key.
    """

    def __init__(self, model: str, url: str, silence: float, key_variable: str = "") -> None:
        ollama = _package()
        import httpx

        self.model = model
        address = url or os.environ.get("OLLAMA_HOST", "")
        self.key = _key_for(address, key_variable)
        self._shown = address or "127.0.0.1:11434"
        local = not address or any(name in address for name in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0"))
        self._silence = silence

        def client(read: float) -> Any:
            timeout = httpx.Timeout(read, connect=min(10.0, silence))
            return ollama.Client(
                host=address or None, timeout=timeout, trust_env=not local, follow_redirects=False, auth=self._signed
            )

        self.lines = Lines()
        self._make, self._client = client, client(silence)

    def _signed(self, request: httpx.Request) -> httpx.Request:
        """With the key that this server is to get, if any: the package would send OLLAMA_API_KEY to every server."""
        self.lines.attend(request)
        request.headers.pop("authorization", None)
        request.headers.update(self.key.headers())
        return request

    @cached_property
    def _patient(self) -> Any:
        return self._make(self._silence * LOAD_FACTOR)

    @cached_property
    def _brief(self) -> Any:
        return self._make(min(self._silence, BRIEF_SECONDS))

    def close(self) -> None:
        self._client.close()
        for name in vars(self).keys() & {"_patient", "_brief"}:
            getattr(self, name).close()

    def show(self) -> Any:
        """`/api/show`. Raises ModelError when server or model are not there."""
        try:
            with translated(self.model, self.key):
                return self._patient.show(self.model)
        except Transient as failure:
            if failure.kind == "down":
                raise self._down() from None
            raise ModelError(
                f"Ollama at {self._shown} does not answer as it should: {failure}", "ollama --version"
            ) from None

    def chat(self, parameters: Mapping[str, Any]) -> Iterator[Any]:
        """The streamed parts of a reply. To be consumed inside `translated`."""
        stream: Iterator[Any] = self._client.chat(model=self.model, stream=True, **parameters)
        return stream

    def load(self, context: int, keep_alive: str) -> None:
        """Have the model loaded (docs/api.md, "Load a model"). Raises Transient, ModelError when it takes too long."""
        try:
            with translated(self.model, self.key):
                self._patient.chat(
                    model=self.model, messages=[], options={"num_ctx": context}, keep_alive=keep_alive, stream=False
                )
        except Transient as failure:
            if failure.kind != "hang":
                raise
            raise ModelError(
                f"Ollama did not load {self.model} within {self._silence * LOAD_FACTOR:.0f} s",
                f"try `ollama run {self.model}` alone, or a smaller model",
            ) from None

    def loaded(self) -> int | None:
        """Tokens of context that the model is loaded with (0: not said); None when it is not in memory."""
        try:
            with translated(self.model, self.key):
                models = self._brief.ps().models
        except (Transient, ModelError):
            return None
        for found in models:
            if _same(self.model, found.model or found.name or ""):
                return int(found.context_length or 0)
        return None

    def unload(self) -> bool:
        """`keep_alive: 0`, then wait for `/api/ps`. False when the model is still there."""
        try:
            with translated(self.model, self.key):
                self._brief.chat(model=self.model, messages=[], keep_alive=0, stream=False)
        except Transient as failure:
            return failure.kind == "down"  # a server that is gone holds no memory
        except ModelError:
            return False
        deadline = time.monotonic() + UNLOAD_SECONDS
        while (there := self.loaded() is not None) and time.monotonic() < deadline:
            time.sleep(0.1)
        return not there

    def pull(self, progress: Callable[[Progress], None]) -> None:
        """Have the server fetch the model (`/api/pull`). Raises ModelError."""
        done: dict[str, tuple[int, int]] = {}
        try:
            with translated(self.model, self.key):
                for part in self._patient.pull(self.model, stream=True):
                    if part.digest and part.total:
                        done[part.digest] = (part.completed or 0, part.total)
                        here, total = (sum(column) for column in zip(*done.values(), strict=True))
                        progress(Progress(f"ollama/{self.model}", f"ollama {self._shown}", here, total))
        except Transient as failure:
            if failure.kind == "down":
                raise self._down() from None
            raise ModelError(
                f"Ollama could not fetch {self.model}: {failure}",
                f"run `schoolhouse models pull ollama/{self.model}` again",
            ) from None

    def _down(self) -> ModelError:
        return ModelError(
            f"no Ollama server answers at {self._shown}",
            "start it with `ollama serve` (or open the Ollama app); it can be had at https://ollama.com/download;"
            " for another machine set OLLAMA_HOST",
        )


def _key_for(address: str, named: str) -> Key:
    """The key for a server: what the recipe names, or OLLAMA_API_KEY for Ollama's own cloud. Raises ModelError."""
    url = address if "//" in address else f"http://{address}"
    host = urlsplit(url).hostname or ""
    if not named and host != CLOUD and not host.endswith(f".{CLOUD}"):
        return Key(KEY_VARIABLE)
    return find_key(Address("", url), ServerSettings(named), KEY_VARIABLE)


@contextmanager
def translated(model: str, key: Key) -> Iterator[None]:
    """The errors of the package and of httpx, as Transient, ContextRefused or ModelError, without the key."""
    import httpx

    ollama = _package()
    try:
        yield
    except ollama.ResponseError as error:
        reason = said(str(error.error).encode("utf-8", "replace"), key)
        raise _meaning(model, reason, int(error.status_code)) from None
    except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout):
        raise Transient("down") from None
    except httpx.TimeoutException:
        raise Transient("hang") from None
    except (httpx.HTTPError, httpx.StreamError):
        raise Transient("reset") from None
    except (ValueError, RecursionError, TypeError, AttributeError):  # pydantic's and json's errors are ValueErrors
        raise Transient("garbage") from None


def _meaning(model: str, text: str, status: int) -> Exception:
    if _CONTEXT.search(text):
        return ContextRefused(text)
    if status == 404:
        return ModelError(f"Ollama has no model {model} ({text})", f"schoolhouse models pull ollama/{model}")
    if _MEMORY.search(text):
        return ModelError(
            f"Ollama cannot load {model}: {text}", "choose a smaller model or quantisation, or lower teacher.context"
        )
    if status in (429, 503) or _BUSY.search(text):
        return Transient("busy", text)
    if _CRASH.search(text):
        return Transient("crash", text)
    if status >= 500 or status < 0:
        return Transient("unavailable", text)
    return ModelError(f"Ollama refused the question to {model} ({status}: {text})", "see docs/teachers.md")


def _same(name: str, other: str) -> bool:
    """Whether two names mean one model: the tag `latest` may be left out."""
    return name == other or f"{name}:latest" == other or name == f"{other}:latest"


def _package() -> Any:
    try:
        import ollama
    except ImportError:
        raise ModelError("the package `ollama` is not installed", "pip install ollama") from None
    return ollama
