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
    from toolkit.stages.approve import check_plan

    try:
        check_plan(_mapping(text), _labels(before))
    except ValueError as error:
        return str(error)
    return ""


def _labels(before: str) -> dict[str, Any] | None:
    try:
        labels = _mapping(before).get("skills")
    except ValueError:
        return None
    return labels if isinstance(labels, dict) else None


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
