"""What asking a teacher costs: against a bare httpx loop, and on a server that is sometimes busy.

    python benchmarks/teacher.py [--quick]

Cost: requests to a server that answers at once, through the `openai` backend, with and without a journal, side by
side with the faster of two loops of httpx alone (asyncio, threads) that have as many requests under way. The journal
is on the disk, with `synchronous=FULL`, before a program sees an answer; the loops keep nothing. Busy: a server that
takes 200 ms and refuses 5 % with 429. The server is a process of its own. The last line is one JSON object; the exit
code is 0 when every target holds.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from toolkit.journal import Journal
from toolkit.models.chat import open_chat_model
from toolkit.models.journaled import JournaledModel
from toolkit.models.server import ServerSettings
from toolkit.types import Request

AT_ONCE = 16
REQUESTS = 2000
PAIRS = 5
BUSY_REQUESTS = 800
TARGETS = {"times a bare httpx loop at most": 1.3, "share of the ideal throughput at least": 0.85}
REPLY = json.dumps(
    {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "A message."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 3},
    }
)


def requests_of(count: int, first: int) -> list[Request]:
    return [Request(({"role": "user", "content": f"Write message {first + number}."},)) for number in range(count)]


# -- the server ---------------------------------------------------------------------------------


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, refused: float) -> None:
    """One connection: enough of HTTP/1.1 for a client that keeps it open."""
    chance = random.Random()
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            await reader.readexactly(length)
            busy = chance.random() < refused
            if not busy:
                await asyncio.sleep(delay)
            body = b'{"error":{"message":"busy"}}' if busy else REPLY.encode()
            status = b"429 Too Many Requests\r\nretry-after: 0.05" if busy else b"200 OK"
            size = str(len(body)).encode()
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-type: application/json\r\ncontent-length: " + size)
            writer.write(b"\r\n\r\n" + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(delay: float, refused: float) -> None:
    server = await asyncio.start_server(lambda reader, writer: answer(reader, writer, delay, refused), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def server(delay: float = 0.0, refused: float = 0.0) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, __file__, "--serve", str(delay), str(refused)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()


# -- the contestants ----------------------------------------------------------------------------


def bare(url: str, asked: list[Request]) -> float:
    """Seconds of a loop that only sends and reads."""

    async def everything() -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:

            async def one(request: Request) -> str:
                async with gate:
                    body = {"model": "any", "messages": list(request.messages), "max_tokens": request.max_tokens}
                    response = await client.post("/chat/completions", json=body)
                    return str(response.json()["choices"][0]["message"]["content"])

            await asyncio.gather(*(one(request) for request in asked))

    begun = time.perf_counter()
    asyncio.run(everything())
    return time.perf_counter() - begun


def bare_threads(url: str, asked: list[Request]) -> float:
    """Seconds of the same loop with threads and one shared client."""
    begun = time.perf_counter()
    with httpx.Client(base_url=url, trust_env=False) as client, ThreadPoolExecutor(AT_ONCE) as workers:

        def one(request: Request) -> str:
            body = {"model": "any", "messages": list(request.messages), "max_tokens": request.max_tokens}
            return str(client.post("/chat/completions", json=body).json()["choices"][0]["message"]["content"])

        list(workers.map(one, asked))
    return time.perf_counter() - begun


def backend(url: str, asked: list[Request]) -> float:
    """Seconds of the `openai` backend."""
    begun = time.perf_counter()
    model = open_chat_model(f"openai/any@{url}", server=ServerSettings(parallel=AT_ONCE))
    assert len(list(model.complete(asked))) == len(asked)
    model.close()
    return time.perf_counter() - begun


def journaled(url: str, asked: list[Request]) -> float:
    """Seconds of the backend with every answer in a journal; each is there once."""
    name = f"openai/any@{url}"
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        begun = time.perf_counter()
        settings = ServerSettings(parallel=AT_ONCE)
        teacher = JournaledModel(name, "teacher", journal, lambda: open_chat_model(name, server=settings))
        teacher.complete(asked, attempt=1)
        teacher.release()
        taken = time.perf_counter() - begun
        assert journal.call_totals()["calls"] == len({request.hash for request in asked}) == len(asked)
    return taken


def cost(pairs: int, count: int) -> dict[str, object]:
    """Ratios to the faster of the two bare loops, in turns, the order changing."""
    contestants = [bare, bare_threads, backend, journaled]
    ratios: dict[str, list[float]] = {"backend": [], "with a journal": []}
    paces: dict[str, list[float]] = {"asyncio": [], "threads": []}
    with server() as url:
        for contestant in contestants:  # imports and the server's first connections
            contestant(url, requests_of(50, 0))
        for pair in range(pairs):
            asked = requests_of(count, 10_000 * (pair + 1))
            order = contestants[pair % 4 :] + contestants[: pair % 4]
            taken = {contestant: contestant(url, asked) for contestant in order}
            fastest = min(taken[bare], taken[bare_threads])
            ratios["backend"].append(taken[backend] / fastest)
            ratios["with a journal"].append(taken[journaled] / fastest)
            paces["asyncio"].append(count / taken[bare])
            paces["threads"].append(count / taken[bare_threads])
    spread: dict[str, object] = {
        name: {"median": round(statistics.median(found), 2), "all": [round(one, 2) for one in sorted(found)]}
        for name, found in ratios.items()
    }
    rates = {name: round(statistics.median(found)) for name, found in paces.items()}
    return {**spread, "bare loops, requests/s": rates}


def busy(count: int) -> dict[str, object]:
    """Share of the ideal throughput: `AT_ONCE` answers every 200 ms."""
    with server(0.2, 0.05) as url:
        taken = journaled(url, requests_of(count, 0))
    return {"share": round(0.2 * count / AT_ONCE / taken, 3), "requests": count, "each answered once": True}


def main() -> None:
    if "--serve" in sys.argv:
        asyncio.run(serve(float(sys.argv[-2]), float(sys.argv[-1])))
        return
    quick = "--quick" in sys.argv
    figures = {"cost": cost(2 if quick else PAIRS, REQUESTS // 10 if quick else REQUESTS)}
    print(f"cost, times a bare loop: {figures['cost']}")
    figures["busy"] = busy(BUSY_REQUESTS // 4 if quick else BUSY_REQUESTS)
    print(f"busy server: {figures['busy']}")
    ratio, share = figures["cost"]["backend"]["median"], figures["busy"]["share"]  # type: ignore[index]
    passed = ratio <= TARGETS["times a bare httpx loop at most"]
    passed = passed and share >= TARGETS["share of the ideal throughput at least"]
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(json.dumps({"name": "teacher", "machine": machine, "figures": figures, "targets": TARGETS, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
