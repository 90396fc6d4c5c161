"""From a name or a path to a checked recipe; every mistake with its file and line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from toolkit.errors import RecipeError
from toolkit.paths import recipe_dirs
from toolkit.recipe.nearest import did_you_mean
from toolkit.recipe.problems import Problem, contradictions, problems_of
from toolkit.recipe.recipe import Recipe
from toolkit.recipe.schema import RecipeFile
from toolkit.recipe.yaml_text import Document, Key, parse, parse_value
from toolkit.types import Json

FILE_NAME = "recipe.yaml"
OVERRIDE = "--set"


@dataclass(frozen=True, slots=True)
class RecipeSummary:
    """One line of a list of recipes. `problem` says why it cannot be used."""

    name: str
    path: Path
    about: str
    problem: str | None = None


def load_recipe(path_or_name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe by path (file or folder) or by name.

    Args:
        path_or_name: `recipes/quickstart`, `…/recipe.yaml`, or `quickstart`.
        overrides: `section.key=value`, the value in YAML, as after `--set`.

    Raises:
        RecipeError: with all mistakes at once, one on each line.
    """
    path = _find(path_or_name)
    return recipe_from_text(read_source(path), path.parent, path, overrides)


def recipe_from_text(text: str, folder: Path, path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe from its YAML text, such as the snapshot that a run keeps. Raises RecipeError."""
    document = parse(text, path)
    overridden = {_apply(document.values, override) for override in overrides}
    file, problems = _check(document.values)
    if file is None or problems:
        raise _error(problems, path, document, overridden)
    return Recipe(folder, path, file, text)


def list_recipes() -> list[RecipeSummary]:
    """All recipes that can be named, by name; of two with one name, the one that is found first."""
    found: dict[str, RecipeSummary] = {}
    for path in _recipe_files():
        if path.parent.name not in found:
            found[path.parent.name] = _summary(path)
    return [found[name] for name in sorted(found)]


def recipe_json_schema() -> dict[str, Json]:
    """The JSON Schema of `recipe.yaml`, for editors."""
    schema: dict[str, Json] = RecipeFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Schoolhouse recipe"}


# -- finding and reading -----------------------------------------------------------------------


def _recipe_files() -> list[Path]:
    return [path for folder in recipe_dirs() for path in sorted(folder.glob(f"*/{FILE_NAME}"))]


def _find(path_or_name: str | Path) -> Path:
    path = Path(path_or_name).expanduser()
    if path.is_file():
        return path
    if (path / FILE_NAME).is_file():
        return path / FILE_NAME
    name = str(path_or_name)
    known: dict[str, Path] = {}
    for file in _recipe_files():
        known.setdefault(file.parent.name, file)
    if name in known:
        return known[name]
    if path.is_dir():
        raise RecipeError(f"the folder has no {FILE_NAME}", f"write {path / FILE_NAME}, or name another", path=path)
    hint = did_you_mean(path.name if path.suffix != ".yaml" else path.parent.name, known)
    raise RecipeError(f"no recipe {name!r}: neither a file, a folder, nor a known name{hint}", "schoolhouse recipes")


def read_source(path: Path) -> str:
    """A file that people edit, as it is. Raises RecipeError when it is not UTF-8 or cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RecipeError("not UTF-8", "save the file as UTF-8", path=path, line=line) from None
    except OSError as error:
        raise RecipeError(f"cannot be read: {error.strerror}", "check the file's permissions", path=path) from None


def _summary(path: Path) -> RecipeSummary:
    try:
        recipe = recipe_from_text(read_source(path), path.parent, path)
    except RecipeError as error:
        return RecipeSummary(path.parent.name, path, "", str(error))
    return RecipeSummary(path.parent.name, path, recipe.file.task.about)


# -- overrides ---------------------------------------------------------------------------------


def _apply(values: dict[str, Any], override: str) -> Key:
    """Set one value in place; returns its key. Raises RecipeError."""
    name, equals, text = override.partition("=")
    key = tuple(name.strip().split("."))
    if not equals or not all(key):
        raise RecipeError(f"{override!r} is not an override", "write --set train.lr=2e-4", path=OVERRIDE)
    try:
        value = parse_value(text)
    except ValueError as error:
        raise RecipeError(f"not YAML: {error}", f"write --set '{name}=\"…\"'", path=OVERRIDE, key=name) from None
    section = values
    for depth, part in enumerate(key[:-1], 1):
        inner = section.get(part)
        if inner is None:
            inner = section[part] = {}
        if not isinstance(inner, dict):
            above = ".".join(key[:depth])
            raise RecipeError(f"{above} is a value here, not a section", f"--set {above}=…", path=OVERRIDE, key=name)
        section = inner
    section[key[-1]] = value
    return key


# -- checking ----------------------------------------------------------------------------------


def _check(values: dict[str, Any]) -> tuple[RecipeFile | None, list[Problem]]:
    try:
        file = RecipeFile.model_validate(values)
    except ValidationError as error:
        return None, problems_of(error, values)
    return file, contradictions(file)


def _error(problems: list[Problem], path: Path, document: Document, overridden: set[Key]) -> RecipeError:
    def place(problem: Problem) -> tuple[str, int | None]:
        if any(problem.key[: len(key)] == key for key in overridden):
            return OVERRIDE, None
        return str(path), document.line(problem.key)

    ordered = sorted(problems, key=lambda problem: place(problem)[1] or 0)
    errors = []
    for problem in ordered:
        where, line = place(problem)
        name = ".".join(map(str, problem.key))
        errors.append(RecipeError(problem.message, problem.fix, path=where, line=line, key=name))
    if len(errors) == 1:
        return errors[0]
    lines = "\n".join(f"{error.message}; {error.fix}" for error in errors)
    return RecipeError(f"{len(errors)} mistakes:\n{lines}", f"schoolhouse recipes check {path}")
