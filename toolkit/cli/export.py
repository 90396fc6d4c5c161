"""`export`: a trained student, or its rows, as files for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from rich import progress as parts

from toolkit.cli.console import open_console
from toolkit.cli.say import say
from toolkit.errors import ExportError
from toolkit.export.export import TARGETS, Target
from toolkit.export.quantize import QUANTS, Quant
from toolkit.export.trained import Progress
from toolkit.run import Run
from toolkit.run.export import export_run


def run_export(
    name: str, to: str, quant: str | None, out: Path | None, round_number: int | None, *, force: bool
) -> None:
    """Export and say where it stands, what the check found, and what to do next."""
    target, bits = _target(to), _quant(quant)
    run = Run.open(name)
    with _bars() as progress:
        done = export_run(run, target, quant=bits, out=out, round_number=round_number, force=force, progress=progress)
    made = done.export
    if made.parity:
        say(made.parity.sentence(), err=not made.parity.passed)
    say(f"{len(made.files)} files in {made.folder}")
    if done.created:
        say(f"Ollama has it as {done.created}: ollama run {done.created}")
        return
    if target == "ollama":
        say("no Ollama server answers; when one is up:")
    for line in made.usage:
        say(line.replace("`", ""))


def _target(name: str) -> Target:
    for known in TARGETS:
        if known == name:
            return known
    raise ExportError(f"there is no export {name!r}", f"--to one of: {', '.join(get_args(Target))}")


def _quant(name: str | None) -> Quant | None:
    if name is None:
        return None
    for known in QUANTS:
        if known == name.lower():
            return known
    raise ExportError(f"there is no quantization {name!r}", f"--quant one of: {', '.join(QUANTS)}")


@contextmanager
def _bars() -> Iterator[Progress]:
    """One bar, which is named after what is being done."""
    columns = (parts.TextColumn("{task.description}"), parts.BarColumn(), parts.TimeElapsedColumn())
    with parts.Progress(*columns, console=open_console(stderr=True), transient=True) as bars:
        task = bars.add_task("starting", total=None)

        def advance(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total if total > 1 else None)

        yield advance
