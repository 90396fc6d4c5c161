"""Whether a JSON value has the form of a schema (JSON Schema 2020-12): kinds, keys, choices.

Sizes and patterns (`minItems`, `maxLength`, `pattern`, …) are not checked: not every server keeps to
them, and a list that is one item short is still what was asked for. Who needs them checks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.types import Json

_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def misfit(value: Json, schema: Any, path: str = "$") -> str:
    """The first place where the value breaks the schema, in words; empty when there is none."""
    if not isinstance(schema, Mapping):
        return f"{path}: nothing is allowed here" if schema is False else ""
    return (
        _of_kind(value, schema, path)
        or _one_of(value, schema, path)
        or _list(value, schema, path)
        or _object(value, schema, path)
    )


def _of_kind(value: Json, schema: Mapping[str, Any], path: str) -> str:
    named = schema.get("type")
    kinds = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{path}: is no {' or '.join(map(str, kinds))}"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{path}: is not the constant"
    if isinstance(schema.get("enum"), list) and not any(_same(value, choice) for choice in schema["enum"]):
        return f"{path}: is none of the choices"
    return ""


def _is(value: Json, kind: str) -> bool:
    if kind not in _KINDS:
        return True
    if isinstance(value, bool) and kind != "boolean":
        return False
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, _KINDS[kind])


def _same(a: Json, b: Json) -> bool:
    return bool(isinstance(a, bool) == isinstance(b, bool) and a == b)


def _one_of(value: Json, schema: Mapping[str, Any], path: str) -> str:
    for word in ("anyOf", "oneOf"):
        choices = schema.get(word)
        if isinstance(choices, list) and all(misfit(value, choice, path) for choice in choices):
            return f"{path}: fits none of {word}"
    found = (misfit(value, part, path) for part in schema.get("allOf") or [])
    return next(filter(None, found), "")


def _list(value: Json, schema: Mapping[str, Any], path: str) -> str:
    if not isinstance(value, list):
        return ""
    found = (misfit(item, schema.get("items"), f"{path}[{index}]") for index, item in enumerate(value))
    return next(filter(None, found), "")


def _object(value: Json, schema: Mapping[str, Any], path: str) -> str:
    if not isinstance(value, dict):
        return ""
    if missing := [key for key in schema.get("required") or [] if key not in value]:
        return f"{path}: lacks {missing[0]!r}"
    known = schema.get("properties") or {}
    for key, inner in value.items():
        wanted = known.get(key, schema.get("additionalProperties"))
        if problem := misfit(inner, wanted, f"{path}.{key}"):
            return problem
    return ""
