"""An OpenAI-compatible server for tests. Each behaviour names where it was read.

Shapes: platform.openai.com/docs/api-reference/chat/object.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.models.http_double import Double, Reply

Body = Mapping[str, Any]


def chat(text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A chat completion object."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": len((text or "").split()), "total_tokens": 20},
    }


def error(status: int, message: str, **headers: str) -> Reply:
    """An error object: platform.openai.com/docs/guides/error-codes."""
    return Reply(status, {"error": {"message": message, "type": "invalid_request_error", "code": None}}, headers)


PYDANTIC = (
    "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should"
    " be 'text' or 'json_object'\", 'input': 'json_schema', 'ctx': {'expected': \"'text' or 'json_object'\"}}\n\n"
    '  File "/usr/lib/python3.11/site-packages/llama_cpp/server/app.py", line 376, in create_chat_completion\n'
    "    POST /v1/chat/completions"
)


@dataclass
class Manners:
    """What this server knows.

    `new_length`: OpenAI's reasoning models take `max_completion_tokens` only; their words are
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    `formats`: LM Studio 0.4 answers json_object with 400 and "'response_format.type' must be
    'json_schema' or 'text'"; older llama.cpp and many others know json_object or nothing.
    `pydantic`: llama-cpp-python 0.3.36's server checks questions with pydantic and answers 500, with all of the
    exception's words; seen on the real one.
    """

    new_length: bool = False
    fixed_temperature: bool = False
    formats: tuple[str, ...] = ("json_schema", "json_object")
    pydantic: bool = False
    context: int = 512
    wait: float = 0.0


def well_behaved(manners: Manners | None = None) -> Callable[[str, str, Any], Reply]:
    """Answers in about the length that is asked for; the same seed gets the same words."""
    how = manners or Manners()

    def answer(method: str, path: str, body: Body) -> Reply:
        if not path.endswith("/chat/completions"):
            return error(404, f"unknown path {path}")
        if refusal := _refused(body, how):
            return refusal
        limit = body.get("max_tokens") or body.get("max_completion_tokens") or 999
        text, finish = _text(body, int(limit))
        return Reply(200, chat(text, finish), wait=how.wait)

    return answer


def _refused(body: Body, how: Manners) -> Reply | None:
    if how.new_length and "max_tokens" in body:
        return error(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
        )
    if how.fixed_temperature and body.get("temperature", 1) != 1:
        return error(400, "Unsupported value: 'temperature' does not support 0.8 with this model.")
    kind = body.get("response_format", {}).get("type", "text")
    if how.pydantic and kind not in ("text", "json_object"):
        return error(500, PYDANTIC)
    if kind != "text" and kind not in how.formats:
        names = " or ".join(f"'{name}'" for name in (*how.formats, "text"))
        return error(400, f"'response_format.type' must be {names}")
    words = sum(len(turn["content"].split()) for turn in body["messages"])
    if words > how.context:
        # llama.cpp tools/server: ERROR_TYPE_EXCEED_CONTEXT_SIZE
        return error(400, "the request exceeds the available context size, try increasing it")
    return None


def _text(body: Body, limit: int) -> tuple[str, str]:
    prompt = body["messages"][-1]["content"]
    name = hashlib.sha256(json.dumps([prompt, body.get("seed")]).encode()).hexdigest()[:6]
    if "JSON" in prompt:
        return json.dumps({"words": [f"a{name}", "b"]}), "stop"
    if re.search("one to one hundred", prompt):
        return " ".join(str(number) for number in range(limit)), "length"
    return f"answer {name}", "stop"


def serve(answer: Callable[[str, str, Any], Reply] | None = None) -> Double:
    return Double(answer or well_behaved())
