"""JSON answers: equal values, or the share of fields that are right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

from toolkit.evaluation.scorers.text import unfenced
from toolkit.types import Item, Json


class _Unusable(ValueError):
    """Not one JSON value, or one that readers would understand differently."""


def json_equal(item: Item, answer: str) -> float:
    """1 when the answer is the same JSON value: the order of keys and white space do not matter.

    Lists keep their order. A key that stands twice, NaN and text around the JSON are wrong.
    """
    try:
        return float(canonical(parse(answer)) == canonical(parse(item.output)))
    except _Unusable:
        return 0.0


def json_fields(item: Item, answer: str) -> float:
    """F1 over fields: pairs of a path and a scalar, as in information extraction.

    Places in a list do not count, so that one missing element does not spoil all after it.
    """
    try:
        wanted, found = _leaves(item.output), _leaves(answer)
    except _Unusable:
        return 0.0
    right = (wanted & found).total()
    return 2 * right / (wanted.total() + found.total())


def parse(text: str) -> Json:
    """The only JSON value in a text, perhaps in a code block. Raises ValueError for anything else."""
    try:
        return json.loads(unfenced(text), object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _Unusable(str(error)) from None


def canonical(value: Json) -> Hashable:
    """Equal for equal JSON values: 1 and 1.0 are, 1 and true are not."""
    try:
        return _canonical(value)
    except RecursionError:
        raise _Unusable("nested too deeply") from None


def _canonical(value: Json) -> Hashable:
    if isinstance(value, dict):
        return ("object", frozenset((key, _canonical(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("list", tuple(_canonical(inner) for inner in value))
    return (isinstance(value, bool), value)


def _leaves(text: str) -> Counter[Hashable]:
    try:
        return Counter(_fields(parse(text), ()))
    except RecursionError:
        raise _Unusable("nested too deeply") from None


def _fields(value: Json, path: tuple[str, ...]) -> Iterator[Hashable]:
    """Each scalar with its path; an empty list or object is a leaf of its own."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _fields(inner, (*path, f".{key}"))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _fields(inner, (*path, "[]"))
    else:
        yield path, _canonical(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unusable("a key stands twice")
    return found


def _constant(name: str) -> float:
    raise _Unusable(f"{name} is not JSON")
