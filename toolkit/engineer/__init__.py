"""The data engineer: plans lessons from what was measured."""

from toolkit.engineer.engineer import Earlier, Engineer, Problem, Proposal, Situation, SkillReport, open_engineer

__all__ = ["Earlier", "Engineer", "Problem", "Proposal", "Situation", "SkillReport", "open_engineer"]
