"""What a data program hands to the host, checked before it is believed.

Values from the sandbox may be anything: sets, classes, lists that are nested 10,000 deep,
or a few lists that hold each other until they count billions of items. `BadArgument` goes
back into the program as an error that it (or the debugging engineer) can act on.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.types import Json, Row

MAX_PROMPT_CHARACTERS = 20_000
MAX_TURNS = 8
MAX_REPLY_TOKENS = 8_192
MAX_TEXT_CHARACTERS = 20_000
MAX_JSON_VALUES = 2_000
MAX_JSON_DEPTH = 24
MAX_JSON_CHARACTERS = 20_000
MAX_INTEGER_BITS = 1_000

ROW_SHAPE = '{"input": …, "output": …, "replies": [reply.id]}'


class BadArgument(ValueError):
    """Seen by the program that called a host function with something it does not take."""


@dataclass(frozen=True, slots=True)
class AskOptions:
    """How the teacher is asked; None leaves it to the recipe.

    Args:
        turns: prompts with the replies that they should have had, as examples before the real prompt.
    """

    temperature: float | None = None
    max_tokens: int = 512
    schema: Mapping[str, Json] | None = None
    system: str = ""
    turns: tuple[tuple[str, str], ...] = ()


def read_prompts(value: Any) -> list[str]:
    """Prompts for the teacher. Raises BadArgument."""
    if not isinstance(value, list | tuple):
        raise BadArgument(f"prompts must be a list of texts, this is {_kind(value)}")
    return [_prompt(prompt, f"prompt {number}") for number, prompt in enumerate(value, 1)]


def read_options(value: Any) -> AskOptions:
    """Options of `ask` and `ask_many`. Raises BadArgument for values out of range."""
    if not isinstance(value, dict):
        raise BadArgument(f"the options must be a dict, this is {_kind(value)}")
    temperature, max_tokens, schema = value.get("temperature"), value.get("max_tokens"), value.get("schema")
    if temperature is not None and not _between(temperature, 0, 2):
        raise BadArgument(f"temperature must be a number from 0 to 2, this is {_shown(temperature)}")
    if max_tokens is not None and not (_between(max_tokens, 1, MAX_REPLY_TOKENS) and int(max_tokens) == max_tokens):
        raise BadArgument(f"max_tokens must be from 1 to {MAX_REPLY_TOKENS}, this is {_shown(max_tokens)}")
    return AskOptions(
        temperature=None if temperature is None else float(temperature),
        max_tokens=int(max_tokens or 512),
        schema=None if schema is None else plain_dict(schema, "schema"),
        system=_prompt(value["system"], "system") if value.get("system") else "",
        turns=_turns(value.get("turns") or []),
    )


def _turns(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list | tuple) or len(value) > MAX_TURNS:
        raise BadArgument(f"turns must be a list of at most {MAX_TURNS} pairs (prompt, reply), this is {_kind(value)}")
    for number, pair in enumerate(value, 1):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise BadArgument(f"turn {number} is {_kind(pair)}, not a pair (prompt, reply)")
    return tuple((_prompt(asked, "a turn's prompt"), _prompt(told, "a turn's reply")) for asked, told in value)


def read_rows(value: Any, most: int) -> list[Mapping[str, Any]]:
    """Submitted rows: dicts with input and output. Raises BadArgument, naming the first wrong row.

    Args:
        most: more rows than this are refused before any of them is looked at.
    """
    if not isinstance(value, list | tuple):
        raise BadArgument(f"submit takes a list of rows such as {ROW_SHAPE}, this is {_kind(value)}")
    if len(value) > most:
        raise BadArgument(f"{len(value)} rows at once, at most {most} may still be handed in by this attempt")
    for number, row in enumerate(value, 1):
        if not isinstance(row, dict):
            raise BadArgument(f"row {number} is {_kind(row)}; write {ROW_SHAPE}")
        missing = [name for name in ("input", "output") if name not in row]
        if missing:
            keys = ", ".join(_shown(key) for key in list(row)[:8]) or "none"
            raise BadArgument(f"row {number} has no {missing[0]!r}, its keys are: {keys}; write {ROW_SHAPE}")
    return list(value)


def read_row(raw: Mapping[str, Any], known: Container[str]) -> tuple[Row, str]:
    """A row and what is wrong with its values, if anything.

    Text that is far too long is cut for the journal; `known` are the ids of the replies that
    the attempt had, others are left out. Raises BadArgument for a `meta` that is no plain dict.
    """
    problems = [f"{name} is {_kind(raw[name])}, not text" for name in ("input", "output") if not _is_text(raw[name])]
    replies = raw.get("replies")
    named = [replies] if isinstance(replies, str) else replies if isinstance(replies, list | tuple) else []
    output = _text(raw["output"])
    row = Row(
        input=_text(raw["input"]),
        output=output,
        skill=_text(raw.get("skill"))[:200] or output[:200],
        calls=tuple(dict.fromkeys(reply for reply in named if isinstance(reply, str) and reply in known)),
        meta=plain_dict(raw["meta"], "meta") if raw.get("meta") is not None else {},
    )
    return row, "; ".join(problems)


def read_verification(kind: Any, answer: Any, expected: Any, more: Any) -> tuple[str, str, str, dict[str, Json]]:
    """What `verify` takes. Raises BadArgument."""
    texts = (_prompt(value, name) for value, name in ((kind, "kind"), (answer, "answer"), (expected, "expected")))
    return *texts, plain_dict(more, "what verify is told beside the answers")  # type: ignore[return-value]


def plain_dict(value: Any, name: str) -> dict[str, Json]:
    """The value, if it is a dict that JSON can hold and a person can read. Raises BadArgument."""
    if not isinstance(value, dict):
        raise BadArgument(f"{name} must be a dict, this is {_kind(value)}")
    values = characters = 0
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        values += 1
        characters += _plain_length(item, name)
        if values > MAX_JSON_VALUES or characters > MAX_JSON_CHARACTERS or depth > MAX_JSON_DEPTH:
            raise BadArgument(
                f"{name} is too large: at most {MAX_JSON_VALUES} values, {MAX_JSON_CHARACTERS} characters"
                f" and {MAX_JSON_DEPTH} levels"
            )
        # a list longer than the limit is not unrolled: it may stand for billions of values
        stack += [(child, depth + 1) for child in _children(item, name)]
    return value


def _children(item: Any, name: str) -> Sequence[Any]:
    if isinstance(item, dict | list | tuple) and len(item) > MAX_JSON_VALUES:
        raise BadArgument(f"{name} is too large: a part of it has {len(item)} values, at most {MAX_JSON_VALUES}")
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list | tuple) else ()


def _plain_length(item: Any, name: str) -> int:
    """How many characters a value adds. Raises BadArgument for what JSON has no word for."""
    if isinstance(item, str):
        return len(item)
    if isinstance(item, dict):
        if all(isinstance(key, str) for key in item):
            return sum(len(key) for key in item)
    elif item is None or isinstance(item, bool | list | tuple) or _is_number(item):
        return 1
    raise BadArgument(f"{name} holds {_kind(item)}, which JSON cannot; use text, numbers, lists and dicts")


def _prompt(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadArgument(f"{name} must be text, this is {_kind(value)}")
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise BadArgument(f"{name} has {len(value)} characters, at most {MAX_PROMPT_CHARACTERS} may be asked")
    return value


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= MAX_INTEGER_BITS  # longer ones cannot be written out
    return isinstance(value, float) and math.isfinite(value)


def _text(value: Any) -> str:
    return str(value)[:MAX_TEXT_CHARACTERS] if value is not None and _is_text(value) else ""


def _between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _kind(value: Any) -> str:
    return "nothing (None)" if value is None else f"a {type(value).__name__}"


def _shown(value: Any) -> str:
    return repr(value)[:40] if isinstance(value, str | float | bool) or _is_number(value) else _kind(value)
