"""What asking a teacher costs: against bare httpx loops and two libraries, and on a server that is sometimes busy.

    python benchmarks/teacher.py [--quick] [--pairs 5] [--no-peers] [--logs FOLDER]

Cost: 2,000 requests to a server that answers at once, 16 under way. Ours is the `openai` backend, with every answer in
a journal on the disk (`synchronous=FULL`) before a program sees it; without a journal it is a contestant too. The
others: two loops of httpx alone (asyncio and threads, of which the faster one counts; they keep nothing), bespoke
curator and distilabel, with their caches off and a batch of 16 for distilabel, so that it has as many under way. All
take turns, the order changing. A peer's start is what it takes for 16 requests; the ratio to the rest is told too.
Busy: a server that takes 200 ms and refuses 5 % with 429; the journal has every answer once, and the server gave none
twice.

The peers stand in an environment of their own, which `make env-bench` builds; where it is missing, it is built. The
last line is one JSON object; the exit code is 0 when every target holds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from peers import ROOT, Talker, interpreter
from teacher_server import counted, server

from toolkit.journal import Journal
from toolkit.models.chat import open_chat_model
from toolkit.models.journaled import JournaledModel
from toolkit.models.server import ServerSettings
from toolkit.types import Request

AT_ONCE = 16
REQUESTS = 2000
BUSY_REQUESTS = 800
OTHERS = ("curator", "distilabel")
TARGETS = {
    "times a bare httpx loop at most": 1.3,
    "times curator at most": 0.5,
    "times distilabel at most": 0.5,
    "busy: share of the ideal throughput at least": 0.85,
    "busy: requests that were not answered once at most": 0,
}

Contestant = Callable[[str, int, int], float]
"""(address, number of the first request, how many) -> seconds."""


def text(number: int) -> str:
    return f"Write message {number}."


def requests_of(first: int, count: int) -> list[Request]:
    return [Request(({"role": "user", "content": text(number)},)) for number in range(first, first + count)]


def right(request: Request, answer: str) -> bool:
    """Whether it is the answer to this request, and to no other."""
    return request.messages[0]["content"].split()[-1] == answer.split()[-1]


# -- the contestants ----------------------------------------------------------------------------


def body(request: Request) -> dict[str, Any]:
    return {"model": "any", "messages": list(request.messages), "max_tokens": request.max_tokens, "temperature": 0.8}


def said(response: httpx.Response) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def bare(url: str, first: int, count: int) -> float:
    """Seconds of a loop that only sends and reads."""
    asked = requests_of(first, count)

    async def everything() -> list[str]:
        gate = asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:

            async def one(request: Request) -> str:
                async with gate:
                    return said(await client.post("/chat/completions", json=body(request)))

            return await asyncio.gather(*(one(request) for request in asked))

    begun = time.perf_counter()
    answers = asyncio.run(everything())
    seconds = time.perf_counter() - begun
    assert all(map(right, asked, answers))
    return seconds


def bare_threads(url: str, first: int, count: int) -> float:
    """Seconds of the same loop with threads and one shared client."""
    asked = requests_of(first, count)
    begun = time.perf_counter()
    with httpx.Client(base_url=url, trust_env=False) as client, ThreadPoolExecutor(AT_ONCE) as workers:
        answers = list(workers.map(lambda one: said(client.post("/chat/completions", json=body(one))), asked))
    seconds = time.perf_counter() - begun
    assert all(map(right, asked, answers))
    return seconds


def backend(url: str, first: int, count: int) -> float:
    """Seconds of the `openai` backend."""
    asked = requests_of(first, count)
    begun = time.perf_counter()
    model = open_chat_model(f"openai/any@{url}", server=ServerSettings(parallel=AT_ONCE))
    answers = list(model.complete(asked))
    model.close()
    seconds = time.perf_counter() - begun
    assert len(answers) == count and all(right(request, answer.text) for request, answer in answers)
    return seconds


def journaled(url: str, first: int, count: int) -> float:
    """Seconds of the backend with every answer in a journal."""
    asked, name = requests_of(first, count), f"openai/any@{url}"
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        begun = time.perf_counter()
        settings = ServerSettings(parallel=AT_ONCE)
        teacher = JournaledModel(name, "teacher", journal, lambda: open_chat_model(name, server=settings))
        answers = teacher.complete(asked, attempt=1)
        teacher.release()
        seconds = time.perf_counter() - begun
        kept = [journal.answered(request.hash) for request in asked]
        assert journal.call_totals()["calls"] == count and kept == answers
        assert all(right(request, answer.text) for request, answer in zip(asked, answers, strict=True))
    return seconds


def peer(talker: Talker) -> Contestant:
    """Seconds of another library's own call."""

    def ask(url: str, first: int, count: int) -> float:
        found = talker.ask({"url": url, "first": first, "count": count, "at once": AT_ONCE})
        if found["right"] != count:
            raise SystemExit(f"{talker.kind} gave {found['right']} right answers of {count}: it does not do the same")
        return float(found["seconds"])

    return ask


# -- measuring ----------------------------------------------------------------------------------


def cost(pairs: int, count: int, others: dict[str, Contestant]) -> dict[str, Any]:
    """Ratios of ours to each of the others, turn by turn."""
    ours: dict[str, Contestant] = {"journaled": journaled, "backend": backend}
    contestants = {**ours, "asyncio": bare, "threads": bare_threads, **others}
    seconds: dict[str, list[float]] = {name: [] for name in (*contestants, *(f"{name} start" for name in others))}
    with server() as url:
        for contestant in contestants.values():  # imports and first connections
            contestant(url, 0, AT_ONCE)
        for pair in range(pairs):
            names = list(contestants)
            for name in names[pair % len(names) :] + names[: pair % len(names)]:
                if name in others:
                    seconds[f"{name} start"].append(contestants[name](url, 1000 * pair, AT_ONCE))
                seconds[name].append(contestants[name](url, 100_000 * (pair + 1), count))
            print(f"turn {pair + 1}: { {name: round(found[-1], 2) for name, found in seconds.items()} }", flush=True)
    fastest = [min(both) for both in zip(seconds["asyncio"], seconds["threads"], strict=True)]
    compared = {"bare httpx loop": fastest, **{name: seconds[name] for name in others}}
    for name in others:
        pairs_of = zip(seconds[name], seconds[f"{name} start"], strict=True)
        compared[f"{name} without its start"] = [whole - start for whole, start in pairs_of]
    return {
        "requests": count,
        "with a journal, times": {name: spread(seconds["journaled"], found) for name, found in compared.items()},
        "without, times": {name: spread(seconds["backend"], found) for name, found in compared.items()},
        "requests/s": {name: round(count / statistics.median(seconds[name])) for name in contestants},
        "seconds to start": {name: round(statistics.median(seconds[f"{name} start"]), 2) for name in others},
    }


def spread(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    found = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {"median": round(statistics.median(found), 2), "all": [round(one, 2) for one in found]}


def busy(count: int) -> dict[str, Any]:
    """Share of the ideal throughput: `AT_ONCE` answers every 200 ms."""
    with server(0.2, 0.05) as url:
        taken = journaled(url, 0, count)
        told = counted(url)
    share = round(0.2 * count / AT_ONCE / taken, 3)
    return {"requests": count, "share": share, "refused": told["refused"], "not once": abs(told["answered"] - count)}


def reached(figures: dict[str, Any]) -> dict[str, float | None]:
    """What each target was measured at; None where it was not."""
    times = {name: found["median"] for name, found in figures["cost"]["with a journal, times"].items()}
    values = [times["bare httpx loop"], *(times.get(name) for name in OTHERS)]
    return dict(zip(TARGETS, [*values, figures["busy"]["share"], figures["busy"]["not once"]], strict=True))


def holds(target: str, value: float | None) -> bool:
    if value is None:
        return False
    return value >= TARGETS[target] if target.endswith("least") else value <= TARGETS[target]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two turns with 200 requests")
    parser.add_argument("--pairs", type=int, default=5, help="turns")
    parser.add_argument("--no-peers", action="store_true", help="only the loops of httpx; the targets do not hold then")
    parser.add_argument("--logs", type=Path, default=ROOT / "build" / "bench-logs")
    chosen = parser.parse_args()
    chosen.logs.mkdir(parents=True, exist_ok=True)
    pairs, part = (2, 10) if chosen.quick else (chosen.pairs, 1)
    figures: dict[str, Any] = {}
    with ExitStack() as stack:
        others: dict[str, Contestant] = {}
        for name in () if chosen.no_peers else OTHERS:
            command = [interpreter(".venv-bench-teacher"), str(Path(__file__).with_name("teacher_peer.py")), name]
            talker = Talker(name, command, chosen.logs.resolve() / f"teacher-{name}.log", {})
            stack.callback(talker.close)
            others[name] = peer(talker)
        figures["cost"] = cost(pairs, REQUESTS // part, others)
    figures["busy"] = busy(BUSY_REQUESTS // part)
    found = reached(figures)
    good = all(holds(target, value) for target, value in found.items())
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    report = {"name": "teacher", "machine": machine, "figures": figures, "targets": TARGETS, "reached": found}
    print(json.dumps({**report, "pass": good}))
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
