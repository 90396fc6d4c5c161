"""An Ollama server for tests: what its documentation and source say, and the traps users report.

Each behaviour names its source. `docs` is docs/api.md, `routes` server/routes.go, `sched`
server/sched.go of github.com/ollama/ollama; `faq` is docs/faq.mdx.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.models.http_double import Double, Reply

SHOWN = {
    # docs, "Show Model Information"; capabilities and context_length are in its example
    "modelfile": "FROM x",
    "parameters": "",
    "template": "{{ .Prompt }}",
    "details": {"family": "qwen3", "parameter_size": "8B", "quantization_level": "Q4_K_M"},
    "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 4096},
    "capabilities": ["completion", "tools"],
}


@dataclass
class Ollama:
    """The state of a server with one model.

    Args:
        thinks: whether /api/show lists the capability `thinking` (docs, "Show Model Information").
        drops_format: with `think` false some versions ignore `format` (issue 10538 and others; FACTS).
        most: pending requests after which it is busy (sched: ErrMaxQueue, answered with 503 in routes).
        shrinks_to: a context that it uses whatever is asked for (faq: OLLAMA_CONTEXT_LENGTH; /v1 cannot set it).
        script: replies to the next chats, before it behaves again.
    """

    model: str = "qwen3:8b"
    thinks: bool = False
    family: str = "qwen3"
    drops_format: bool = False
    most: int = 512
    shrinks_to: int = 0
    load_seconds: float = 0.0
    keeps: bool = False
    script: list[Reply] = field(default_factory=list)
    loaded: int = 0
    loads: int = 0
    _pending: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, method: str, path: str, body: Any) -> Reply:
        routes = {"/api/show": self._show, "/api/ps": self._ps, "/api/chat": self._chat, "/api/pull": self._pull}
        found = routes.get(path)
        return found(body or {}) if found else Reply(404, {"error": f"path {path!r} not found"})

    def _show(self, body: Mapping[str, Any]) -> Reply:
        if body["model"] != self.model:
            return self._missing(body["model"])
        more = ["thinking"] if self.thinks else []
        details = {**SHOWN["details"], "family": self.family}  # type: ignore[dict-item]
        return Reply(200, {**SHOWN, "details": details, "capabilities": [*SHOWN["capabilities"], *more]})  # type: ignore[misc]

    def _missing(self, name: str) -> Reply:
        # routes: ChatHandler, "model '%s' not found"
        return Reply(404, {"error": f"model '{name}' not found"})

    def _ps(self, _: Mapping[str, Any]) -> Reply:
        # docs, "List Running Models"; context_length is in api.ProcessModelResponse
        there = {"name": self.model, "model": self.model, "size": 1, "digest": "d", "context_length": self.loaded}
        return Reply(200, {"models": [there] if self.loaded else []})

    def _pull(self, body: Mapping[str, Any]) -> Reply:
        # docs, "Pull a Model": a stream of objects; a model that is not there ends with an error object
        lines: list[dict[str, Any]] = [{"status": "pulling manifest"}]
        if body["model"] != self.model:
            lines.append({"error": "pull model manifest: file does not exist"})
        else:
            lines += [{"status": "pulling d", "digest": "d", "total": 100, "completed": done} for done in (10, 60, 100)]
            lines.append({"status": "success"})
        return Reply(200, pieces=_lines(lines))

    def _chat(self, body: Mapping[str, Any]) -> Reply:
        if body["model"] != self.model:
            return self._missing(body["model"])
        if not body["messages"]:
            return self._only_load(body)
        if self.script:
            return self.script.pop(0)
        if body.get("think") and not self.thinks:
            # routes: ChatHandler, "%q does not support thinking"
            return Reply(400, {"error": f'"{self.model}" does not support thinking'})
        with self._lock:
            self._pending += 1
            busy = self._pending > self.most
        try:
            if busy:
                return Reply(503, {"error": "server busy, please try again.  maximum pending requests exceeded"})
            self._load(body)
            return Reply(200, pieces=tuple(self._answer(body)), headers={"content-type": "application/x-ndjson"})
        finally:
            with self._lock:
                self._pending -= 1

    def _only_load(self, body: Mapping[str, Any]) -> Reply:
        # docs, "Load a model" and "Unload a model"
        unload = body.get("keep_alive") == 0
        if unload:
            self.loaded = self.loaded if self.keeps else 0
        else:
            self._load(body)
        message = {"role": "assistant", "content": ""}
        reason = "unload" if unload else "load"
        wait = 0.0 if unload else self.load_seconds
        return Reply(200, {"model": self.model, "message": message, "done": True, "done_reason": reason}, wait=wait)

    def _load(self, body: Mapping[str, Any]) -> None:
        """Another num_ctx loads the model again (sched: needsReload)."""
        wanted = self.shrinks_to or body.get("options", {}).get("num_ctx") or 4096
        if wanted != self.loaded:
            self.loads += 1
            self.loaded = wanted

    def _answer(self, body: Mapping[str, Any]) -> Iterator[bytes]:
        text, thought, reason = self._words(body)
        # the prompt is shortened without a word (runner: inputs beyond num_ctx are dropped)
        tokens = min(_tokens(self._kept(body["messages"])), self.loaded)
        for key, words in (("thinking", thought), ("content", text)):
            for start in range(0, len(words), 20):
                message = {"role": "assistant", "content": "", key: words[start : start + 20]}
                yield _line({"model": self.model, "message": message, "done": False})
        count = len(text.split())
        last = {"done_reason": reason, "prompt_eval_count": tokens, "eval_count": count, "load_duration": 5}
        yield _line({"model": self.model, "message": {"role": "assistant", "content": ""}, "done": True, **last})

    def _kept(self, messages: list[dict[str, str]]) -> list[dict[str, str]]:
        """Old messages are dropped whole until the rest fits; system ones and the last stay (prompt.go: chatPrompt)."""
        for start in range(len(messages)):
            kept = [turn for turn in messages[:start] if turn["role"] == "system"] + messages[start:]
            if _tokens(kept) <= self.loaded:
                break
        return kept

    def _words(self, body: Mapping[str, Any]) -> tuple[str, str, str]:
        options, prompt = body["options"], body["messages"][-1]["content"]
        name = hashlib.sha256(json.dumps([prompt, options["seed"]]).encode()).hexdigest()[:6]
        thought = "let me see" if body.get("think") else ""
        if "one to one hundred" in prompt:
            return " ".join(map(str, range(options["num_predict"]))), thought, "length"
        ignored = self.drops_format and body.get("think") is False
        if body.get("format") and not ignored:
            return json.dumps({"words": [f"a{name}", "b"]}), thought, "stop"
        return f"answer {name}", thought, "stop"


def _tokens(messages: list[dict[str, str]]) -> int:
    return sum(len(turn["content"]) for turn in messages) // 4 + 8


def _lines(values: list[dict[str, Any]]) -> tuple[bytes, ...]:
    return tuple(map(_line, values))


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def serve(state: Ollama | None = None) -> tuple[Double, Ollama]:
    state = state or Ollama()
    return Double(state), state
