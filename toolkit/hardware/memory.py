"""The memory of this process and its children."""

from __future__ import annotations

import threading

import psutil

INTERVAL = 0.5


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
