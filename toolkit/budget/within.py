"""How much of a run fits into a given time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from toolkit.errors import RecipeError

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Size:
    """What a run may make: rounds, and accepted rows over all of them."""

    rounds: int
    rows: int


def parse_duration(text: str) -> float:
    """Seconds of `90m`, `1h30m`, `5400s` or `1.5h`; a bare number means minutes. Raises RecipeError."""
    plain = text.strip().lower()
    if plain.replace(".", "", 1).isdigit():
        plain += "m"
    parts = _PART.findall(plain)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if not seconds or _PART.sub("", plain).strip():
        raise RecipeError(f"{text!r} is no length of time", "write for example `--within 90m` or `--within 1h30m`")
    return seconds


def shrink(wanted: Size, least: int, seconds: float, forecast: Callable[[Size], float]) -> Size | None:
    """The largest size that is forecast to fit, or None when not even the smallest does.

    First rounds are left out, with as many rows in each of the others as before, down to one
    round. Then its rows are made fewer, down to `least`.
    """
    a_round = max(1, wanted.rows // wanted.rounds)
    for rounds in range(wanted.rounds, 0, -1):
        size = Size(rounds, wanted.rows if rounds == wanted.rounds else a_round * rounds)
        if forecast(size) <= seconds:
            return size
    low, high = min(least, a_round), a_round
    if forecast(Size(1, low)) > seconds:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if forecast(Size(1, middle)) <= seconds else (low, middle)
    return Size(1, low)
