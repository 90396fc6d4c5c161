"""The data engineer: plans lessons from what was measured."""

from toolkit.engineer.engineer import Engineer, Proposal, Situation, SkillReport, open_engineer

__all__ = ["Engineer", "Proposal", "Situation", "SkillReport", "open_engineer"]
