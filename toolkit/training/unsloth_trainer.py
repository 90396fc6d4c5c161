"""The unsloth trainer, as the run sees it: the torch trainer's parent with Unsloth in the child.

Unsloth pins older transformers and datasets than this environment has, so its child usually
runs in the environment that `make env-unsloth` builds.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from toolkit.process import child_environment
from toolkit.training.backends import has_cuda, has_metal, interpreter, missing
from toolkit.training.torch_trainer import TorchTrainer
from toolkit.training.trainer import Emit, Problem, TrainJob

NEEDED = ("unsloth", "unsloth_zoo", "torch", "transformers", "peft", "safetensors", "psutil", "platformdirs")
ON_CPU_SINCE = (2026, 10, 9)
"""The first release of Unsloth that trains without a GPU; earlier ones raise when they are imported."""

_VERSION = "from importlib.metadata import version; print(version('unsloth'))"


class UnslothTrainer(TorchTrainer):
    """LoRA with Unsloth's kernels on a GPU, QLoRA too; without one on Unsloth's CPU backend. See `Trainer`."""

    name = "unsloth"
    child = "toolkit.training.unsloth_child"

    def problems(self, python: str | None = None) -> list[Problem]:
        if has_metal():
            return [Problem("on Apple Silicon Unsloth itself trains with MLX", "write `train.backend: mlx`")]
        where = self._where(python)
        make = "make env-unsloth   (or: pip install 'schoolhouse[unsloth]')"
        fix = f"{python} -m pip install 'schoolhouse[unsloth]'" if python else make
        if absent := missing(NEEDED, where):
            return [Problem(f"not installed: {', '.join(absent)}", fix)]
        found = _version_in(where)
        if not has_cuda() and _older(found, ON_CPU_SINCE):
            since = ".".join(str(part) for part in ON_CPU_SINCE)
            return [Problem(f"unsloth {found} needs a GPU, {since} trains without one", "make env-unsloth")]
        return []

    def interpreter(self, job: TrainJob) -> str:
        return self._where(job.python)

    def dtype(self) -> str:
        return "auto"  # the child knows its torch and its GPU

    def _where(self, python: str | None) -> str:
        return interpreter(self.name, NEEDED, python)

    def _work(self, job: TrainJob, message: dict[str, Any], emit: Emit) -> None:
        # Unsloth writes Python files and imports them: never from a folder that outlives the training
        with TemporaryDirectory(prefix="schoolhouse-unsloth-", ignore_cleanup_errors=True) as scratch:
            super()._work(job, {**message, "scratch": str(Path(scratch).resolve())}, emit)


@cache
def _version_in(python: str) -> str:
    """Unsloth's version in an interpreter's environment; empty when it does not say. Nothing is imported."""
    try:
        if python == sys.executable:
            return version("unsloth")
        return subprocess.run(
            [python, "-P", "-c", _VERSION],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=child_environment(python),
        ).stdout.strip()
    except (PackageNotFoundError, OSError, subprocess.SubprocessError):
        return ""


def _older(found: str, than: tuple[int, ...]) -> bool:
    parts = tuple(int(part) for part in re.findall(r"\d+", found))
    return bool(parts) and parts < than


def open_trainer() -> UnslothTrainer:
    return UnslothTrainer()
