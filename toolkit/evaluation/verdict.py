"""What a comparison on sealed items lets one say: helped, cannot tell or hurt, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.evaluation.statistics import Method, Paired, holm, in_words

Word = Literal["helped", "cannot tell", "hurt"]
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sealed exam says of a trained student against an untrained baseline.

    Args:
        difference: a share, not points; `low` and `high` its 95 % interval.
        p_value: of this comparison alone; `p_adjusted` counts all that were made (Holm).
        detectable: the smallest difference that these items show with 80 % power.
        comparisons: how many were made on these items, this one included.
        openings: how often the sealed items were opened, this time included.
    """

    word: Word
    sentence: str
    baseline: str
    difference: float
    low: float
    high: float
    n: int
    p_value: float
    detectable: float
    p_adjusted: float
    comparisons: int
    openings: int
    wins: int
    losses: int
    sources: int
    method: Method
    evidence: str


def verdict(
    comparison: Paired, student: str, baseline: str, others: Sequence[float] = (), openings: int = 1
) -> Verdict:
    """Put a paired comparison on the private items into one word and one sentence.

    Args:
        others: p-values of the other comparisons on the same items: other baselines, earlier
            openings. The more there are, the more this one has to show.
        openings: how often these items were opened; after the first time they are spent, since
            what was learnt from them may have steered the data.
    """
    adjusted = holm([comparison.p_value, *others])[0]
    word = _word(comparison.difference, adjusted)
    return Verdict(
        word=word,
        sentence=_sentence(word, comparison, student, baseline, openings),
        baseline=baseline,
        difference=comparison.difference,
        low=comparison.low,
        high=comparison.high,
        n=comparison.n,
        p_value=comparison.p_value,
        detectable=comparison.detectable,
        p_adjusted=adjusted,
        comparisons=1 + len(others),
        openings=openings,
        wins=comparison.wins,
        losses=comparison.losses,
        sources=comparison.sources,
        method=comparison.method,
        evidence=_evidence(comparison, adjusted, 1 + len(others)),
    )


def _word(difference: float, p_value: float) -> Word:
    if p_value >= SIGNIFICANCE:
        return "cannot tell"
    return "helped" if difference > 0 else "hurt"


def _sentence(word: Word, comparison: Paired, student: str, baseline: str, openings: int) -> str:
    points = f"{100 * comparison.difference:+.1f} points [{100 * comparison.low:+.1f}, {100 * comparison.high:+.1f}]"
    sentence = f"{word.capitalize()}: {student} is {points} against {baseline} on {comparison.n} sealed items"
    if word == "cannot tell":
        discordant = max(comparison.wins + comparison.losses, 1) / max(comparison.n, 1)
        noun = "source" if comparison.sources else "item"
        sentence += f"; {in_words(comparison.sources or comparison.n, discordant, noun)}"
    if openings > 1:
        sentence += (
            f". These items were opened {openings} times: they are spent, and the verdict is weaker than it looks"
        )
    return sentence + "."


def _evidence(comparison: Paired, adjusted: float, comparisons: int) -> str:
    """The test, its counts and its p-values, in a line."""
    counts = f"better on {comparison.wins}, worse on {comparison.losses} of {comparison.n} items"
    sources = f" from {comparison.sources} sources" if comparison.sources else ""
    several = f", {_p(adjusted)} after Holm's correction for {comparisons} comparisons" if comparisons > 1 else ""
    least = f"smallest detectable difference {100 * comparison.detectable:.1f} points"
    return f"{comparison.method}: {counts}{sources}, {_p(comparison.p_value)}{several}; {least}"


def _p(value: float) -> str:
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"
