"""The servers that a recipe's teacher, engineer and judge are on, and whether they can be asked."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from toolkit.errors import ModelError
from toolkit.models.chat import SERVERS, open_chat_model, split_name
from toolkit.models.openai import CLOUD
from toolkit.models.server import Address, ServerSettings, parse_address
from toolkit.recipe import Recipe

LISTENING_SECONDS = 5.0


def server_settings(recipe: Recipe) -> dict[str, ServerSettings]:
    """How each role's model is asked, should it be on a server."""
    teacher, planner = recipe.file.teacher, recipe.file.engineer
    key, place = teacher.key_variable or "", _place(teacher.model)
    asked = ServerSettings(key, teacher.parallel, teacher.think)
    # the teacher's key is for the teacher's server
    key = key if _place(planner.model or teacher.model) == place else ""
    beside = recipe.judge is not None and _place(recipe.judge) == place
    return {
        "teacher": asked,
        "engineer": ServerSettings(planner.key_variable or key, 0, teacher.think),
        "judge": asked if beside else ServerSettings(),
    }


def _place(name: str) -> tuple[str, str, str]:
    """The backend of a model, and its server: scheme, host and port."""
    backend, rest = split_name(name)
    url = parse_address(rest, backend).url if backend in SERVERS else ""
    parts = urlsplit(url or (CLOUD if backend == "openai" else ""))
    return backend, parts.scheme, parts.netloc.lower()


def models_on_servers(recipe: Recipe) -> dict[str, str]:
    """Role -> `backend/name`, of the roles whose model is on a server."""
    planner = recipe.file.engineer
    names = {"teacher": recipe.file.teacher.model}
    if planner.asks and planner.model and planner.model != recipe.file.teacher.model:
        names["engineer"] = planner.model
    if recipe.judge and recipe.judge != recipe.file.teacher.model:
        names["judge"] = recipe.judge
    return {role: name for role, name in names.items() if split_name(name)[0] in SERVERS}


def check_servers(recipe: Recipe) -> None:
    """Raises ModelError when a key, a server on this machine or Ollama's model is missing; no question is asked."""
    settings = server_settings(recipe)
    for role, name in models_on_servers(recipe).items():
        open_chat_model(name, server=settings[role]).close()
        backend, rest = split_name(name)
        if backend == "openai":
            _require_listening(parse_address(rest, backend))


def _require_listening(address: Address) -> None:
    """Others may be behind a proxy, and are found out when they are asked."""
    if not address.local:
        return
    parts = urlsplit(address.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((address.host, port), timeout=LISTENING_SECONDS).close()
    except OSError:
        start = f"python -m llama_cpp.server --model FILE.gguf --port {port}"
        raise ModelError(f"no server listens at {address.url}", f"start it, for example: {start}") from None
