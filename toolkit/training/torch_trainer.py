"""The torch trainer, as the run sees it: a child process that is started, listened to and ended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

from toolkit.errors import ChildError, Paused, TrainingError
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_dtype import fast_dtype
from toolkit.process import Child
from toolkit.training import files
from toolkit.training.backends import missing
from toolkit.training.recover import (
    MOST_HALVINGS,
    ended_for_memory,
    killed_for_memory,
    kills_for_memory,
    rows_at_once,
)
from toolkit.training.trainer import Emit, Problem, TrainJob, require_method
from toolkit.types import digest

NEEDED = ("torch", "transformers", "peft", "safetensors")
STOPPABLE = {f"toolkit.training.{name}_child" for name in ("torch", "unsloth", "mlx")}
"""Children that, when they get another message, write a checkpoint after the step under way, and end."""
STOP_SECONDS = 120.0


class TorchTrainer:
    """LoRA, QLoRA and full fine-tuning with transformers and peft. See `Trainer`.

    Other trainers that work in a child process are this class with another child.
    """

    name = "torch"
    child = "toolkit.training.torch_child"

    def problems(self, python: str | None = None) -> list[Problem]:
        pip = f"{python or 'python'} -m pip install"
        return [Problem(f"{name} is not installed", f"{pip} {name}") for name in missing(NEEDED, python)]

    def interpreter(self, job: TrainJob) -> str | None:
        """The interpreter that the child runs in; this one if None."""
        return job.python

    def dtype(self) -> str:
        """What `auto` means as number format."""
        return fast_dtype()

    def train(self, job: TrainJob, emit: Emit) -> Path:
        fingerprint = job.fingerprint()
        if files.is_complete(job.output, fingerprint):
            return job.output
        require_method(self.name, job.method, self.interpreter(job))
        if not job.examples:
            raise TrainingError("there are no rows to train on", "raise budget.rows or budget.teacher_calls")
        job.output.parent.mkdir(parents=True, exist_ok=True)
        files.make_room(job.output)
        partial = files.checkpoints_of(job.output, digest([self.name, fingerprint]))  # no other trainer's
        try:
            message = _message(job, fingerprint, partial, self.dtype)
            message["job"]["trainer"] = self.name
            self._persist(job, message, emit)
        except ChildError as error:
            raise TrainingError(error.message, error.fix) from error
        shutil.rmtree(partial, ignore_errors=True)
        return job.output

    def _persist(self, job: TrainJob, message: dict[str, Any], emit: Emit) -> None:
        """Train; a child that ends for want of memory is started again with fewer rows at once."""
        settings = message["settings"]
        for halvings in range(MOST_HALVINGS + 1):
            killed = kills_for_memory()
            try:
                return self._work(job, message, emit)
            except ChildError as error:
                if not ended_for_memory(error.message, kills_for_memory() != killed):
                    raise
                if halvings == MOST_HALVINGS or settings["accumulation"] >= settings["batch_size"]:
                    raise killed_for_memory(settings) from error
            settings["accumulation"] = min(2 * settings["accumulation"], settings["batch_size"])
            rows = rows_at_once(settings["batch_size"], settings["accumulation"])
            emit({"event": "memory_low", "rows_at_once": rows, "batch_size": settings["batch_size"]})
        return None

    def _work(self, job: TrainJob, message: dict[str, Any], emit: Emit) -> None:
        if message["settings"]["dtype"] != "auto":  # else the child says what it chose
            emit({"event": "dtype", "dtype": message["settings"]["dtype"]})
        log = job.output.with_name(f"{job.output.name}.log")
        child = Child(self.child, python=self.interpreter(job), log=log)
        try:
            child.send(message)
            for event in child.messages():
                if event["event"] != "done":
                    emit(event)
        except BaseException as error:
            if isinstance(error, Paused) and self.child in STOPPABLE:
                _stop(child)
            child.kill()  # a checkpoint stands: what is lost is a few steps
            raise
        finally:
            child.close()


def _stop(child: Child) -> None:
    """Wait until the child has written a checkpoint after the step that is under way; not for ever."""
    timer = Timer(STOP_SECONDS, child.kill)
    timer.start()
    try:
        child.send({"stop": True})
        for _ in child.messages():
            pass
    except ChildError:
        pass  # the last checkpoint stands
    finally:
        timer.cancel()


def _message(job: TrainJob, fingerprint: str, partial: Path, dtype: Callable[[], str] = fast_dtype) -> dict[str, Any]:
    """What the child gets. `job` is written to the adapter folder as `job.json`."""
    settings = job.settings()
    if settings["dtype"] == "auto":
        settings["dtype"] = dtype()
    return {
        "model": str(hf_folder(job.gguf)),
        "rows": job.rows(),
        "settings": settings,
        "output": str(job.output.resolve()),
        "partial": str(partial.resolve()),
        "job": {"fingerprint": fingerprint, "base": job.gguf.stem, "rows": len(job.examples), **settings},
    }


def open_trainer() -> TorchTrainer:
    return TorchTrainer()


def job_of(adapter: Path) -> dict[str, Any]:
    """What `job.json` says of an adapter. Raises TrainingError when it is not one of ours."""
    try:
        found: dict[str, Any] = json.loads((adapter / files.JOB).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{adapter} is not a finished adapter", "schoolhouse resume last") from error
    return found
