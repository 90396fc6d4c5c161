"""`code`: the model writes the whole data program, as in the paper."""

from __future__ import annotations

from toolkit.engineer.bandit import shares
from toolkit.engineer.engineer import EngineerModel, Proposal, Situation
from toolkit.engineer.extract import extract
from toolkit.engineer.plan import even_shares
from toolkit.engineer.prompts import SYSTEM, code_prompt
from toolkit.types import Json


class Code:
    """Drafts, debugs, repairs and improves programs; how many rows each label needs is measured, not guessed."""

    revises = tries = True

    def __init__(self, _program: str, model: EngineerModel) -> None:
        self._model = model

    def propose(self, situation: Situation) -> Proposal:
        reply = self._model.question(SYSTEM, code_prompt(situation), attempt=situation.number)
        program, problem = extract(reply)
        by_label = shares(situation) if situation.measured else even_shares(situation.labels, situation.rows)
        parent = situation.earlier.id if situation.earlier else None
        plan: dict[str, Json] = {"skills": by_label}
        if situation.notes:
            asked = "; ".join(situation.notes)
            plan["changes"] = [
                {"what": "the program was asked to follow a wish", "why": f"asked for by a person: {asked}"}
            ]
        return Proposal(situation.operation, plan, program, parent, problem)
