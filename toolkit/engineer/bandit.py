"""`bandit`: no language model; each label's share follows its measured gap.

A label is worth more rows when its error rate could still be high (upper end of its
interval) and when few rows have been spent on it. Half of every round is shared evenly,
so no label is ever starved: the paper's runs that put their budget on a few topics
made the student forget the others.
"""

from __future__ import annotations

from collections import defaultdict
from math import sqrt

from toolkit.engineer.engineer import EngineerModel, Proposal, Situation, SkillReport
from toolkit.engineer.plan import even_shares, label_plan, largest_remainders

EVEN_SHARE = 0.5
Z = 1.0
"""How many standard errors the gap is given the benefit of the doubt."""

CONTRASTS = 2
"""Labels that a prompt is told not to write about, at most."""


class Bandit:
    """An optimistic bandit over labels, with an even floor."""

    revises = tries = False

    def __init__(self, program: str, _model: EngineerModel | None = None) -> None:
        self._program = program

    def propose(self, situation: Situation) -> Proposal:
        if not situation.measured:
            plan = label_plan(even_shares(situation.labels, situation.rows), situation)
            return Proposal("draft", plan, self._program)
        plan = label_plan(shares(situation), situation, contrasts(situation))
        return Proposal("improve" if situation.parent else "draft", plan, self._program, situation.parent)


def shares(situation: Situation) -> dict[str, int]:
    """Rows by label for the next round; they add up to `situation.rows`."""
    even = round(situation.rows * EVEN_SHARE)
    floor = even_shares(situation.labels, even)
    weights = {name: weight(situation.skills[name]) for name in situation.labels}
    on_top = largest_remainders(weights, situation.rows - even)
    return {name: floor[name] + on_top[name] for name in situation.labels}


def weight(report: SkillReport) -> float:
    """What a row for this label may be worth: its optimistic error rate, less as rows were spent.

    The error rate's upper end is that of the Agresti–Coull interval; the loss falls about
    with the square root of the number of rows, so the next row's worth falls the same way.
    """
    n = report.n + Z * Z
    error = (report.n - report.right + Z * Z / 2) / n
    upper = min(1.0, error + Z * sqrt(error * (1 - error) / n))
    return upper / sqrt(report.rows + 1)


def contrasts(situation: Situation) -> dict[str, list[str]]:
    """For each label, those that it is most often taken for, or that are taken for it."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (expected, answered), count in situation.confusions.items():
        if expected in situation.labels and answered in situation.labels:
            counts[expected][answered] += count
            counts[answered][expected] += count
    ranked = {label: sorted(others, key=lambda other: (-others[other], other)) for label, others in counts.items()}
    return {label: others[:CONTRASTS] for label, others in sorted(ranked.items())}
