"""`run`, `resume` and `demo`: work in this process while the display reads the journal."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from toolkit.cli.compare import print_comparison
from toolkit.cli.display import Display
from toolkit.cli.say import say
from toolkit.cli.show import print_run
from toolkit.errors import Paused
from toolkit.recipe import Recipe, load_recipe
from toolkit.run import Run
from toolkit.run.arms import begin_series, next_arm, siblings


def run_recipe(
    name: str,
    overrides: Sequence[str],
    *,
    fetch: bool = False,
    detach: bool = False,
    steer: Sequence[str] = (),
    arms: Sequence[str] = (),
    within: str | None = None,
) -> None:
    """Begin a run of a recipe and carry it out; `fetch` brings missing weights first, `steer` are notes for it.

    With `arms`, one run after another, and their comparison in the end. With `within`, no larger than fits
    into that time.
    """
    recipe = load_within(name, overrides, within)
    require_weights(recipe, fetch=fetch)
    run = begin_series(recipe, arms) if arms else Run.create(recipe)
    for note in steer:
        steer_run(str(run.folder), note)
    each = f", for each of {len(arms)} arms" if len(arms) > 1 else ""
    say(f"{run.folder}: {recipe.file.name}; {forecast_line(recipe, run.folder)}{each}")
    say(f"  {spending_line(recipe)}")
    say(f"  {memory_line(recipe)}")
    if detach:
        run.resume_detached()
        say(f"it runs in the background; watch it with `schoolhouse`, or `schoolhouse show {run.name}`")
        return
    carry_out_all(run)


def finish_run(name: str, *, undo: bool) -> None:
    """Leave the wish that no further round begins, or take it back."""
    run = Run.open(name)
    run.end_after_round(not undo)
    say("further rounds may begin" if undo else "no further round begins; the exam follows the one under way")
    if not run.is_running:
        say(f"  go on with: schoolhouse resume {run.folder.name}")


def steer_run(name: str, text: str) -> None:
    """Leave a note for a run's engineer, and say when it will be seen."""
    from toolkit.run.students import run_recipe as recipe_of

    run = Run.open(name)
    run.steer(text)
    kind = recipe_of(run).file.engineer
    seen = "the engineer sees it when it plans next"
    if not kind.asks:
        seen = f"{kind.kind} asks no model: the note itself is put among the styles of the next plan"
    say(f"{run.name}: {seen}")


def resume_run(name: str, *, yes: bool = False) -> None:
    """Go on with a run; with `yes`, what waits for approval runs as its file now stands."""
    run = Run.open(name)
    if yes:
        run.approve()
    if run.status == "finished":
        say(f"{run.name} is finished")
        print_run(str(run.folder))
        if (following := next_arm(run)) is None:
            return
        run = following
    carry_out_all(run)


def carry_out_all(run: Run) -> None:
    """Carry out a run, then the other arms of its series, if it has any; they are compared in the end."""
    following: Run | None = run
    while following:
        carry_out(following)
        following = next_arm(run)
        if following:
            say(f"{following.folder}: the next arm")
    if len(siblings(run)) > 1:
        print_comparison([str(run.folder)])


def carry_out(run: Run) -> None:
    """Work until the run is finished or paused, with the display beside; plans and programs are shown if wanted."""
    from toolkit.stages.approve import ApprovalWanted

    while True:
        try:
            with Display(run):
                run.carry_out()
            break
        except ApprovalWanted as wanted:
            if wanted.again:
                say(wanted.message)
            if not looked_at(wanted.path, again=wanted.again):
                stop(wanted)
            run.approve()
        except Paused as pause:
            stop(pause)
    print_run(str(run.folder))


def stop(pause: Paused) -> NoReturn:
    """End the command with what to do next."""
    say(f"{pause.message}\n  go on with: {pause.fix}")
    raise typer.Exit(pause.exit_code) from None


def looked_at(path: Path, *, again: bool = False) -> bool:
    """Open the file in $EDITOR; whether the person wants it to run. Without a terminal nobody looks: no.

    Args:
        again: it could not be used as it was left; an editor that opens at once would hide why.
    """
    if not sys.stdin.isatty() or (again and not _yes(f"edit {path.name} again?")):
        return False
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    try:
        ended = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
    except (OSError, ValueError) as error:
        say(f"{editor} does not start ({error}); set EDITOR to your editor, or open {path} yourself")
        return False
    if ended:
        say(f"{editor} ended with code {ended}: nothing is approved")
        return False
    return _yes(f"run {path.stem} as it now stands?")


def _yes(question: str) -> bool:
    """The answer of the person at the terminal; Ctrl-C means no, so that what to do next is still said."""
    try:
        return typer.confirm(question, default=True)
    except typer.Abort:
        say("")
        return False


def load_within(name: str, overrides: Sequence[str], within: str | None) -> Recipe:
    """The recipe, made smaller if need be. Raises RecipeError when nothing of it fits into that time."""
    recipe = load_recipe(name, overrides)
    if within is None:
        return recipe
    from toolkit.budget import parse_duration
    from toolkit.stages.progress import fitted

    smaller = fitted(recipe, parse_duration(within))
    found = load_recipe(name, [*overrides, *smaller])
    before, after = recipe.file.budget, found.file.budget
    if (before.rounds, before.rows) != (after.rounds, after.rows):
        sizes = f"{after.rounds} of {before.rounds} rounds, {after.rows} of {before.rows} rows"
        say(f"to end within {within}: {sizes}")
    return found


def require_weights(recipe: Recipe, *, fetch: bool) -> None:
    """The teacher's and the student's weights are here, or the error says how to get them."""
    from toolkit.models.servers import models_on_servers
    from toolkit.models.weights import weights_path
    from toolkit.run.worker import weights_of

    names = weights_of(recipe)
    if fetch:
        from toolkit.cli.models_command import pull_all

        pull_all([*names, *(name for name in models_on_servers(recipe).values() if name.startswith("ollama/"))])
    for name in names:
        weights_path(name)


def forecast_line(recipe: Recipe, folder: Path) -> str:
    """What the run in this folder will take, at this machine's last known pace."""
    from toolkit.stages.progress import forecast_before, items_of

    found, most = forecast_before(recipe, items_of(recipe, folder)), recipe.file.budget.minutes
    stages = ", ".join(f"{STAGE_NAMES[name]} {seconds / 60:.0f}" for name, seconds in found.stages.items())
    return f"about {found.seconds_left / 60:.0f} minutes at this machine's pace ({stages}), {most:.0f} at most"


STAGE_NAMES = {"generate": "writing rows", "train": "training", "evaluate": "answering", "load": "loading"}


def spending_line(recipe: Recipe) -> str:
    """The tokens, the disk and the money that the run will take."""
    from toolkit.models.prices import own_table
    from toolkit.stages.progress import dearer, spending_before

    found = spending_before(recipe)
    tokens = f"{found.prompt_tokens:,} tokens for the teacher to read and {found.completion_tokens:,} to write"
    if found.dollars is None:
        money = f"no price is known for {recipe.file.teacher.model}: add it to {own_table()}"
    else:
        money = f"about ${found.dollars:.2f}" if found.dollars else "no money"
    if others := dearer(recipe):
        money += f" for the teacher; the calls of the {' and the '.join(others)} cost extra"
    return f"about {tokens}, {found.disk_bytes / 1e6:.0f} MB of disk, {money}"


def memory_line(recipe: Recipe) -> str:
    """The memory that the run will take, stage by stage, and what is free."""
    from toolkit.hardware.memory import available_bytes
    from toolkit.stages.memory_needs import gigabytes, memory_plan

    plan = memory_plan(recipe)
    stages = {"to write rows": plan.teacher, "to train": plan.training}
    known = " and ".join(f"{gigabytes(needed)} {what}" for what, needed in stages.items() if needed)
    return f"memory: about {known or 'an unknown amount'}; {gigabytes(available_bytes())} are free"
