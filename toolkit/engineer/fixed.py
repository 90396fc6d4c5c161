"""`fixed`: the same plan every round, whatever was measured. The pipeline to beat."""

from __future__ import annotations

from toolkit.engineer.engineer import EngineerModel, Proposal, Situation
from toolkit.engineer.plan import even_shares, label_plan


class Fixed:
    """An even share of the rows for every label, no feedback."""

    revises = tries = False

    def __init__(self, program: str, _model: EngineerModel | None = None) -> None:
        self._program = program

    def propose(self, situation: Situation) -> Proposal:
        plan = label_plan(even_shares(situation.labels, situation.rows), situation)
        return Proposal("improve" if situation.parent else "draft", plan, self._program, situation.parent)
