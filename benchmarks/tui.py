"""What the terminal UI costs, in a real pseudo-terminal (Linux, macOS).

    python benchmarks/tui.py [--quick] [--minutes 10]

- first frame: from the start of the process to the first words, beside a Textual hello-world, in turns;
- a run of 100,000 rows: the memory of the Data screen beside one of 1,000 rows, and from End to the last row's paint;
- that run replayed at 20 times its speed, 200 records a second (160 rows, 20 replies, 20 events): from a key to its
  paint (`?` on the Run screen, the arrow on the Data screen), stalls of the event loop, memory minute by minute;
- the worker: a loop of arithmetic and durable rows, with the Run screen attached and without, in turns.

The last line is one JSON object; the exit code is 0 when every target holds.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tui")]

from recorded import START, Recorder  # noqa: E402 - the tests' terminal and their made-up run
from terminal import ESCAPE, Terminal  # noqa: E402

ROWS, FEW = 100_000, 1_000
SPEED, ROWS_A_SECOND = 20.0, 8
"""The recording has 8 rows, a reply and an event a second: 200 records at this speed, for 10.4 minutes."""
SIZE = (120, 40)
PAIRS = 7
TARGETS = {
    "first frame, times a hello-world, at most": 1.5,
    "key to paint, p95, ms, at most": 100.0,
    "worker's loop with the screens, times without, at most": 1.03,
    "memory grown after the first minute, MB a minute, at most": 1.0,
}
HELLO = """
from textual.app import App
from textual.widgets import Static
class Hello(App):
    def compose(self):
        yield Static("Schoolhouse")
Hello().run()
"""


# -- a recorded run of any length -----------------------------------------------------------------


def record(folder: Path, rows: int) -> None:
    """A run whose rows came 8 a second, with replies and events between them; texts are numbered."""
    with Recorder(folder) as recorder:
        recorder.begin()
        recorder.journal.attempt(1, operation="draft", program="", plan={})
        recorder.open_stage("generate", 1)
        recorder.clock.now = at = START + 120
        for second in range(rows // ROWS_A_SECOND):
            recorder.journal.event("log", 1, text=f"reply {second} has been read")
            recorder.call(1)  # and a second is over
    labels = ("late_parcel", "refund_status", "wrong_item", "sign_in")
    with sqlite3.connect(folder / "run.db") as database:
        database.executemany(
            "INSERT INTO rows VALUES (1, ?, ?, ?, ?, ?, '[]', '{}', ?, ?, '', ?)",
            (
                (
                    number,
                    f"id-{number}",
                    text(number),
                    labels[number % 4],
                    labels[number % 4],
                    "rejected" if number % 7 == 0 else "accepted",
                    "duplicate" if number % 7 == 0 else "",
                    at + number / ROWS_A_SECOND,
                )
                for number in range(rows)
            ),
        )
        # a journal that is read only has no log to fold in
        database.execute("UPDATE stages SET ended = NULL WHERE name = 'generate'")


def text(number: int) -> str:
    return f"r{number:06} where is my parcel, it was promised for last week and nobody answers the phone"


# -- programs in a terminal -----------------------------------------------------------------------


def terminal(arguments: list[str], runs: Path) -> Terminal:
    env = {
        "TERM": "xterm-256color",
        "SCHOOLHOUSE_RUNS": str(runs),
        "SCHOOLHOUSE_CACHE": str(runs.parent / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    return Terminal([sys.executable, *arguments], env, size=SIZE, cwd=ROOT)


def first_frame(pairs: int, runs: Path) -> dict[str, Any]:
    taken: dict[str, list[float]] = {"hello": [], "schoolhouse": []}
    for _ in range(pairs):
        for name, arguments in (("hello", ["-c", HELLO]), ("schoolhouse", ["-m", "toolkit.cli"])):
            before = time.monotonic()
            with terminal(arguments, runs) as screen:
                taken[name].append(screen.wait_for("Schoolhouse") - before)
    ratios = [mine / hello for mine, hello in zip(taken["schoolhouse"], taken["hello"], strict=True)]
    return {
        "hello_seconds": median(taken["hello"]),
        "schoolhouse_seconds": median(taken["schoolhouse"]),
        "ratio": median(ratios),
        "ratio_least_and_most": [round(min(ratios), 2), round(max(ratios), 2)],
    }


def data_screen(folder: Path, rows: int) -> dict[str, Any]:
    """Memory before and after the Data screen was walked through, and how long `End` takes."""
    with terminal(["-m", "tui", str(folder)], folder.parent) as screen:
        screen.wait_for("Generate")
        time.sleep(2)
        before = megabytes(screen.process.pid)
        opened = screen.press("d", "r000000")
        to_end = screen.press("\x1b[F", f"r{rows - 1:06}")
        for _ in range(40):
            screen.send("\x1b[5~")
            time.sleep(0.05)
        to_start = screen.press("\x1b[H", "r000000")
        return {
            "run_screen_mb": before,
            "data_screen_mb": megabytes(screen.process.pid),
            "open_ms": milliseconds(opened),
            "to_the_end_ms": milliseconds(to_end),
            "to_the_start_ms": milliseconds(to_start),
        }


def replayed(folder: Path, minutes: float, runs: Path) -> dict[str, Any]:
    """Keys, stalls and memory while the run is replayed."""
    stalls = runs.parent / "stalls.json"
    with terminal([str(Path(__file__)), "--child", str(folder), str(stalls)], runs) as screen:
        screen.wait_for("Generate")
        time.sleep(3)
        took: dict[str, list[float]] = {"help": [], "row": []}
        memory = [megabytes(screen.process.pid)]
        end, minute = time.monotonic() + 60 * minutes, time.monotonic() + 60
        row = 0
        while time.monotonic() < end:
            took["help"] += [screen.press("?", "Everywhere") for _ in range(1)]
            screen.send(ESCAPE)
            time.sleep(0.6)
            screen.press("d", "Status")
            for _ in range(10):
                row += 1
                took["row"].append(screen.press("\x1b[B", f"r{row:06}"))
                time.sleep(0.11)
            screen.send(ESCAPE)
            row = 0
            time.sleep(0.6)
            if time.monotonic() > minute:
                minute += 60
                memory.append(megabytes(screen.process.pid))
        memory.append(megabytes(screen.process.pid))
        screen.send("q")
        screen.end(180)
    keys = took["help"] + took["row"]
    return {
        "keys": len(keys),
        "key_p95_ms": percentiles(keys)["p95"],
        "key_to_paint_ms": {name: percentiles(found) for name, found in (("all", keys), *took.items())},
        "loop": json.loads(stalls.read_text(encoding="utf-8")),
        "memory_mb_by_minute": memory,
        "grown_mb_a_minute": round(grown(memory, minutes), 2),
    }


def grown(memory: list[float], minutes: float) -> float:
    """MB a minute once the first minute is over; of a short look, from its beginning to its end."""
    later = memory[1:] if len(memory) > 3 else memory
    return (later[-1] - later[0]) / max(minutes - (len(memory) > 3), 0.1)


def worker(pairs: int, runs: Path, rows: int) -> dict[str, Any]:
    """The same work with the Run screen attached and without."""
    taken: dict[str, list[float]] = {"alone": [], "attached": []}
    for number in range(2 * pairs):
        name = ("alone", "attached")[(number + number // 2) % 2]  # who begins changes too
        folder = runs / f"worker-{number}"
        record(folder, 10)
        command = [sys.executable, str(Path(__file__)), "--worker", str(folder), str(rows)]
        with attached(folder, name == "attached"):
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        taken[name].append(float(done.stdout))
    ratios = [with_it / alone for with_it, alone in zip(taken["attached"], taken["alone"], strict=True)]
    return {
        "alone_seconds": median(taken["alone"]),
        "attached_seconds": median(taken["attached"]),
        "ratio": median(ratios),
        "ratio_least_and_most": [round(min(ratios), 3), round(max(ratios), 3)],
    }


@contextmanager
def attached(folder: Path, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    with terminal(["-m", "tui", str(folder)], folder.parent) as screen:
        screen.wait_for("Generate")
        time.sleep(2)
        yield


# -- the parts that run in processes of their own ---------------------------------------------------


def work(folder: str, rows: int) -> None:
    """Arithmetic of some milliseconds, then a durable row; prints the seconds of all."""
    from toolkit.journal import Journal
    from toolkit.types import Row

    with Journal(Path(folder)) as journal, journal.stage("generate", 1):
        began = time.perf_counter()
        for number in range(rows):
            for _ in range(8):
                hashlib.pbkdf2_hmac("sha256", b"row", str(number).encode(), 2000)
            journal.row(1, 100 + number, Row(text(number), "late_parcel", "late_parcel"))
        print(time.perf_counter() - began)


def child(folder: str, stalls: str) -> None:
    """The replay, with a heartbeat that notes when the event loop was late.

    Lateness counts what other programs took of the processor; CPU time between beats is the loop's own.
    """
    from tui.app import SchoolhouseApp
    from tui.replay import replay

    # room for 20 minutes, taken now: what is noted must not look like memory that the screens take
    beat, room, beats = 0.01, 120_000, 0
    late, busy = (array("d", bytes(8 * room)) for _ in range(2))

    class Watched(SchoolhouseApp):
        CSS_PATH = ROOT / "tui" / "app.tcss"

        def on_ready(self) -> None:
            self.run_worker(self._watch(), name="heartbeat", exit_on_error=False)

        async def _watch(self) -> None:
            nonlocal beats
            while beats < room:
                before, worked = time.perf_counter(), time.thread_time()
                await asyncio.sleep(beat)
                late[beats] = time.perf_counter() - before - beat
                busy[beats] = time.thread_time() - worked
                beats += 1

    replay(folder, SPEED, lambda runs, place: Watched(runs, open_first=place).run())
    over = {f"over_{limit}_ms": sum(one > limit / 1000 for one in late[:beats]) for limit in (50, 100, 250)}
    figures = {"late_ms": percentiles(late[:beats]), "cpu_ms_between_beats": percentiles(busy[:beats])}
    found = {**figures, **over, "beats": beats}
    Path(stalls).write_text(json.dumps({**found, "cpu_seconds": round(time.process_time(), 1)}), encoding="utf-8")


# -- figures ----------------------------------------------------------------------------------------


def megabytes(pid: int) -> float:
    return round(psutil.Process(pid).memory_info().rss / 1e6, 1)


def milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)


def median(found: list[float]) -> float:
    return round(statistics.median(found), 3)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """In ms."""
    ordered = sorted(seconds)
    return {
        name: milliseconds(ordered[min(len(ordered) - 1, int(share * len(ordered)))])
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("most", 1.0))
    }


def measure(quick: bool, minutes: float, only: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        runs, empty = Path(place) / "runs", Path(place) / "none"
        (Path(place) / "cache").mkdir()
        findings = [{"what": "Python", "state": "as it is", "ok": True}]
        kept = {"at": time.time(), "python": sys.executable, "findings": findings}
        (Path(place) / "cache" / "doctor.json").write_text(json.dumps(kept), encoding="utf-8")
        record(runs / "long", ROWS)
        record(runs / "short", FEW)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "first_frame": lambda: first_frame(3 if quick else PAIRS, empty),
            "data_of_100000": lambda: data_screen(runs / "long", ROWS),
            "data_of_1000": lambda: data_screen(runs / "short", FEW),
            "replay": lambda: replayed(runs / "long", minutes, runs),
            "worker": lambda: worker(2 if quick else PAIRS, Path(place) / "work", 200 if quick else 800),
        }
        figures: dict[str, Any] = {"load_before": [round(load, 1) for load in os.getloadavg()]}
        for name, part in parts.items():
            if only in ("", name):
                figures[name] = part()
                print(f"{name}: {json.dumps(figures[name])}", flush=True)
        return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--only", default="", help="one part: first_frame, replay, worker, …")
    parser.add_argument("--child", nargs=2)
    parser.add_argument("--worker", nargs=2)
    options = parser.parse_args()
    if options.child:
        return child(*options.child)
    if options.worker:
        return work(options.worker[0], int(options.worker[1]))
    figures = measure(options.quick, options.minutes or (0.5 if options.quick else 10), options.only)
    places = (("first_frame", "ratio"), ("replay", "key_p95_ms"), ("worker", "ratio"), ("replay", "grown_mb_a_minute"))
    found = {name: figures[part][key] for name, (part, key) in zip(TARGETS, places, strict=True) if part in figures}
    passed = all(value <= TARGETS[name] for name, value in found.items())
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    report = {"name": "tui", "machine": machine, "figures": figures, "targets": TARGETS, "pass": passed}
    print(json.dumps(report))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
