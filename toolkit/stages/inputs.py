"""The names that a data program finds defined: `task`, `plan` and `seeds`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.stages.session import Session
from toolkit.types import Item, Json

FORMS = {
    "choice": "the letter of one option",
    "json": "one JSON value on one line",
    "call": '{"name": …, "arguments": {…}} on one line',
    "number": "the number, with its unit if it has one",
    "sql": "one SQLite query on one line",
    "python": "Python code",
}
"""What an answer looks like, by kind."""


def program_inputs(session: Session, plan: Mapping[str, Any]) -> dict[str, Any]:
    """All of them, as JSON values."""
    task = session.recipe.file.task
    described = {
        "about": task.about,
        "answer": task.answer,
        "form": FORMS.get(task.answer, "the answer"),
        "fields": fields_of(session.data.public) if task.answer == "json" else {},
        "labels": dict(session.data.labels),
        "examples": {label: list(texts) for label, texts in task.examples.items()},
        "target_rows": int(plan["room"]),
        "min_rows": session.recipe.file.budget.min_rows,
    }
    return {"task": described, "plan": dict(plan), "seeds": list(session.data.seeds)}


def fields_of(items: Sequence[Item]) -> dict[str, str]:
    """The fields that most JSON answers have, each `text` or `number`. No value of an item is told."""
    answers = [found for item in items if isinstance(found := _parsed(item.output), dict)]
    counts = Counter(name for answer in answers for name in answer)
    kinds = {name: _kind([answer[name] for answer in answers if name in answer]) for name in counts}
    return {name: kind for name, kind in kinds.items() if kind and counts[name] * 2 > len(answers)}


def _kind(values: Sequence[Json]) -> str:
    """Empty for a field that holds anything but texts and numbers."""
    if any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in values):
        return ""
    return "text" if any(isinstance(value, str) for value in values) else "number"


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
