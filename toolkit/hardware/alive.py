"""Whether the process that works on a run is still there."""

from __future__ import annotations

from collections.abc import Mapping


def is_alive(worker: Mapping[str, float] | None) -> bool:
    """Whether the process noted in a journal still runs; a new process with its number does not count."""
    import psutil  # here: lists of runs are read at start-up, and most runs are not running

    if not worker:
        return False
    try:
        return bool(abs(psutil.Process(int(worker["pid"])).create_time() - worker["created"]) < 1.0)
    except psutil.Error:
        return False
