"""Recipes as texts: read, check, save, copy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tui.recipes import Checked, RecipeText, mistakes_of, next_name, renamed

FILE_NAME = "recipe.yaml"


class RecipeDoor:
    """What the Recipe screen asks. Every method may block. Paths are those of `recipe.yaml` files."""

    def recipe_text(self, path: Path) -> RecipeText:
        """The recipe's text and the one that it is compared with. Raises RecipeError when one cannot be read."""
        from toolkit.recipe.load import read_source

        text = read_source(path)
        shipped = _shipped(path)
        before = read_source(shipped) if shipped else text
        name = f"the shipped {shipped.parent.name}" if shipped else "the file as it was"
        return RecipeText(text, before, name, os.access(path, os.W_OK))

    def check_recipe(self, path: Path, text: str) -> Checked:
        """What is wrong with the text; if nothing is, what a run of it would take. Data files are not read."""
        from toolkit.errors import RecipeError
        from toolkit.recipe.load import recipe_from_text

        try:
            recipe = recipe_from_text(text, path.parent, Path(FILE_NAME))
        except RecipeError as error:
            return Checked(mistakes_of(error.message, error.fix))
        from toolkit.stages.progress import forecast_before

        stages = forecast_before(recipe).stages
        file = recipe.file
        answers = f"{len(recipe.labels)} labels" if recipe.labels else f"answers: {file.task.answer}"
        rounds = f"{file.budget.rounds} round{'s' if file.budget.rounds > 1 else ''}"
        most = f"{file.budget.teacher_calls} calls, {file.budget.minutes:g} min at most"
        facts = (
            f"{file.student.model} taught by {file.teacher.model.rpartition('/')[2]}",
            f"{answers}, engineer: {file.engineer.kind}",
            f"{rounds}, {file.budget.rows} rows, {most}",
        )
        return Checked((), tuple(stages.items()), facts)

    def save_recipe(self, path: Path, text: str) -> None:
        """Write the text as it is, comments and order included."""
        from toolkit.paths import write_text

        write_text(path, text)

    def duplicate_recipe(self, path: Path, text: str) -> Path:
        """A copy of the recipe's folder with this text and another name, in `./recipes`; its `recipe.yaml`."""
        from toolkit.paths import write_text

        place = Path("recipes")
        name = next_name(path.parent.name, [folder.name for folder in place.glob("*")] if place.is_dir() else [])
        partial = place / f".{name}.part"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(path.parent, partial)
        write_text(partial / FILE_NAME, renamed(text, name))
        partial.rename(place / name)
        return place / name / FILE_NAME


def _shipped(path: Path) -> Path | None:
    """The shipped recipe that this one is, or was copied from by name."""
    import toolkit

    package = Path(toolkit.__file__).parent
    names = [path.parent.name, path.parent.name.rpartition("-")[0]]
    found = [folder / name / FILE_NAME for name in names if name for folder in _shipped_in(package)]
    return next((one for one in found if one.is_file()), None)


def _shipped_in(package: Path) -> list[Path]:
    return [package / "_recipes", package.parent / "recipes"]
