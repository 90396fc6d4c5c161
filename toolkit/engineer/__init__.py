"""The data engineer: plans lessons from what was measured."""

from toolkit.engineer.engineer import (
    Earlier,
    Engineer,
    EngineerModel,
    Problem,
    Proposal,
    Situation,
    SkillReport,
    open_engineer,
)

__all__ = ["Earlier", "Engineer", "EngineerModel", "Problem", "Proposal", "Situation", "SkillReport", "open_engineer"]
