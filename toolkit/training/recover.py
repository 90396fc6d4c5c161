"""What to do when memory runs out: fewer rows at once, the same batch."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.errors import TrainingError
from toolkit.training.encode import Encoded

MOST_HALVINGS = 3
ENDED = "ended with code"
"""What the error of a dead child says; its last words follow. Metal aborts the process when memory runs out."""
_SAYINGS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "alloc_failed",
    "insufficient memory",
    "erroroutofmemory",
)
_KERNEL = ("/sys/fs/cgroup/memory.events", "/proc/vmstat")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says so: CUDA, Metal, MPS and the CPU's allocator each have words of their own."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _says_so(str(error)))


def ended_for_memory(error: str, kernel_killed: bool) -> bool:
    """Whether the error of a dead child says that memory ran out.

    Args:
        kernel_killed: whether the kernel ended a process for want of memory meanwhile.
    """
    return ENDED in error and ((kernel_killed and f"{ENDED} -9" in error) or _says_so(error))


def _says_so(text: str) -> bool:
    return any(words in text.lower() for words in _SAYINGS)


def kills_for_memory() -> int:
    """How often the kernel has ended a process for want of memory; 0 where it does not say (not on Linux)."""
    for path in map(Path, _KERNEL):
        try:
            lines = path.read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def rows_at_once(batch_size: int, accumulation: int) -> int:
    """How many rows of a batch are computed at once when it is computed in so many parts."""
    return max(1, math.ceil(batch_size / accumulation))


class MicroBatch:
    """How many rows of a batch are computed at once. The batch itself, and what is learnt from it, stay."""

    def __init__(self, batch_size: int, accumulation: int = 1) -> None:
        self.rows = rows_at_once(batch_size, accumulation)
        self.halvings = 0

    def halve(self) -> bool:
        """Whether there was something left to halve."""
        if self.rows == 1 or self.halvings == MOST_HALVINGS:
            return False
        self.rows, self.halvings = math.ceil(self.rows / 2), self.halvings + 1
        return True


def free(torch: Any) -> None:
    """Give back what a failed step held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def free_bytes(torch: Any, device: str) -> int:
    """Memory that a step may still take, in bytes."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)


def token_bytes(config: Any) -> int:
    """About what the backward pass of one token keeps, in bytes.

    In each layer some twelve vectors of the model's width (norms, queries, keys, values, attention, residuals) and
    five of the inner width (gate, up, activation, product, and one for the way back), four bytes each.
    """
    inner = getattr(config, "intermediate_size", 4 * config.hidden_size)
    return int(config.num_hidden_layers * (12 * config.hidden_size + 5 * inner) * 4)


def too_large(batch: Sequence[Encoded], micro: MicroBatch, free_now: int, per_token: int) -> TrainingError:
    """The error for a batch that does not fit, with what would."""
    longest = max(len(row.ids) for row in batch)
    fitting = max(1, free_now // per_token)  # tokens at once
    rows = fitting // longest
    if micro.rows > 1 and rows:
        fix = f"write `train.accumulation: {math.ceil(len(batch) / min(rows, micro.rows - 1))}`"
    elif micro.rows > 1:
        fix = f"write `train.accumulation: {len(batch)}`"
    else:
        fix = f"write `train.max_length: {min(fitting, longest // 2)}`"
    return TrainingError(
        f"memory ran out, even with {micro.rows} of {len(batch)} rows at once: a row of {longest} tokens takes about"
        f" {_gigabytes(longest * per_token)}, {_gigabytes(free_now)} are free",
        f"{fix}, close other programs, or choose a smaller student",
    )


def killed_for_memory(settings: dict[str, Any]) -> TrainingError:
    """The error for a training that the kernel ends however few rows are computed at once."""
    rows = rows_at_once(settings["batch_size"], settings["accumulation"])
    return TrainingError(
        f"the system ended the training for want of memory, even with {rows} of {settings['batch_size']} rows at once",
        f"write `train.accumulation: {settings['batch_size']}` and `train.max_length: {settings['max_length'] // 2}`,"
        " close other programs, or choose a smaller student",
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
