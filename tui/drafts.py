"""Whether a plan or a program that a person has edited can run at all; a run checks again. Pure but for parsing."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def problem(path: Path, text: str, before: str) -> str:
    """What is wrong with the text, in words; empty when nothing is.

    Args:
        before: the text as it was, whose labels are those of the task.
    """
    return _program_problem(text) if path.suffix == ".py" else _plan_problem(text, before)


def _program_problem(text: str) -> str:
    try:
        compile(text, "program.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"it does not parse: {error}"
    return ""


def _plan_problem(text: str, before: str) -> str:
    from toolkit.stages.approve import PLAN_KEYS

    try:
        values = _mapping(text)
    except ValueError as error:
        return str(error)
    unknown = [str(key) for key in values if key not in PLAN_KEYS]
    if unknown:
        return f"unknown keys: {', '.join(unknown)}; known: {', '.join(PLAN_KEYS)}"
    return _skills_problem(values.get("skills"), before)


def _skills_problem(skills: Any, before: str) -> str:
    if not isinstance(skills, dict) or not skills:
        return "skills must be a mapping label: rows"
    try:
        labels = _mapping(before).get("skills")
    except ValueError:
        labels = None
    for label, rows in skills.items():
        if isinstance(labels, dict) and label not in labels:
            return f"skills: there is no label {label!r}"
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            return f"skills: {label} must have a whole number of rows, not {rows!r}"
    return ""


def _mapping(text: str) -> dict[str, Any]:
    """Raises ValueError, with the line where YAML says one."""
    from toolkit.errors import RecipeError
    from toolkit.recipe.yaml_text import parse

    try:
        return parse(text, "plan").values
    except RecipeError as error:
        where = f"plan:{error.line}: " if error.line else "plan: "
        words = error.message.removeprefix(where)
        raise ValueError(f"line {error.line}: {words}" if error.line else words) from None
