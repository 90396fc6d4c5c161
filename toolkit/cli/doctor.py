"""`doctor`: what works on this machine, and the command that fixes what does not."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.text import Text

from toolkit.cli.console import open_console
from toolkit.cli.say import say_json

NEEDED_DISK = 4 * 2**30
NEEDED_FOR_RUNS = 2**30
NEEDED_MEMORY = 6 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination; `fix` is empty when nothing has to be done."""

    what: str
    state: str
    ok: bool
    fix: str = ""
    needed: bool = True


def examine(folder: Path, *, as_json: bool = False) -> None:
    """Print all findings. Exit code 1 when something that is needed does not work."""
    findings = list(look(folder))
    if as_json:
        say_json([asdict(finding) for finding in findings], indent=1)
    else:
        _print(findings)
    if any(finding.needed and not finding.ok for finding in findings):
        raise typer.Exit(1)


def _print(findings: list[Finding]) -> None:
    console = open_console()
    for finding in findings:
        mark, style = ("ok", "green") if finding.ok else ("--", "red" if finding.needed else "yellow")
        console.print(Text(f"{mark:<3}", style=style) + Text(f"{finding.what:<20}{finding.state}"))
        if finding.fix:
            console.print(Text(f"   {'':<20}fix: {finding.fix}"))
    if all(finding.ok or not finding.needed for finding in findings):
        console.print(Text("this machine can carry out the quickstart: schoolhouse demo"))


def look(folder: Path) -> Iterator[Finding]:
    """Examine the machine; nothing is fetched or installed."""
    yield _python()
    yield from _machine(folder)
    yield from _packages()
    yield from _engine()
    yield from _weights()
    yield _dtype()
    yield from _trainers()
    yield from _optional()


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info >= (3, 11)
    return Finding("Python", version, ok, "" if ok else "install Python 3.11 or newer")


def _machine(folder: Path) -> Iterator[Finding]:
    from toolkit.hardware import machine

    here = machine()
    yield Finding("processor", f"{here.processor}, {here.cores} cores", True)
    memory = f"{here.memory / 2**30:.0f} GiB, {here.memory_free / 2**30:.0f} free"
    enough = here.memory >= NEEDED_MEMORY
    yield Finding("memory", memory, enough, "" if enough else "the quickstart needs 6 GiB: use smaller models")
    yield from _disks(folder)


def _disks(folder: Path) -> Iterator[Finding]:
    """The file system of weights and that of runs; one finding where both are on the same."""
    from toolkit.hardware.machine import existing
    from toolkit.paths import cache_dir, runs_dir

    places = {"weights": (cache_dir(), "SCHOOLHOUSE_CACHE"), "runs": (folder / runs_dir(), "SCHOOLHOUSE_RUNS")}
    devices: dict[int, list[str]] = {}
    for what, (place, _) in places.items():
        devices.setdefault(existing(place).stat().st_dev, []).append(what)
    for kinds in devices.values():
        place, variable = places[kinds[0]]
        needed = NEEDED_DISK if "weights" in kinds else NEEDED_FOR_RUNS
        free = shutil.disk_usage(existing(place)).free
        of = "" if len(devices) == 1 else f" for {kinds[0]} ({place})"
        move = f"or set {variable} to a folder on another disk"
        fix = f"free {needed // 2**30} GiB, {move}; what is there: du -sh {shlex.quote(str(place))}"
        yield Finding("disk", f"{free / 2**30:.0f} GiB free{of}", free >= needed, "" if free >= needed else fix)


def _packages() -> Iterator[Finding]:
    for name, distribution in (
        ("torch", "torch>=2.6,<2.14"),
        ("transformers", "transformers"),
        ("peft", "peft"),
        ("datasets", "datasets"),
        ("pydantic_monty", "pydantic-monty"),
        ("textual", "textual"),
    ):
        found = importlib.util.find_spec(name) is not None
        fix = "" if found else f'pip install "{distribution}"'
        yield Finding(name, "installed" if found else "missing", found, fix)


BUILD = "pip install llama-cpp-python"
COMPILER = "sudo apt install build-essential   (macOS: xcode-select --install), then "
LLAMA_CPP_BRINGS = "exports to GGUF and Ollama, llama_cpp students, 16 questions at a time that share their beginning"
XLLAMACPP_BRINGS = "an engine that needs no compiler, should llama-cpp-python not build after an update"


def _engine() -> Iterator[Finding]:
    """What runs GGUF files in this process, and what the other library would bring."""
    from toolkit.errors import ModelError
    from toolkit.models.gguf_engine import engine

    try:
        used = engine()
    except ModelError as error:
        yield Finding("GGUF engine", error.message, False, error.fix)
        return
    yield Finding("GGUF engine", f"{used} runs llama_cpp/… models", True)
    if used == "llama-cpp-python":
        there = importlib.util.find_spec("xllamacpp") is not None
        state = "installed, not used" if there else "not installed, not needed"
        yield Finding("xllamacpp", f"{state}: it brings {XLLAMACPP_BRINGS}", there, needed=False)
        return
    compiler = any(shutil.which(name) for name in ("cc", "gcc", "clang", "cl"))
    fix = BUILD + "   (compiles for some minutes)" if compiler else COMPILER + BUILD
    yield Finding("llama-cpp-python", f"not usable: it would bring {LLAMA_CPP_BRINGS}", False, fix, needed=False)


def _weights() -> Iterator[Finding]:
    from toolkit.errors import ModelError
    from toolkit.models.weights import weights_path

    for name in ("smollm2-135m-instruct", "qwen2.5-coder-1.5b-instruct"):
        try:
            yield Finding("weights", f"{name}: {weights_path(name)}", True)
        except ModelError as error:
            yield Finding("weights", f"{name}: {error.message}", False, f"schoolhouse models pull {name}")


def _dtype() -> Finding:
    from toolkit.errors import SchoolhouseError
    from toolkit.models.torch_dtype import fast_dtype

    try:
        return Finding("training", f"{fast_dtype()} is the faster dtype here (measured)", True)
    except SchoolhouseError as error:
        return Finding("training", error.message, False, error.fix)


def _trainers() -> Iterator[Finding]:
    """Each trainer; what `train.backend: auto` means here is told."""
    from toolkit.training.trainer import BACKENDS, choose, open_trainer

    auto = choose("auto")
    for name in BACKENDS:
        problems = open_trainer(name).problems()
        state = problems[0].what if problems else "can train" + (" (train.backend: auto)" if name == auto else "")
        fix = problems[0].fix if problems else ""
        yield Finding(f"trainer {name}", state, not problems, fix, needed=name == "torch")


def _ollama() -> Finding:
    """Whether a server answers, and with how many models; a few seconds at most."""
    if importlib.util.find_spec("ollama") is None:
        return Finding("ollama", "the client is missing; not needed", False, "pip install ollama", needed=False)
    import httpx
    import ollama

    try:
        models = ollama.Client(timeout=httpx.Timeout(3.0)).list().models
    except Exception:  # whatever answers there is no Ollama
        there = shutil.which("ollama")
        state = "installed, but its server does not answer" if there else "no server answers; not needed"
        return Finding("ollama", state, False, "ollama serve" if there else "", needed=False)
    return Finding("ollama", f"answers, with {len(models)} models", True, needed=False)


def _optional() -> Iterator[Finding]:
    yield _ollama()
    from toolkit.models.prices import own_table

    table = own_table()
    state = f"{table}{'' if table.is_file() else ' (not there: the shipped table is used)'}"
    yield Finding("price table", state, True)
    from toolkit.data.embeddings import FIX, weights_folder

    there = weights_folder() is not None
    state = "all-MiniLM-L6-v2: the leakage firewall compares meanings too"
    off = "off: the leakage firewall compares words, not meanings; not needed"
    yield Finding("embeddings", state if there else off, there, "" if there else FIX, needed=False)
    gpu = shutil.which("nvidia-smi")
    yield Finding("GPU", gpu or "none found; not needed", bool(gpu), "", needed=False)
