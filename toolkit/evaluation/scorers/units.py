"""Units of measurement: from their notation to a factor and dimensions.

Reads SI units with prefixes, the common others, and LaTeX as SciBench writes it
("$\\mathrm{kJ} \\mathrm{mol}^{-1}$", "$10^{-35} \\mathrm{~J} \\mathrm{~s}$"). Values of constants: CODATA 2018.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import isfinite, pi

Dimensions = frozenset[tuple[str, int]]

_BASE: dict[str, tuple[float, str]] = {
    "m": (1, "m"), "g": (1e-3, "kg"), "s": (1, "s"), "A": (1, "A"), "K": (1, "K"), "mol": (1, "mol"),
    "Hz": (1, "s-1"), "N": (1, "kg m s-2"), "Pa": (1, "kg m-1 s-2"), "J": (1, "kg m2 s-2"), "W": (1, "kg m2 s-3"),
    "C": (1, "A s"), "V": (1, "kg m2 s-3 A-1"), "Ω": (1, "kg m2 s-3 A-2"), "F": (1, "kg-1 m-2 s4 A2"),
    "T": (1, "kg s-2 A-1"), "L": (1e-3, "m3"), "l": (1e-3, "m3"), "eV": (1.602176634e-19, "kg m2 s-2"),
    "cal": (4.184, "kg m2 s-2"), "bar": (1e5, "kg m-1 s-2"), "M": (1e3, "mol m-3"),
}  # fmt: skip
_FIXED: dict[str, tuple[float, str]] = {
    "min": (60, "s"), "h": (3600, "s"), "hr": (3600, "s"), "day": (86400, "s"), "days": (86400, "s"), "d": (86400, "s"),
    "yr": (31557600, "s"), "year": (31557600, "s"), "years": (31557600, "s"), "month": (2629800, "s"),
    "months": (2629800, "s"), "hours": (3600, "s"), "hour": (3600, "s"), "minutes": (60, "s"), "seconds": (1, "s"),
    "sec": (1, "s"),
    "atm": (101325, "kg m-1 s-2"), "Torr": (133.322, "kg m-1 s-2"), "mmHg": (133.322, "kg m-1 s-2"),
    "Å": (1e-10, "m"), "ft": (0.3048, "m"), "in": (0.0254, "m"), "mi": (1609.344, "m"), "lb": (4.448222, "kg m s-2"),
    "meters": (1, "m"), "metres": (1, "m"), "rad": (1, ""), "deg": (pi / 180, ""), "°": (pi / 180, ""),
    "%": (0.01, ""), "$": (1, "USD"), "USD": (1, "USD"), "dollars": (1, "USD"), "dollar": (1, "USD"),
    "€": (1, "EUR"), "EUR": (1, "EUR"), "euros": (1, "EUR"), "£": (1, "GBP"), "GBP": (1, "GBP"), "pounds": (1, "GBP"),
    "D": (3.33564e-30, "A s m"), "AU": (1.495978707e11, "m"), "KJ": (1e3, "kg m2 s-2"), "percent": (0.01, ""),
}  # fmt: skip
_PREFIXES = {
    "f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1,
    "h": 1e2, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
_SYMBOL = r"(?:[A-Za-zµμΩÅ]+|[%°$€£])"
_PART = re.compile(rf"\s*([/*·]|per\b)?\s*(?:({_SYMBOL})|(10))(?:\^?\{{?([+-]?\d{{1,2}})\}}?)?")
_LATEX = ((r"\circ", "°"), (r"\Omega", "Ω"), (r"\mu", "µ"), (r"\%", "%"), (r"\$", "$"), (r"\cdot", "·"))
_MARKUP = re.compile(r"\\(?:mathrm|text|rm|operatorname|left|right|,|;|!|\s)|[~{}]")


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` converts to SI; `scale` is the part of it that is a written power of ten."""

    factor: float
    dimensions: Dimensions
    scale: float = 1.0


def parse_unit(text: str) -> Unit | None:
    """The unit that a whole text denotes; None for text that is not one, and for no text at all."""
    try:
        return _parsed(plain_unit(text))
    except OverflowError:  # GHz^40: no quantity of this world
        return None


def _parsed(plain: str) -> Unit | None:
    position, factor, scale, sign = 0, 1.0, 1.0, 1
    dimensions: Counter[str] = Counter()
    while position < len(plain):
        part = _PART.match(plain, position)
        if not part:
            return None
        operator, symbol, ten, power = part.groups()
        exponent = int(power or 1) * (-1 if operator in ("/", "per") else 1) * sign
        if ten:
            scale *= 10.0**exponent
        elif not (known := _lookup(symbol)):
            return None
        else:
            factor *= known[0] ** exponent
            dimensions.update({name: count * exponent for name, count in _dimensions(known[1])})
        position = part.end()
    if not plain or not isfinite(factor * scale) or factor * scale == 0:
        return None
    return Unit(factor * scale, frozenset((name, count) for name, count in dimensions.items() if count), scale)


def leading_unit(text: str) -> Unit | None:
    """The unit that the longest beginning of a text denotes, in whole words: "kJ" of "kJ in all"."""
    words = plain_unit(text).split()
    for end in range(min(len(words), 6), 0, -1):
        unit = parse_unit(" ".join(words[:end]).rstrip("."))
        if unit and (words[:end] != ["in"] or end == len(words)):  # "5 in total" are no inches
            return unit
    return None


def plain_unit(text: str) -> str:
    """A unit's notation without LaTeX: "J K^-1 mol^-1"."""
    text = text[:200].replace("^{\\circ}", "°").replace("^\\circ", "°")
    for latex, sign in _LATEX:
        text = text.replace(latex, sign)
    if "\\" not in text and text.count("$") == 1:
        return " ".join(_MARKUP.sub(" ", text).split())  # a dollar sign, not mathematics
    if text.count("$") == 3:  # "$\\$$": a dollar sign as mathematics
        return "$"
    text = re.sub(r"\^\{\s*([+-]?\d+)\s*\}", r"^\1", text)
    plain = _MARKUP.sub(" ", text.replace("$", " ")).replace(" ^", "^")
    return re.sub(r"µ\s+", "µ", " ".join(plain.split()))


def _lookup(symbol: str) -> tuple[float, str] | None:
    if symbol in _FIXED:
        return _FIXED[symbol]
    if symbol in _BASE:
        return _BASE[symbol]
    if symbol[:1] in _PREFIXES and symbol[1:] in _BASE:
        factor, dimensions = _BASE[symbol[1:]]
        return _PREFIXES[symbol[0]] * factor, dimensions
    return None


def _dimensions(text: str) -> list[tuple[str, int]]:
    found = [re.fullmatch(r"([A-Za-z]+)(-?\d+)?", part) for part in text.split()]
    return [(part[1], int(part[2] or 1)) for part in found if part]
