"""What a number of items can show, said before anybody is disappointed."""

from __future__ import annotations

from math import ceil, sqrt

from toolkit.evaluation.statistics.intervals import Z95, Z_POWER80

DISCORDANT = 0.2
"""Share of items that one of two students gets right and the other wrong, when it is not known."""


def detectable_difference(n: int, discordant: float = DISCORDANT) -> float:
    """The smallest true difference that a paired comparison of `n` items shows in 4 of 5 cases.

    80 % power, two-sided 5 % level, normal approximation to McNemar's test (Connor 1987, first
    order): with 20 % discordant items 17.7 points for n = 50, 12.5 for 100, 5.6 for 500.
    """
    return min(1.0, (Z95 + Z_POWER80) * sqrt(discordant / n)) if n > 0 else 1.0


def items_needed(difference: float, discordant: float = DISCORDANT) -> int:
    """How many items show a true difference (a share, not points) in 4 of 5 cases. Raises ValueError for 0."""
    if difference == 0:
        raise ValueError("no number of items shows a difference of 0")
    return ceil(discordant * ((Z95 + Z_POWER80) / difference) ** 2)


def in_words(n: int, discordant: float = DISCORDANT, noun: str = "item") -> str:
    """What `n` items can show, as a clause: "with 40 items only a difference above 20 points could be seen"."""
    if n <= 0:
        return f"without {noun}s no difference could be seen"
    least = 100 * detectable_difference(n, discordant)
    points = f"{least:.0f}" if least >= 10 else f"{least:.1f}"
    items = f"1 {noun}" if n == 1 else f"{n} {noun}s"
    if least >= 100:
        return f"with {items} no difference could be seen"
    return f"with {items} only a difference above {points} points could be seen"
