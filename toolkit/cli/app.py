"""The commands. Each imports what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli import models_command, open_screens, recipes_command
from toolkit.cli.say import say

app = typer.Typer(
    name="schoolhouse",
    help="A one-room schoolhouse for small language models. Without a command it opens the terminal UI.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(models_command.app, name="models", help="List, fetch and check the weights.")
app.add_typer(recipes_command.app, name="recipes", help="List and check recipes.")

Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe; may be repeated.")
]
RunName = Annotated[str, typer.Argument(help="A run's name, its folder, or `last`.")]


@app.callback(invoke_without_command=True)
def home(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """A one-room schoolhouse for small language models. Without a command it opens the terminal UI."""
    if version:
        from toolkit import __version__

        say(f"schoolhouse {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        open_screens()


@app.command()
def demo(set_: Overrides = None) -> None:
    """Carry out the quickstart recipe for real; missing weights (1.2 GB) are fetched first."""
    from toolkit.cli.work import run_recipe

    run_recipe("quickstart", set_ or [], fetch=True)


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A recipe's name or folder.")],
    set_: Overrides = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it in the background and return.")] = False,
    engineer: Annotated[str | None, typer.Option(help="fixed, bandit, plan, code or auto: who plans the data.")] = None,
    mode: Annotated[
        str | None, typer.Option(help="iterative, or one-shot: the first valid draft sits the exam.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds at most.")] = None,
    teacher: Annotated[
        str | None,
        typer.Option(help="ollama/NAME, llama_cpp/NAME or openai/NAME@URL: who writes the rows."),
    ] = None,
    trainer: Annotated[str | None, typer.Option(help="auto, torch, mlx or unsloth: what trains the student.")] = None,
    within: Annotated[
        str | None, typer.Option(help="90m, 1h30m: fewer rounds, then fewer rows, until the forecast fits.")
    ] = None,
    approve: Annotated[str | None, typer.Option(help="plan, code or none: what you look at before it runs.")] = None,
    steer: Annotated[list[str] | None, typer.Option(help="A wish for the engineer; may be repeated.")] = None,
    arms: Annotated[
        str | None, typer.Option(help="iterative,control,one-shot,human: carried out one after another and compared.")
    ] = None,
) -> None:
    """Carry out a recipe."""
    from toolkit.cli.work import run_recipe
    from toolkit.run.arms import parse_arms

    short = {
        "engineer.kind": engineer,
        "engineer.mode": mode,
        "engineer.approve": approve,
        "budget.rounds": rounds,
        "teacher.model": teacher,
        "train.backend": trainer,
    }
    overrides = [f"{key}={value}" for key, value in short.items() if value is not None]
    named = parse_arms(arms) if arms is not None else []
    run_recipe(recipe, [*overrides, *(set_ or [])], detach=detach, steer=steer or [], arms=named, within=within)


@app.command()
def resume(
    run: RunName = "last",
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan or program that waits, as it stands.")] = False,
) -> None:
    """Go on with a run that was paused, killed or failed."""
    from toolkit.cli.work import resume_run

    resume_run(run, yes=yes)


@app.command()
def steer(run: RunName, text: Annotated[str, typer.Argument(help="What you wish for, in a sentence.")]) -> None:
    """Leave a note for a run's engineer; it is seen when the next plan is made."""
    from toolkit.cli.work import steer_run

    steer_run(run, text)


@app.command()
def finish(
    run: RunName = "last",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back: further rounds may begin.")] = False,
) -> None:
    """Begin no further round after the one that is under way, and sit the exam."""
    from toolkit.cli.work import finish_run

    finish_run(run, undo=undo)


@app.command()
def runs() -> None:
    """List the runs, newest first."""
    from toolkit.cli.show import print_runs

    print_runs()


@app.command()
def show(
    run: RunName = "last",
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    attempts: Annotated[bool, typer.Option("--attempts", help="Print every data program: what became of it.")] = False,
) -> None:
    """Print a run: rounds, scores, rows, time, and the verdict."""
    from toolkit.cli.show import print_run

    print_run(run, as_json=json, attempts=attempts)


@app.command()
def replay(
    run: RunName = "last",
    speed: Annotated[float, typer.Option(help="How many times as fast as it was.")] = 20.0,
) -> None:
    """Watch a recorded run again in the terminal UI."""
    from importlib import import_module

    import_module("tui").replay(run, speed)


@app.command()
def compare(
    runs: Annotated[list[str] | None, typer.Argument(help="Runs, or one that has arms; `last` if none.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Print runs side by side: scores, paired differences, and what differs in their recipes."""
    from toolkit.cli.compare import print_comparison

    print_comparison(runs or ["last"], as_json=json)


@app.command()
def report(
    run: RunName = "last",
    open_: Annotated[
        str, typer.Option("--open", metavar="auto|yes|no", help="Open the page in a browser; auto: where there is one.")
    ] = "auto",
) -> None:
    """Write report.html and report.md into the run's folder: verdict, plots, data card, cost, how to repeat it."""
    from toolkit.cli.report import report_run

    report_run(run, open_)


@app.command()
def lineage(
    run: RunName = "last",
    leave_out: Annotated[
        str | None,
        typer.Option(metavar="BATCH", help="round=2, attempt=3, label=x, style=y or random=24: train without it."),
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="Print every row and the rounds that had it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, with every row.")] = False,
) -> None:
    """Print which rows stood in which training and how skills changed; --leave-out: what a batch was worth."""
    from toolkit.cli.lineage import print_lineage

    print_lineage(run, leave_out, as_json=json, rows=rows)


@app.command()
def unseal(
    run: RunName,
    reason: Annotated[str, typer.Option(help="Why you look; it is kept with the run.")],
    round_number: Annotated[
        int | None, typer.Option("--round", help="Let this round sit on the sealed items too.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the items, or the round's verdict, as JSON.")] = False,
) -> None:
    """Look at the sealed items after the exam; it is counted, and later verdicts on them are marked as spent."""
    from toolkit.cli.unseal import unseal_run

    unseal_run(run, reason, round_number, as_json=json)


@app.command()
def export(
    run: RunName = "last",
    to: Annotated[str, typer.Option(help="gguf-lora, gguf, ollama, hf, mlx or dataset.")] = "gguf",
    quant: Annotated[str | None, typer.Option(help="For gguf and ollama: f16, q8_0 or q4_k_m.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write; inside the run's folder if none.")] = None,
    round_number: Annotated[int | None, typer.Option("--round", help="Another round than the best one.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write it even if it does not answer as the student; its card says so.")
    ] = False,
) -> None:
    """Write the best student for other programs, checked against the student itself; or the rows it learnt from."""
    from toolkit.cli.export import run_export

    run_export(run, to, quant, out, round_number, force=force)


@app.command()
def lint(
    recipe: Annotated[str, typer.Argument(help="A recipe's name or folder.")],
    run: Annotated[
        str | None, typer.Option(help="Look at the rows of this run; without it, the public items stand in.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="How many rows to print.")] = 3,
    set_: Overrides = None,
) -> None:
    """Show what a training would learn and what it only reads; exit code 4 when it would learn something else."""
    from toolkit.cli.lint import print_lint

    print_lint(recipe, run, show, set_ or [])


@app.command()
def chat(
    run: RunName = "last",
    text: Annotated[str | None, typer.Argument(help="One message; without it, a conversation.")] = None,
) -> None:
    """Ask the base and the trained student side by side."""
    from toolkit.cli.chat import talk

    talk(run, text)


@app.command()
def doctor(json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Say what works on this machine, and the command that fixes what does not."""
    from toolkit.cli.doctor import examine

    examine(Path.cwd(), as_json=json)
