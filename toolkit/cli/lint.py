"""`lint`: trained and masked tokens, and what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from toolkit.recipe import load_recipe
from toolkit.run import Run
from toolkit.run.lint import lint_recipe
from toolkit.training.lint import LintedRow

TRAINED, MASKED = "bold green", "dim"
OPEN, CLOSE = "⟦", "⟧"


def print_lint(name: str, run: str | None, show: int, overrides: Sequence[str]) -> None:
    """Print rows and findings; ends with exit code 4 when there are findings."""
    recipe = load_recipe(name, overrides)
    console = Console(highlight=False, soft_wrap=True)
    waiting = console.status("rendering the rows with the student's chat template")
    with waiting:
        report = lint_recipe(recipe, Run.open(run) if run else None, show)
    for row in report.shown:
        console.print(row_text(row, brackets=console.color_system is None or console.no_color))
    console.print(Text(report.summary, style="bold"))
    for found in report.findings:
        print(f"error: {found.message}\n  fix: {found.fix}", file=sys.stderr)
    if report.findings:
        raise SystemExit(4)
    console.print(Text("nothing to object to", style="green"))


def row_text(row: LintedRow, *, brackets: bool) -> Text:
    """A row with its trained tokens green; without colour they stand in brackets."""
    text = Text(f"row {row.number}\n", style="bold")
    for part, trained in row.parts:
        shown = _plain(part)
        text.append(f"{OPEN}{shown}{CLOSE}" if brackets and trained else shown, style=TRAINED if trained else MASKED)
    return text.append("\n")


def _plain(text: str) -> str:
    """Line ends stay, other control characters go."""
    return "".join(character for character in text if character.isprintable() or character == "\n")
