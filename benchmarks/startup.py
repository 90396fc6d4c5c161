"""How long `schoolhouse --help` and the first frame of the terminal UI take, beside a bare interpreter.

    python benchmarks/startup.py [--quick]

The contestants take turns. The last line is one JSON object; the exit code is 0 when every target holds.
The targets are seconds on an idle machine; the ratios to the bare interpreter hold on a busy one too.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time

# what the app begins once its first frame is painted ends it here
FRAME = """
import os
from tui.app import SchoolhouseApp
SchoolhouseApp._begin_feed = lambda app: os._exit(0)
SchoolhouseApp().run(headless=True)
"""
CONTESTANTS = {
    "interpreter": ["-c", "pass"],
    "help": ["-m", "toolkit.cli", "--help"],
    "first_frame": ["-c", FRAME],
}
TARGETS = {"help": 0.4, "first_frame": 1.0}


def seconds(arguments: list[str]) -> float:
    """Wall clock of one fresh interpreter."""
    before = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


def main() -> None:
    rounds = 3 if "--quick" in sys.argv else 7
    taken: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(rounds):
        for name, arguments in CONTESTANTS.items():
            taken[name].append(seconds(arguments))
    figures = {
        name: {
            "median": round(statistics.median(times), 3),
            "least": round(min(times), 3),
            "most": round(max(times), 3),
            "ratio": round(statistics.median(t / b for t, b in zip(times, taken["interpreter"], strict=True)), 1),
        }
        for name, times in taken.items()
    }
    passed = all(figures[name]["median"] <= target for name, target in TARGETS.items())
    report = {"name": "startup", "machine": platform.processor() or platform.machine(), "figures": figures}
    print(json.dumps({**report, "targets": TARGETS, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
