"""Whether a scorer accepts the data's own answers: where it does not, no student can be right."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.data.sources import Example
from toolkit.errors import DataError
from toolkit.evaluation.scorers import open_scorer
from toolkit.recipe import Recipe
from toolkit.types import Item

QUICK = ("choice", "json", "json_fields", "call", "number")
"""Scorers that read and run nothing. A label is always itself; a query, a program and a judge would take long."""


def doubts_about(recipe: Recipe, examples: Sequence[Example]) -> str:
    """What to say of answers that score 0 as an answer to their own question; nothing when there are none.

    Raises DataError when they are more than half: then the column or the kind of answer is wrong.
    """
    name = recipe.file.task.scored_by
    if name not in QUICK:
        return ""
    scorer = open_scorer(name)
    odd = [one for one in examples if scorer(_item(one), one.output) < 1]
    if not odd:
        return ""
    first, counted = odd[0], f"{len(odd)} of {len(examples)} answers"
    column = recipe.file.data.columns.get("output", "output")
    if 2 * len(odd) > len(examples):
        message = f"{counted} of the data score 0 by {name!r} themselves, so that no student can be right"
        fix = "check that data.columns.output names the column of the answers, and task.answer their kind"
        raise DataError(message, fix, path=first.source_file, line=first.line, key=column)
    place = f"{first.source_file}:{first.line}" if first.line else first.source_file
    return (
        f"{counted} of the data score 0 by {name!r} themselves: no student can be right; the first: {place}: {column}"
    )


def _item(example: Example) -> Item:
    return Item("", "public", example.input, example.output, example.skill, example.meta)
