"""`lint`: trained and masked tokens, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from toolkit.cli.console import open_console
from toolkit.cli.say import say
from toolkit.recipe import load_recipe
from toolkit.run import Run
from toolkit.run.lint import lint_recipe
from toolkit.training.lint import LintedRow

TRAINED, MASKED = "bold green", "dim"
OPEN, CLOSE = "⟦", "⟧"


def print_lint(name: str, run: str | None, show: int, overrides: Sequence[str]) -> None:
    """Print rows and findings; ends with exit code 4 when there are findings."""
    recipe = load_recipe(name, overrides)
    console = open_console(soft_wrap=True)
    waiting = console.status("rendering the rows with the student's chat template")
    with waiting:
        report = lint_recipe(recipe, Run.open(run) if run else None, show)
    for row in report.shown:
        console.print(row_text(row, brackets=console.color_system is None or console.no_color))
    console.print(Text(report.summary, style="bold"))
    for found in report.findings:
        say(f"error: {found.message}\n  fix: {found.fix}", err=True)
    if report.findings:
        raise SystemExit(4)
    console.print(Text("nothing to object to", style="green"))


def row_text(row: LintedRow, *, brackets: bool) -> Text:
    """A row with its trained tokens green; without colour they stand in brackets."""
    text = Text(f"row {row.number}\n", style="bold")
    for part, trained in row.parts:
        text.append(f"{OPEN}{part}{CLOSE}" if brackets and trained else part, style=TRAINED if trained else MASKED)
    return text.append("\n")
