"""Approve: a person looks at a plan or a program before it runs, and may change it.

The run pauses with the text in a file. Once the file is approved, carrying the run out again
takes the same path to this place and goes on with the text as the person left it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from toolkit.engineer import Proposal
from toolkit.engineer.lesson_plan import MOST_PER_CALL, LessonPlan
from toolkit.errors import Paused
from toolkit.harmless import one_line
from toolkit.paths import write_text
from toolkit.recipe.yaml_text import dump, parse_value
from toolkit.stages.session import Session

FOLDER = "approval"
APPROVED = ".approved"
PLAN_KEYS = (
    *("skills", "styles", "kinds", "situations", "personas", "wishes"),
    *("contrasts", "notes", "shown", "per_call"),
)
"""What of a plan is carried out, and can be edited."""

_TEXTS = 'a list of texts, each in quotes, such as ["annoyed", "very short"]'
WANTED = {
    **dict.fromkeys(("styles", "kinds", "situations", "personas", "wishes"), _TEXTS),
    "skills": "label: rows",
    "contrasts": "for a label a list of others, such as {first_label: [second_label]}",
    "notes": "for a label a text in quotes",
    "shown": "for a label a list of places among the recipe's examples, from 0, such as {first_label: [0, 2]}",
    "per_call": f"a whole number from 1 to {MOST_PER_CALL}",
}
"""What each key takes, for a person who has to write it."""


class _EditedPlan(LessonPlan):
    notes: dict[str, str] = Field(default_factory=dict)


class ApprovalWanted(Paused):
    """The run waits until a person has looked at `path`."""

    def __init__(self, path: Path, run: str, problem: str = "") -> None:
        what = "the program" if path.suffix == ".py" else "the plan"
        said = f"{path.name} cannot be used: {problem}" if problem else f"{what} of {path.stem} waits for your approval"
        super().__init__(said, f"look at {path}, edit it if you like, then: schoolhouse resume {run} --yes")
        self.path, self.again = path, bool(problem)


def approved(session: Session, attempt: int, proposal: Proposal) -> Proposal:
    """The proposal as the person left it. Raises ApprovalWanted until they have looked at it."""
    wanted = session.recipe.file.engineer.approve
    if wanted == "none" or proposal.problem:
        return proposal
    path = session.folder / FOLDER / f"attempt-{attempt}{'.py' if wanted == 'code' else '.yaml'}"
    seen = path.with_name(path.name + APPROVED)
    if not seen.is_file():
        if not path.is_file():
            write_text(path, proposal.program if wanted == "code" else as_text(attempt, proposal))
        session.journal.event("approval_wanted", attempt=attempt, path=str(path.relative_to(session.folder)))
        raise ApprovalWanted(path, session.folder.name)
    text = seen.read_text(encoding="utf-8")
    try:
        return replace(proposal, program=_program(text)) if wanted == "code" else _edited(session, proposal, text)
    except ValueError as error:
        seen.replace(path)
        where = str(path.relative_to(session.folder))
        session.journal.event("approval_wanted", attempt=attempt, path=where, problem=str(error))
        raise ApprovalWanted(path, session.folder.name, str(error)) from None


def is_proposed(session: Session, attempt: int) -> bool:
    """Whether an attempt's plan or program was written for approval: a note that came later is not in it."""
    return any(session.folder.joinpath(FOLDER).glob(f"attempt-{attempt}.*"))


def approve(path: Path) -> None:
    """Let a waiting plan or program run as its file now stands."""
    path.replace(path.with_name(path.name + APPROVED))


def waiting(folder: Path) -> list[Path]:
    """The files of a run that wait for approval."""
    return sorted(path for path in folder.joinpath(FOLDER).glob("attempt-*") if path.suffix in (".py", ".yaml"))


def as_text(attempt: int, proposal: Proposal) -> str:
    """The plan as a person gets to edit it, with its reasons as comments."""
    changes = proposal.plan.get("changes", [])
    why = "".join(f"# {one_line(change['what'])}\n#   because: {one_line(change['why'])}\n" for change in changes)
    shown = {key: proposal.plan[key] for key in PLAN_KEYS if key in proposal.plan}
    return f"# Attempt {attempt}, {proposal.operation}. Edit what you like.\n{why}{dump(shown)}"


def _program(text: str) -> str:
    try:
        compile(text, "program.py", "exec", dont_inherit=True)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"it does not parse: {error}") from None
    return text


def check_plan(values: Any, labels: Collection[str] | None) -> None:
    """Raises ValueError, naming the key and what to write, when the values are not a plan that can be carried out.

    Args:
        labels: those of the task, or its skills; None where they are not known.
    """
    if not isinstance(values, dict):
        raise ValueError("it is not a mapping of keys to values")
    unknown = [str(key) for key in values if key not in PLAN_KEYS]
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}; known: {', '.join(PLAN_KEYS)}")
    _check_skills(values.get("skills"))
    try:
        _EditedPlan.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        wanted = WANTED[str(first["loc"][0])]
        raise ValueError(f"{_place(first['loc'])}: write {wanted}, not {_kind(first['input'])}") from None
    if labels is not None:
        _check_labels(values, labels)


def _edited(session: Session, proposal: Proposal, text: str) -> Proposal:
    """Raises ValueError when the text is not a plan for this task's labels."""
    values = parse_value(text)
    check_plan(values, session.data.skills)
    if all(proposal.plan.get(key) == value for key, value in values.items()):
        return proposal
    changes = [*proposal.plan.get("changes", []), {"what": "edited before it ran", "why": "by a person"}]
    return replace(proposal, plan={**proposal.plan, **values, "changes": changes})


def _check_skills(skills: Any) -> None:
    if not isinstance(skills, dict) or not skills:
        raise ValueError("skills must be a mapping label: rows")
    for label, rows in skills.items():
        if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            raise ValueError(f"skills: {label} must have a whole number of rows, not {rows!r}")


def _check_labels(values: dict[str, Any], labels: Collection[str]) -> None:
    named = [(key, label) for key in ("skills", "contrasts", "notes", "shown") for label in values.get(key, {})]
    named += [("contrasts", label) for others in values.get("contrasts", {}).values() for label in others]
    for key, label in named:
        if label not in labels:
            raise ValueError(f"{key}: there is no label {label!r}")


def _place(loc: tuple[int | str, ...]) -> str:
    """Where a value stands, as a person counts: `styles, number 2`."""
    parts = loc[:-2] if loc[-1] == "[key]" else loc
    return ", ".join(f"number {part + 1}" if isinstance(part, int) else part for part in parts)


def _kind(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return "nothing"
    return repr(value)[:60] if isinstance(value, str | int | float) else f"a {type(value).__name__}"
