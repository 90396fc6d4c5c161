"""The mlx trainer, as the run sees it: the torch trainer's parent with MLX in the child.

The child needs mlx-lm and what comes with it, not torch: it may run in this environment or
in the one that `make env-mlx` builds.
"""

from __future__ import annotations

import platform

from toolkit.training.backends import has_metal, interpreter, missing
from toolkit.training.torch_trainer import TorchTrainer
from toolkit.training.trainer import Problem, TrainJob

NEEDED = ("mlx", "mlx_lm", "transformers", "safetensors", "numpy", "psutil", "platformdirs")


class MlxTrainer(TorchTrainer):
    """LoRA with mlx-lm's models, on Apple Silicon; on Linux on the CPU, for tests. See `Trainer`."""

    name = "mlx"
    child = "toolkit.training.mlx_child"

    def problems(self, python: str | None = None) -> list[Problem]:
        if platform.system() == "Darwin" and not has_metal():
            return [Problem("MLX needs Apple Silicon, or Linux", "write `train.backend: torch`")]
        if platform.system() == "Windows":
            return [Problem("there is no MLX for Windows", "write `train.backend: torch`")]
        absent = missing(NEEDED, interpreter(self.name, NEEDED, python))
        fix = "make env-mlx   (or: pip install 'schoolhouse[mlx]')"
        if python:
            fix = f"{python} -m pip install 'schoolhouse[mlx]'"
        return [Problem(f"not installed: {', '.join(absent)}", fix)] if absent else []

    def interpreter(self, job: TrainJob) -> str:
        return interpreter(self.name, NEEDED, job.python)

    def dtype(self) -> str:
        return "auto"  # the child measures with MLX itself


def open_trainer() -> MlxTrainer:
    return MlxTrainer()
