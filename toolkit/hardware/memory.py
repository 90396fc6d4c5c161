"""The memory of this machine, of this process and of its children."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil

INTERVAL = 0.5
CONTAINER = Path("/sys/fs/cgroup")


def available_bytes(container: Path = CONTAINER) -> int:
    """Memory that a program may still take, in bytes: the machine's, or what a container's limit (cgroup) leaves."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((container / f"memory.{name}").read_text("ascii").strip() for name in ("max", "current"))
        stat = dict(line.split() for line in (container / "memory.stat").read_text("ascii").splitlines())
        # the cache of files counts as used, and is given up when programs need its place
        return min(free, max(0, int(limit) - int(used) + int(stat.get("inactive_file", 0))))
    except (OSError, ValueError):  # no container, no limit ("max"), or no Linux
        return free


def tree_bytes() -> int:
    """Resident memory of this process and all its children, in bytes."""
    me = psutil.Process()
    total = 0
    for process in [me, *me.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.Error:  # it ended while we looked
            continue
    return total


class PeakMemory:
    """Watches the memory of the process tree twice a second; `peak` starts again at `reset`."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()

    def reset(self) -> None:
        self.peak = tree_bytes()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.peak = max(self.peak, tree_bytes())
