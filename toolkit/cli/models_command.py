"""`schoolhouse models`: what weights there are, fetch them, check them, say where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.say import say

if TYPE_CHECKING:
    from toolkit.models.weights import Progress

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(help="A name that `schoolhouse models` lists.")]


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context) -> None:
    """List the catalog: name, size, licence, whether it is here, where it can be had."""
    if context.invoked_subcommand is not None:
        return
    from toolkit.models.catalog import CATALOG
    from toolkit.models.weights import present

    width = max(len(entry.name) for entry in CATALOG)
    for entry in CATALOG:
        here = "here" if present(entry.name) else "not here"
        sources = ", ".join(str(source) for source in entry.sources)
        say(f"{entry.name:<{width}}  {_size(entry.size):>8}  {entry.licence:<10}  {here:<8}  {sources}")


@app.command()
def pull(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME…", help="Names from the catalog, ollama/NAME for Ollama's, or `all`.")
    ],
) -> None:
    """Fetch weights from the first source that has them; a cut download goes on where it stopped."""
    from toolkit.models.catalog import names as all_names

    pull_all(all_names() if names == ["all"] else names)


@app.command()
def verify(name: Name) -> None:
    """Hash the weights again. Exit code 3 when they are missing or damaged."""
    from toolkit.models.weights import verify as check

    say(f"{check(_catalog_name(name))} is whole")


@app.command()
def path(name: Name) -> None:
    """Print where the weights are. Exit code 3 when they are not on this machine."""
    from toolkit.models.weights import weights_path

    say(weights_path(_catalog_name(name)))


@app.command()
def probe(
    name: Annotated[str, typer.Argument(help="backend/NAME, as for `--teacher`.")],
    context: Annotated[int, typer.Option(help="Tokens of context to try, at most.")] = 8192,
    again: Annotated[bool, typer.Option("--again", help="Measure anew.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    key_variable: Annotated[
        str, typer.Option(metavar="VAR", help="The environment variable that holds the key of its server.")
    ] = "",
) -> None:
    """Measure what a model is fit for as a teacher and as an engineer; kept, and used by `engineer.kind: auto`."""
    from toolkit.cli.probe import print_probe

    print_probe(name, context=context, again=again, as_json=json, key_variable=key_variable)


def pull_all(names: Iterable[str]) -> list[Path]:
    """Fetch what is missing, with a progress bar and an ETA. Raises ModelError."""
    from toolkit.models.weights import pull

    paths = []
    for name in map(_catalog_name, names):
        with _bar(name) as advance:
            if name.startswith("ollama/"):
                _pull_into_ollama(name, advance)
                continue
            paths.append(pull(name, advance))
        say(f"{name}: {paths[-1]}")
    return paths


def _catalog_name(name: str) -> str:
    """A catalog name in full, without its backend; other names as they are."""
    from toolkit.models import catalog

    bare = catalog.full_name(name).removeprefix(catalog.LOCAL)
    return bare if bare in catalog.names() else name


def _pull_into_ollama(name: str, advance: Callable[[Progress], None]) -> None:
    """Have Ollama's server fetch a model into its own store. Raises ModelError."""
    from toolkit.models.ollama_client import Host
    from toolkit.models.server import ServerSettings, parse_address

    address = parse_address(name.partition("/")[2], "ollama")
    host = Host(address.model, address.url, ServerSettings().silence)
    try:
        host.pull(advance)
    finally:
        host.close()
    say(f"{name}: in Ollama's store")


@contextmanager
def _bar(name: str) -> Iterator[Callable[[Progress], None]]:
    """A bar that appears with the first byte, so that nothing is drawn for weights that are here."""
    from rich import progress as parts

    from toolkit.cli.console import open_console

    columns = (
        parts.TextColumn("{task.description}", markup=False),
        parts.BarColumn(),
        parts.DownloadColumn(),
        parts.TransferSpeedColumn(),
        parts.TimeRemainingColumn(),
    )
    bar = parts.Progress(*columns, console=open_console(stderr=True), transient=True)
    task = bar.add_task(name, total=None)
    source = ""

    def advance(progress: Progress) -> None:
        nonlocal source
        if progress.source != source:
            source = progress.source
            say(f"{name}: trying {source}", err=True)
            bar.reset(task, total=progress.total, completed=progress.done)
        bar.start()
        bar.update(task, completed=progress.done, total=progress.total)

    try:
        yield advance
    finally:
        bar.stop()


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
