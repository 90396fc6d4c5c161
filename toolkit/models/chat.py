"""The seam for chat models: questions in, answers out, whoever answers.

Backends are named in a recipe as `backend/name`, split at the first slash. Other packages
add theirs through the entry point group `schoolhouse.chat_models`: an entry's value is a
function `open(name, *, context, threads) -> ChatModel`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from toolkit.errors import ModelError
from toolkit.models.server import ServerSettings, parse_address
from toolkit.types import Completion, Request

ENTRY_POINTS = "schoolhouse.chat_models"

BACKENDS = {
    "ollama": "toolkit.models.ollama",
    "llama_cpp": "toolkit.models.gguf_engine",
    "openai": "toolkit.models.openai",
    "replay": "toolkit.models.replay",
}
"""Backend -> the module whose `open_model` opens it."""

SERVERS = ("ollama", "openai")
"""The backends that talk to a server; `open_model` takes ServerSettings as `server`."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model says of itself. `context` is in tokens; 0 means unknown."""

    name: str
    backend: str
    context: int
    vocabulary: int
    chat_template: bool


class ChatModel(Protocol):
    """Answers requests. Not for use from several threads at once."""

    def complete(
        self, requests: Sequence[Request], *, seconds: float | None = None
    ) -> Iterator[tuple[Request, Completion]]:
        """Each request with its answer, as they are answered, in any order.

        What has no answer after so many `seconds` is dropped, without an error. So is what has none when the iterator
        is closed: neither a server nor this process works on it any longer, as far as that can be had.

        A prompt that does not fit is answered with the finish reason `context`, and no other question with it.
        Raises RefusedRequest when none of them can be answered, for example with a JSON schema that the model
        cannot be held to; Unanswered at the end when a server failed to answer some; ModelError otherwise.
        """
        ...

    def info(self) -> ModelInfo: ...

    def close(self) -> None:
        """Give the memory back. The model cannot be asked again."""
        ...


Opener = Callable[..., ChatModel]


def open_chat_model(
    name: str, *, context: int = 2048, threads: int | None = None, server: ServerSettings | None = None
) -> ChatModel:
    """Open `backend/name`, for example `llama_cpp/qwen2.5-coder-1.5b-instruct`.

    Args:
        context: tokens that prompt and answer may take together.
        threads: CPU threads; as many as are useful here when not given.
        server: how a server is asked; other backends do not look at it.

    Raises ModelError when the backend is unknown or the model cannot be opened.
    """
    backend, rest = split_name(name)
    asked = {"server": server} if backend in SERVERS else {}
    return _opener(backend)(rest, context=context, threads=threads, **asked)


def split_name(name: str) -> tuple[str, str]:
    """Backend and model of `backend/model`. Raises ModelError when there is no such backend."""
    backend, slash, rest = name.partition("/")
    if not slash or not rest:
        raise ModelError(f"{name!r} names no backend", f"write it as backend/name: {_choices()}")
    _opener(backend)
    if backend in SERVERS:
        parse_address(rest, backend)
    return backend, rest


def _opener(backend: str) -> Opener:
    if module := BACKENDS.get(backend):
        return cast("Opener", importlib.import_module(module).open_model)
    for plugin in _plugins():
        if plugin.name == backend:
            return cast("Opener", plugin.load())
    raise ModelError(f"there is no chat model backend {backend!r}", f"use one of these: {_choices()}")


def _plugins() -> list[EntryPoint]:
    return list(entry_points(group=ENTRY_POINTS))


def _choices() -> str:
    return ", ".join(f"{name}/…" for name in [*BACKENDS, *(plugin.name for plugin in _plugins())])
