"""What a server understands of the OpenAI protocol, learned from its refusals and remembered."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from toolkit.paths import cache_dir, write_text
from toolkit.types import Json, Request

FILE = "servers.json"
FORMATS = ("json_schema", "json_object_schema", "json_object", "prompt")
"""From the best to the least. The second is llama-cpp-python's: JSON mode that holds to a schema."""
LENGTH_KEYS = ("max_tokens", "max_completion_tokens")
_ASKING = "\n\nAnswer with JSON only, no other text. It must match this JSON schema:\n"


@dataclass
class Dialect:
    """How one model of one server is asked.

    `formats`: kind of schema (`object` or `other`) -> the best response format that it takes.
    """

    length_key: str = LENGTH_KEYS[0]
    temperature: bool = True
    seed: bool = True
    formats: dict[str, str] = field(default_factory=dict)

    def body(self, model: str, request: Request) -> dict[str, Json]:
        """The request as this server takes it."""
        body: dict[str, Json] = {"model": model, "messages": [dict(turn) for turn in request.messages]}
        body[self.length_key] = request.max_tokens
        if self.temperature:
            body["temperature"] = request.temperature
        if self.seed:
            body["seed"] = int(request.hash[:8], 16) & 0x7FFFFFFF
        if request.schema is not None:
            self._ask_for_json(body, request.schema)
        return body

    def _ask_for_json(self, body: dict[str, Json], schema: Mapping[str, Json]) -> None:
        how = self.format_of(schema)
        if how == "json_schema":
            body["response_format"] = {"type": how, "json_schema": {"name": "answer", "schema": dict(schema)}}
            return
        if how != "prompt":
            held = {"schema": dict(schema)} if how == "json_object_schema" else {}
            body["response_format"] = {"type": "json_object", **held}
        last = body["messages"][-1]
        last["content"] += _ASKING + json.dumps(schema, ensure_ascii=False)

    def format_of(self, schema: Mapping[str, Json]) -> str:
        known = self.formats.get(_kind(schema), FORMATS[0])
        return known if known in FORMATS else FORMATS[0]

    def learn(self, reason: str, request: Request) -> bool:
        """Change what the server refused; False when its reason is about something else."""
        low = reason.lower()
        if self.length_key == LENGTH_KEYS[0] and LENGTH_KEYS[1] in low:
            self.length_key = LENGTH_KEYS[1]
        elif self.length_key == LENGTH_KEYS[1] and LENGTH_KEYS[1] in low:
            self.length_key = LENGTH_KEYS[0]
        elif self.temperature and "temperature" in low:
            self.temperature = False
        elif self.seed and "seed" in low.split():
            self.seed = False
        elif request.schema is not None and any(word in low for word in ("response_format", "json_", "schema", "json")):
            return self._simpler(request.schema, low)
        else:
            return False
        return True

    def _simpler(self, schema: Mapping[str, Json], reason: str) -> bool:
        kind, now = _kind(schema), self.format_of(schema)
        if now == "prompt":
            return False
        # JSON mode gives objects only, so a list can then be asked for in words alone; but llama-cpp-python's holds to
        # any schema, and is known by its words
        any_schema = now == FORMATS[0] and "'text' or 'json_object'" in reason
        self.formats[kind] = FORMATS[FORMATS.index(now) + 1] if kind == "object" or any_schema else "prompt"
        return True


def _kind(schema: Mapping[str, Json]) -> str:
    return "object" if schema.get("type") == "object" or "properties" in schema else "other"


class Dialects:
    """The dialects of all servers met so far, in the cache folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def load(self, key: str) -> Dialect:
        found = _read().get(key)
        try:
            return Dialect(**found) if isinstance(found, dict) else Dialect()
        except TypeError:
            return Dialect()

    def save(self, key: str, dialect: Dialect) -> None:
        with self._lock:
            known = _read()
            known[key] = asdict(dialect)
            try:
                write_text(cache_dir() / FILE, json.dumps(known, indent=1, sort_keys=True))
            except OSError:  # it is learned again at the next start
                return


def _read() -> dict[str, Any]:
    try:
        found = json.loads((cache_dir() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
