"""`run`, `resume` and `demo`: work in this process while the display reads the journal."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from toolkit.cli.display import Display
from toolkit.cli.show import print_run
from toolkit.errors import Paused
from toolkit.recipe import Recipe, load_recipe
from toolkit.run import Run


def run_recipe(name: str, overrides: Sequence[str], *, fetch: bool = False, detach: bool = False) -> None:
    """Begin a run of a recipe and carry it out; `fetch` brings missing weights first."""
    recipe = load_recipe(name, overrides)
    require_weights(recipe, fetch=fetch)
    run = Run.create(recipe)
    typer.echo(f"{run.folder}: {recipe.file.name}; {forecast_line(recipe)}")
    if detach:
        run.resume_detached()
        typer.echo(f"it runs in the background; watch it with `schoolhouse`, or `schoolhouse show {run.name}`")
        return
    carry_out(run)


def resume_run(name: str) -> None:
    """Go on with a run."""
    run = Run.open(name)
    if run.status == "finished":
        typer.echo(f"{run.name} is finished")
        print_run(str(run.folder))
        return
    carry_out(run)


def carry_out(run: Run) -> None:
    """Work until the run is finished or paused, with the display beside."""
    display = Display(run)
    try:
        with display:
            run.carry_out()
    except Paused as pause:
        typer.echo(f"{pause.message}\n  go on with: {pause.fix}")
        raise typer.Exit(pause.exit_code) from None
    print_run(str(run.folder))


def require_weights(recipe: Recipe, *, fetch: bool) -> None:
    """The teacher's and the student's weights are here, or the error says how to get them."""
    from toolkit.models.weights import weights_path
    from toolkit.run.worker import weights_of

    names = weights_of(recipe)
    if fetch:
        from toolkit.cli.models_command import pull_all

        pull_all(names)
    for name in names:
        weights_path(name)


def forecast_line(recipe: Recipe) -> str:
    """What the run will take, at this machine's last known pace."""
    from toolkit.stages.progress import before_run

    minutes, most = before_run(recipe) / 60, recipe.file.budget.minutes
    return f"about {minutes:.0f} minutes at this machine's pace, {most:.0f} at most"
