"""The trainers by name, what suits this machine, and the interpreter that has a trainer's packages.

Unsloth and MLX pin other versions than this environment has. So a trainer's child may run in
another one: the interpreter that a recipe names, or the environment that `make env-NAME` builds.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from toolkit.process import child_environment

BACKENDS = {
    "torch": "toolkit.training.torch_trainer",
    "mlx": "toolkit.training.mlx_trainer",
    "unsloth": "toolkit.training.unsloth_trainer",
}
"""Backend -> the module whose `open_trainer` opens it."""

_ROOT = Path(__file__).resolve().parents[2]
_LOOK = "import sys; from importlib.util import find_spec; print(*[n for n in sys.argv[1:] if find_spec(n) is None])"


def suits() -> str:
    """The trainer for this machine's hardware, whether it is installed or not."""
    if has_cuda():
        return "unsloth"
    return "mlx" if has_metal() else "torch"


def has_metal() -> bool:
    """Whether this is an Apple Silicon machine."""
    return (platform.system(), platform.machine()) == ("Darwin", "arm64")


@cache
def has_cuda() -> bool:
    """Whether the driver lists an NVIDIA GPU; torch is not imported for it."""
    command = shutil.which("nvidia-smi")
    if command is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    try:
        done = subprocess.run([command, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.startswith("GPU ")


def interpreter(backend: str, packages: Sequence[str], named: str | None = None) -> str:
    """The interpreter to train with: the first of the possible ones that has all packages, else the first."""
    possible = list(_interpreters(backend, named))
    return next((python for python in possible if not missing(packages, python)), possible[0])


def missing(packages: Sequence[str], python: str | None = None) -> list[str]:
    """Those of the packages that an interpreter (this one, if none is given) cannot import. Nothing is imported."""
    if python in (None, sys.executable):
        return [name for name in packages if find_spec(name) is None]
    return list(_missing_there(tuple(packages), str(python)))


def environment(backend: str) -> Path:
    """The interpreter of the environment that `make env-BACKEND` builds in a checkout; it need not stand."""
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return _ROOT.joinpath(f".venv-{backend}", *parts)


def _interpreters(backend: str, named: str | None) -> Iterator[str]:
    """What a recipe names is not guessed about; else this interpreter, then the environment beside the package."""
    if named:
        yield named
        return
    yield sys.executable
    # only beside the package: a working directory may belong to anyone
    if environment(backend).is_file():
        yield str(environment(backend))


@cache
def _missing_there(packages: tuple[str, ...], python: str) -> tuple[str, ...]:
    """All of them when the interpreter does not start."""
    try:
        done = subprocess.run(
            [python, "-P", "-c", _LOOK, *packages],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=child_environment(python),  # as the training would see it
        )
    except (OSError, subprocess.SubprocessError):
        return packages
    return tuple(done.stdout.split())
