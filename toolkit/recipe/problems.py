"""What is wrong with a recipe's values, in words that say what to write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from toolkit.recipe.nearest import did_you_mean, nearest
from toolkit.recipe.schema import RecipeFile
from toolkit.recipe.yaml_text import Key, dump


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, what, and what to write instead."""

    key: Key
    message: str
    fix: str


def problems_of(error: ValidationError, values: dict[str, Any]) -> list[Problem]:
    """The mistakes that pydantic found, one for each key, in the recipe's words."""
    found: dict[Key, list[ErrorDetails]] = {}
    for detail in error.errors():
        found.setdefault(_key_of(detail, values), []).append(detail)
    return [_problem(key, details, values) for key, details in found.items()]


def contradictions(file: RecipeFile) -> list[Problem]:
    """Values that are fine alone but not together."""
    return [*_answer(file), *_label_choice(file), *_split_sum(file), *_few_rows(file)]


def _answer(file: RecipeFile) -> Iterator[Problem]:
    """What each kind of answer needs, and what it cannot use."""
    task, columns = file.task, file.data.columns
    key: Key = ("task", "labels")
    if task.answer == "label" and not task.labels:
        yield Problem(key, "missing", _wanted("labels", type(task).model_fields["labels"]))
    if task.answer == "label" and "skill" in columns:
        message = "in a label task the skill is the label: plans, scores and the confusion matrix go by it"
        yield Problem(("data", "columns", "skill"), message, "delete it")
    if task.answer != "label" and task.labels:
        yield Problem(key, f"an answer of the kind {task.answer} has no labels", "delete it, or write `answer: label`")
    if task.answer != "label" and file.data.labels != "all":
        yield Problem(("data", "labels"), f"an answer of the kind {task.answer} has no labels", "delete it")
    if (task.answer == "judged") != (task.judge is not None):
        wanted = "write `judge: {rubric: what makes an answer right}`" if task.judge is None else "delete it"
        message = "missing" if task.judge is None else f"an answer of the kind {task.answer} has no judge"
        yield Problem(("task", "judge"), message, wanted)
    if task.answer == "python" and "tests" not in columns:
        message = "code is scored by tests, and no column has them"
        yield Problem(("data", "columns"), message, "write `columns: {input: …, output: …, tests: COLUMN}`")


def _label_choice(file: RecipeFile) -> Iterator[Problem]:
    known, chosen = file.task.labels, file.data.labels
    if not known:
        return
    key: Key = ("data", "labels")
    if isinstance(chosen, int) and chosen > len(known):
        yield Problem(key, f"{chosen} labels are asked for, task.labels has {len(known)}", "write `labels: all`")
    if chosen == 1 or (isinstance(chosen, list) and len(set(chosen)) < 2):
        yield Problem(key, "a label task needs at least 2 labels", "write `labels: all`, or name two or more")
    if isinstance(chosen, list):
        for name in chosen:
            if name not in known:
                message = f"{name!r} is not in task.labels{did_you_mean(name, known)}"
                yield Problem(key, message, "correct it, or add it to task.labels with a description")


def _split_sum(file: RecipeFile) -> Iterator[Problem]:
    total = sum(share for share in file.data.splits.values() if isinstance(share, float))
    if total > 1 + 1e-9:
        example = "{public: 0.2, gate: 0.2, private: 0.6}"
        yield Problem(("data", "splits"), f"the fractions add up to {total:g}, more than 1", f"for example {example}")


def _few_rows(file: RecipeFile) -> Iterator[Problem]:
    rows, least, rounds = file.budget.rows, file.budget.min_rows, file.budget.rounds
    if least > rows:
        message = f"{least} rows are needed for a submission, but the whole run may have only {rows}"
        yield Problem(("budget", "min_rows"), message, f"write `min_rows: {max(1, rows // 4)}`, or raise budget.rows")
    elif file.engineer.mode == "iterative" and rows // rounds < least:
        message = f"{rounds} rounds share {rows} rows, {rows // rounds} each, but {least} are needed for a submission"
        fix = f"write `rounds: {rows // least}`, `rows: {rounds * least}` or `min_rows: {max(1, rows // rounds)}`"
        yield Problem(("budget", "rounds"), message, fix)


def _key_of(detail: ErrorDetails, values: Any) -> Key:
    """Where the mistake is: pydantic's location without the names of types that it adds."""
    key: Key = ()
    for part in detail["loc"]:
        inside = values if isinstance(values, dict) else range(len(values)) if isinstance(values, list) else ()
        if part in inside:
            key, values = (*key, part), values[part]
        elif detail["type"] == "missing":
            key = (*key, part)
    return key


def _problem(key: Key, details: list[ErrorDetails], values: dict[str, Any]) -> Problem:
    first = details[0]
    if first["type"] == "extra_forbidden" or first["loc"][-1:] == ("[key]",):
        return _unknown_key(key)
    name, field = _field(key)
    if first["type"] == "missing":
        return Problem(key, "missing", _wanted(name, field))
    if first["type"] == "string_pattern_mismatch":
        return Problem(key, "only lower-case letters, digits, - and _ are allowed", "for example `name: help-desk`")
    if first["type"] in ("model_type", "dict_type", "model_attributes_type"):
        return Problem(key, "this is a section, not a value", f"write `{name}:` and its keys indented below it")
    messages = dict.fromkeys(_plain(detail["msg"]) for detail in details)
    value = repr(first["input"])
    got = f", not {value if len(value) < 60 else value[:57] + '...'}" if first["type"] != "value_error" else ""
    return Problem(key, " or ".join(messages) + got, _wanted(name, field))


def _plain(message: str) -> str:
    return (
        message.removeprefix("Value error, ")
        .replace("Input should", "should")
        .replace("valid integer", "whole number")
        .replace("valid ", "")
    )


def _unknown_key(key: Key) -> Problem:
    """Name the nearest key of the same section, or the section where this very key belongs."""
    siblings = list(_keys_of(key[:-1]))
    name = str(key[-1])
    found = nearest(name, siblings)
    if not found:
        elsewhere = [path for path in _all_keys() if path[-1] == name]
        found = ".".join(map(str, elsewhere[0])) if elsewhere else None
    guess = f", did you mean {found!r}?" if found else ""
    return Problem(key, f"unknown key{guess}", f"known here: {', '.join(siblings)}" if siblings else "delete it")


def _field(key: Key) -> tuple[str, FieldInfo | None]:
    """The schema's field that a key is, or is inside of, and its name."""
    section: Any = RecipeFile
    name, field = "", None
    for part in map(str, key):
        if not (isinstance(section, type) and issubclass(section, BaseModel)) or part not in section.model_fields:
            break
        name, field = part, section.model_fields[part]
        section = field.annotation
    return name, field


def _wanted(name: str, field: FieldInfo | None) -> str:
    """What a field takes, for a person who has to write it."""
    if field is None:
        return "see `schoolhouse recipes schema`"
    if get_origin(field.annotation) is Literal:
        return f"write one of {', '.join(_choices(field.annotation))}"
    unset = field.is_required() or field.default_factory is not None or field.default is None
    if unset or isinstance(field.default, BaseModel):
        return f"write `{name}:` with {field.description or 'its keys, see `schoolhouse recipes schema`'}"
    example = dump({name: field.default}).strip().replace("\n", " ") if _is_scalar(field.default) else ""
    example = example or f"{name}: {json.dumps(field.default)}".replace('"', "")
    return f"write for example `{example}`, the default"


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _choices(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _choices(part)


def _keys_of(key: Key) -> Iterator[str]:
    """The keys that a section takes."""
    section: Any = RecipeFile
    for part in key:
        if isinstance(section, type) and issubclass(section, BaseModel):
            field = section.model_fields.get(str(part))
            section = field.annotation if field else None
    if isinstance(section, type) and issubclass(section, BaseModel):
        yield from section.model_fields
    elif get_origin(section) is dict:
        yield from _choices(get_args(section)[0])


def _all_keys() -> Iterator[Key]:
    for name, field in RecipeFile.model_fields.items():
        yield (name,)
        yield from ((name, inner) for inner in _keys_of((name,)) if field.annotation)
