"""A recipe's own examples: a message from a conversation becomes one that shows the teacher the tone."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ExamplePlace:
    """The recipe file that gets an example, and the labels to choose from."""

    path: Path
    labels: tuple[str, ...]


class ExamplesDoor:
    """What "to the seeds" asks. Every method may block."""

    def example_place(self, folder: Path) -> ExamplePlace:
        """Where a run's recipe lies. Raises SchoolhouseError when nothing can be added there."""
        from toolkit.errors import SchoolhouseError
        from toolkit.journal import JournalReader
        from toolkit.recipe import load_recipe

        with closing(JournalReader(folder)) as reader:
            path = Path(reader.meta("recipe_folder") or folder) / "recipe.yaml"
        if not path.is_file():
            raise SchoolhouseError(f"the recipe of this run is no more at {path}", "schoolhouse recipes")
        if not os.access(path, os.W_OK):
            fix = "make a copy of it: on Home press e, then f3; start runs from the copy"
            raise SchoolhouseError(f"{path} cannot be written", fix)
        labels = tuple(load_recipe(path).labels)
        if not labels:
            fix = "write it into the file that data.seeds names"
            raise SchoolhouseError("this task has no labels, so no examples of labels either", fix)
        return ExamplePlace(path, labels)

    def example_preview(self, path: Path, label: str, message: str) -> tuple[str, str]:
        """The recipe's text as it is, and with the message as an example of the label. Raises RecipeError."""
        from toolkit.recipe.edit import with_example
        from toolkit.recipe.load import read_source

        before = read_source(path)
        return before, with_example(before, label, message)

    def add_example(self, path: Path, label: str, message: str) -> None:
        """Write it; the text is read anew, so that edits made meanwhile stay. Raises RecipeError."""
        from toolkit.paths import write_text

        write_text(path, self.example_preview(path, label, message)[1])
