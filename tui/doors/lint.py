"""The mask lint: what a recipe's training, or a run's, learns from."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.training.lint import LintReport
    from tui.linting import Linted

SHOWN = 12
"""Rows that are shown."""


class LintDoor:
    """What the Lint screen asks. Every method may block; the tokenizer is loaded in a child."""

    def lint_text(self, path: Path, text: str) -> Linted:
        """Of a recipe as it is edited: its public items stand in for lessons. Raises SchoolhouseError."""
        from toolkit.recipe.load import recipe_from_text
        from toolkit.run.lint import lint_recipe

        return _plain(lint_recipe(recipe_from_text(text, path.parent, path), show=SHOWN))

    def lint_run(self, folder: Path) -> Linted:
        """Of the rows in the run's last training. Raises SchoolhouseError when it has none."""
        from toolkit.run import Run
        from toolkit.run.lint import lint_recipe
        from toolkit.run.students import run_recipe

        run = Run.open(folder)
        with closing(run.reader):
            return _plain(lint_recipe(run_recipe(run), run, SHOWN))


def _plain(report: LintReport) -> Linted:
    from tui.linting import Linted

    rows = tuple((row.number, row.parts) for row in report.shown)
    return Linted(rows, report.summary, tuple((found.message, found.fix) for found in report.findings))
