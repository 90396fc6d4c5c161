"""The child that merges and quantizes: numpy's and llama.cpp's memory goes with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolkit.export.merge import Advance, merge
from toolkit.export.quantize import quantize
from toolkit.process import Emit, child_main

EVERY = 0.2  # seconds between two `progress` events


def make(job: dict[str, Any], emit: Emit) -> None:
    """Write `job["out"]`; the 16-bit file that stands between is removed."""
    out, quant = Path(job["out"]), job["quant"]
    halves = out if quant == "f16" else out.with_name(f".{out.name}.f16")
    try:
        merge(
            Path(job["base"]),
            Path(job["adapter"]),
            halves,
            name=job["name"],
            end_token=job["end_token"],
            advance=_advance(emit, "merging"),
        )
        if quant != "f16":
            quantize(halves, out, quant, threads=job["threads"], advance=_advance(emit, f"quantizing to {quant}"))
    finally:
        if halves != out:
            halves.unlink(missing_ok=True)


def _advance(emit: Emit, what: str) -> Advance:
    told = [0.0]

    def advance(done: int, total: int) -> None:
        now = time.monotonic()
        if now - told[0] >= EVERY or done == total:
            told[0] = now
            emit({"event": "progress", "what": what, "done": done, "total": total})

    return advance


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    make(next(messages), emit)
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
