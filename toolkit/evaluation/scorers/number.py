"""Numbers with a relative tolerance and units, as in SciBench and FinanceReasoning.

SciBench (Wang et al. 2024) counts an answer within 5 % as right, FinanceReasoning (Tang et al.
2025) within 0.2 %: give `tolerance` with the items to score as they do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose, isfinite, pi

from toolkit.evaluation.scorers.text import spoken
from toolkit.evaluation.scorers.units import Unit, leading_unit
from toolkit.types import Item

TOLERANCE = 0.01
"""Relative; for items that bring none of their own."""

ROUNDING = 1e-14
"""Exact but for this: kJ made of J differ in the last digit."""

_SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "trillion": 1e12}
_SCALE_WORD = re.compile(r"\s*(thousand|million|billion|trillion|mn|bn)\b", re.IGNORECASE)
_SCALE_LETTER = re.compile(r"\s?([km])(?!\w)", re.IGNORECASE)
_DIGITS = r"(?:\d{1,3}(?:[,\u202f\u00a0]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_POWER = r"10\s*(?:\^|\*\*)\s*\{?\s*([+-]?\d{1,4})\s*\}?"
_TENS = _POWER.replace("([", "(?P<bare>[")
_TEN = r"\s*(?:\*|×|·|x|\\times|\\cdot)\s*" + _POWER.replace("([", "(?P<power>[")
_NUMBER = re.compile(
    rf"(?<![\w.^])(?<!\^\{{)(?P<sign>[+-]\s?)?(?P<currency>[$€£]\s?)?(?P<inner>[+-])?"
    rf"(?:\\[dt]?frac\s*\{{?\s*(?P<top>-?\d+(?:\.\d+)?)\s*\}}?\s*\{{?\s*(?P<bottom>\d+(?:\.\d+)?)\s*\}}?"
    rf"|{_TENS}"
    rf"|(?P<digits>{_DIGITS})(?:\s?/\s?(?P<below>\d+(?:\.\d+)?)(?![\d/]))?)"
    rf"(?:[eE](?P<exponent>[+-]?\d{{1,4}})(?!\w)|{_TEN})?"
    rf"(?P<pi>\s*(?:\\pi\b|π))?"
)
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\}){0,300})\}")
_STATED = re.compile(r"(?:answer\s*(?:is|:|=)|####)\s*:?\s*([^\n]+)", re.IGNORECASE)
_BARE = re.compile(r"(?:[A-Za-zΔ]\w*\s*[=≈:])?[≈~\s(*]*")
_MATHS = re.compile(r"\$(?=\S)([^$\n]*\S)\$(?!\d)")  # pandoc's rule: "$5 and $7" is no formula
_AFTER = re.compile(r"\s*([A-Za-zµμΩÅ%°$€£\\{}~^/*·.\d\s+-]{0,120})")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it was written, and the unit that follows it, if it is one."""

    value: float
    unit: Unit | None = None
    word: str = ""
    """A word such as "million" behind the number; `value` is without it."""


def number(item: Item, answer: str) -> float:
    """1 when the answer's number is the expected one, within a relative tolerance.

    `item.meta` may hold `unit` and `tolerance`. An answer in another unit of the same kind is
    converted; one without a unit is taken to be in the expected unit. "12.5 %" is both 12.5
    and 0.125, and "5 million" is 5 only where the question speaks of millions.
    """
    truth = _TRUTH.get(item.output.strip().casefold())
    if truth is not None:
        return float(_TRUTH.get(spoken(answer).casefold().rstrip(".")) is truth)
    wanted, found = read_quantity(item.output), read_quantity(answer)
    if wanted is None or found is None:
        return 0.0
    unit = leading_unit(str(item.meta.get("unit") or "")) or wanted.unit
    expected = wanted.value * _SCALES.get(wanted.word, 1)
    tolerance = _tolerance(item)
    return float(any(_close(one, expected, tolerance) for one in _readings(found, unit, item.input)))


def read_quantity(text: str) -> Quantity | None:
    """The number that a text states: boxed, after "answer is" or "=", at its beginning, or its last one."""
    text = _normalised(text)
    if boxed := _BOXED.findall(text):
        return _first(boxed[-1])
    if stated := _STATED.findall(text):
        return _first(stated[-1])
    first = _NUMBER.search(text)
    if first and "=" in text[first.end() :] and (result := _first(text.rpartition("=")[2])):
        return result
    found = [match for match in _NUMBER.finditer(text) if _value(match) is not None]
    if not found or not first:
        return None
    return _quantity(found[0] if _BARE.fullmatch(text[: first.start()]) else found[-1])


def _readings(found: Quantity, unit: Unit | None, question: str) -> Iterator[float]:
    """The values, in the expected unit, that an answer may stand for."""
    word = _SCALES.get(found.word, 1)
    value = found.value * word
    if found.word and found.word in question.casefold():
        yield found.value
    if found.unit is None:
        yield value
        yield from [value / unit.scale] if unit and unit.scale != 1 else []
    elif unit is None:
        yield value * found.unit.scale
        yield from [value * found.unit.factor] if found.unit.factor == 0.01 and not found.unit.dimensions else []
    elif unit.dimensions == found.unit.dimensions:
        yield value * found.unit.factor / unit.factor
        yield from [value] if unit.factor == 0.01 == found.unit.factor else []


def _first(text: str) -> Quantity | None:
    return next(filter(None, map(_quantity, _NUMBER.finditer(text))), None)


def _quantity(match: re.Match[str]) -> Quantity | None:
    """The number of a match with what follows it; brackets around it all are an accountant's minus."""
    value = _value(match)
    if value is None:
        return None
    after = match.string[match.end() : match.end() + 120]
    word, unit = _behind(after, (match["currency"] or "").strip())
    negative = match.string[: match.start()].strip() == "(" and after.strip().startswith(")")
    return Quantity(-value if negative else value, unit, word)


def _value(match: re.Match[str]) -> float | None:
    """The number without its unit; None when it is none that can be compared with."""
    try:
        if match["top"]:
            value = float(match["top"]) / float(match["bottom"])
        elif match["bare"]:
            value = 10.0 ** int(match["bare"])
        else:
            value = float(re.sub(r"[,\u202f\u00a0]", "", match["digits"]))
            value /= float(match["below"] or 1)
        value *= 10.0 ** int(match["exponent"] or match["power"] or 0)
    except (ZeroDivisionError, OverflowError):
        return None
    value *= pi if match["pi"] else 1
    signs = (match["sign"] or "").strip() + (match["inner"] or "")
    return (-value if "-" in signs else value) if isfinite(value) else None


def _behind(after: str, currency: str) -> tuple[str, Unit | None]:
    """The scale word and the unit behind a number; a currency may stand before it."""
    word = ""
    scale = _SCALE_WORD.match(after) or (_SCALE_LETTER.match(after) if currency else None)
    if scale:
        word, after = scale[1].casefold(), after[scale.end() :]
    if currency:
        return word, leading_unit(currency)
    match = _AFTER.match(after)
    return word, leading_unit(re.split(r"[,;()\n]", match[1])[0]) if match else None


def _close(value: float, expected: float, tolerance: float) -> bool:
    least = 1e-9 if expected == 0 else 0.0
    return isfinite(value) and isclose(value, expected, rel_tol=max(tolerance, ROUNDING), abs_tol=least)


def _tolerance(item: Item) -> float:
    """The item's own, 0 for exact; what is none (a data program may write anything) is as good as missing."""
    try:
        given = float(item.meta.get("tolerance", TOLERANCE))
    except (TypeError, ValueError, OverflowError):
        return TOLERANCE
    return given if 0 <= given < 1 else TOLERANCE


def _normalised(text: str) -> str:
    """Minus signs, superscripts and LaTeX made plain."""
    text = _MATHS.sub(r"\1", spoken(text).replace("−", "-").replace("–", "-"))
    text = text.replace("\\$", "$").replace("\\%", "%").replace("$$", "")
    text = re.sub(r"[⁰¹²³⁴-⁹⁻⁺]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    return re.sub(r"\\[,;! ]|\\(?:left|right)\b", "", text)
