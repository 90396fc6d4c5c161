"""What a reply is worth: its text without the thinking, its JSON, or the reason why it is nothing.

Replies are untrusted and stay in the journal as they came; nothing is mended or filled in here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from toolkit.models.json_schema import misfit
from toolkit.types import Completion, Json, Request

Problem = Literal[
    "",
    "cut_off",
    "over_context",
    "refused",
    "server_error",
    "unknown_finish",
    "empty",
    "thinking_only",
    "json_cut_off",
    "no_json",
    "wrong_schema",
]
CUT = ("cut_off", "json_cut_off")
"""Problems of a reply whose beginning may be of use; with any other, no row may come from it."""

MAX_DEPTH = 64
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_OPEN = re.compile(r"<think(?:ing)?>")
_END = re.compile(r"</think(?:ing)?>")
_FENCED = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*\Z", re.DOTALL)
_FINISHED: Mapping[str, Problem] = {
    "length": "cut_off",
    "context": "over_context",
    "refusal": "refused",
    "error": "server_error",
    "unknown": "unknown_finish",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply, read. `data` is its JSON when a schema was asked for and kept to."""

    text: str
    data: Json = None
    problem: Problem = ""


class BadJson(ValueError):
    """Not one JSON value that every reader understands alike."""


def read(request: Request, completion: Completion) -> Reading:
    """The reading of a reply; with a `problem` there is no `data`."""
    text = without_thinking(completion.text)
    if problem := _FINISHED.get(completion.finish_reason):
        return Reading(text, None, "json_cut_off" if problem == "cut_off" and request.schema is not None else problem)
    if not text:
        return Reading("", None, "thinking_only" if completion.text.strip() else "empty")
    if request.schema is None:
        return Reading(text)
    try:
        data = strict_json(text)
    except BadJson:
        return Reading(text, None, "json_cut_off" if _unclosed(text) else "no_json")
    return Reading(text, None, "wrong_schema") if misfit(data, request.schema) else Reading(text, data)


def json_of(completion: Completion) -> Json:
    """The JSON of a whole reply, perhaps after thoughts or in a code block; None when there is none."""
    if completion.finish_reason != "stop":
        return None
    try:
        return strict_json(without_thinking(completion.text))
    except BadJson:
        return None


def without_thinking(text: str) -> str:
    """The text without think blocks; one that is never closed takes all that follows it.

    Inside of a code block the tags are the code's own.
    """
    text = _THINKING.sub(lambda found: found[0] if _in_code(text, found) else "", text)
    # some templates open the block inside the prompt, so that only its end is in the reply
    end, begin = _END.search(text), _OPEN.search(text)
    if end and not begin and not _in_code(text, end):
        text = text[end.end() :]
    if begin and not _in_code(text, begin):
        text = text[: begin.start()]
    return text.strip()


def _in_code(text: str, found: re.Match[str]) -> bool:
    return text.count("```", 0, found.start()) % 2 == 1


def strict_json(text: str) -> Json:
    """The only JSON value in a text, perhaps in a code block.

    Raises BadJson for a key that stands twice, NaN, half of a surrogate pair, or deep nesting.
    """
    fenced = _FENCED.match(text)
    try:
        data = json.loads(fenced[1] if fenced else text, object_pairs_hook=_object, parse_constant=_constant)
        _measure(data, 0)
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)[:200]) from None
    return data


def storable(text: str) -> str:
    """The text as UTF-8 can hold it: half of a surrogate pair is written out as its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def runs_into_the_cut(row_text: str, reply_text: str) -> bool:
    """Whether a row's text ends where a cut reply ends: then its own end is missing."""
    tail = reply_text.rstrip().rstrip("\"'`,]}").rstrip()
    end = row_text.strip().rstrip("\"'`,]}")
    return bool(end) and tail.endswith(end)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadJson("a key stands twice")
    return found


def _constant(name: str) -> float:
    raise BadJson(f"{name} is not JSON")


def _measure(value: Json, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise BadJson("a number is too large")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _measure(inner, depth + 1)


def _unclosed(text: str) -> bool:
    """Whether the text begins as JSON and ends before its brackets or quotes are closed."""
    if not text.startswith(("{", "[", '"')):
        return False
    depth, quoted, escaped = 0, False, False
    for character in text:
        if quoted:
            quoted, escaped = escaped or character != '"', character == "\\" and not escaped
        elif character == '"':
            quoted = True
        else:
            depth += (character in "{[") - (character in "}]")
    return quoted or depth > 0
