"""Ollama: the Modelfile, and the model in a server that is up.

Written to the documented native API: `/api/version`, `/api/blobs/DIGEST`, `/api/create`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from toolkit.errors import ExportError
from toolkit.export.turns import Turns

DEFAULT = "http://127.0.0.1:11434"
_QUOTES = '"""'


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """Everything that a Modelfile says."""

    name: str
    file: str
    template: str
    system: str
    stops: tuple[str, ...]
    context: int
    max_tokens: int

    def parameters(self) -> dict[str, Any]:
        """Greedy, as the student was measured; Ollama's own repeat penalty would change its answers."""
        return {
            "temperature": 0,
            "top_k": 1,
            "seed": 0,
            "repeat_penalty": 1.0,
            "num_ctx": self.context,
            "num_predict": self.max_tokens,
            "stop": list(self.stops),
        }

    def modelfile(self) -> str:
        """Raises ExportError when a text cannot be quoted."""
        if any(_QUOTES in text or text.endswith('"') for text in (self.template, self.system)):
            raise ExportError("a Modelfile cannot hold this system prompt: it has quotes that end it", "reword it")
        lines = [f"FROM ./{self.file}", f"TEMPLATE {_QUOTES}{self.template}{_QUOTES}"]
        if self.system:
            lines.append(f"SYSTEM {_QUOTES}{self.system}{_QUOTES}")
        for name, value in self.parameters().items():
            values = value if isinstance(value, list) else [value]
            lines += [f"PARAMETER {name} {json.dumps(one, ensure_ascii=False)}" for one in values]
        return "\n".join(lines) + "\n"


def ollama_model(
    name: str, file: str, turns: Sequence[str], system: str, stops: Sequence[str], *, context: int, max_tokens: int
) -> OllamaModel:
    """What Ollama is told of an exported student."""
    return OllamaModel(name, file, Turns(*turns).go_template(), system, tuple(stops), context, max_tokens)


def server() -> str | None:
    """The address of an Ollama server that answers now; None when there is none."""
    host = os.environ.get("OLLAMA_HOST", "").strip() or DEFAULT
    url = (host if "//" in host else f"http://{host}").rstrip("/").replace("//0.0.0.0", "//127.0.0.1")
    if httpx.URL(url).port is None and "//" not in host:
        url += ":11434"
    try:
        httpx.get(f"{url}/api/version", timeout=2).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return url


def create(url: str, model: OllamaModel, folder: Path, sha256: str) -> None:
    """Put the file into the server's store and make the model. Raises ExportError with what the server says."""
    digest = f"sha256:{sha256}"
    try:
        with httpx.Client(base_url=url, timeout=httpx.Timeout(30, read=600, write=600)) as client:
            if client.head(f"/api/blobs/{digest}").status_code != httpx.codes.OK:
                with (folder / model.file).open("rb") as stream:
                    client.post(f"/api/blobs/{digest}", content=stream).raise_for_status()
            wanted = {
                "model": model.name,
                "files": {model.file: digest},
                "template": model.template,
                "system": model.system,
                "parameters": model.parameters(),
                "stream": True,
            }
            with client.stream("POST", "/api/create", json=wanted) as answer:
                _read_states(answer)
    except httpx.HTTPError as error:
        raise ExportError(f"Ollama at {url}: {error}", f"cd {folder} && ollama create {model.name}") from error


def _read_states(answer: httpx.Response) -> None:
    """Lines of JSON, the last one `success`; an error comes as a line too."""
    last: dict[str, Any] = {}
    for line in answer.iter_lines():
        try:
            last = json.loads(line) if line else last
        except ValueError:
            last = {"error": line[:200]}
        if "error" in last:
            raise ExportError(f"Ollama refused the model: {last['error']}", "ollama --version, and update it")
    answer.raise_for_status()
    if last.get("status") != "success":
        raise ExportError(f"Ollama ended with {last.get('status', 'nothing')!r}", "ollama list")
