"""Which number format is fast here: measured once for each machine and torch version.

bfloat16 is 2.7 times as fast as float32 on CPUs with bf16 units, and several times slower
on those without: no name or flag says so as surely as half a second of multiplying.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, cast

from toolkit.errors import ModelError
from toolkit.hardware.machine import machine
from toolkit.paths import cache_dir, write_text
from toolkit.process import Child, Emit, child_main

Dtype = Literal["float32", "bfloat16"]

WORTH_IT = 1.25  # bfloat16 must be this much faster: it costs precision
_ROUNDS = 5
_SHAPE = (256, 576, 1536)  # tokens, width and inner width of a small student


def fast_dtype() -> Dtype:
    """The dtype to train and answer with on this machine. Raises ModelError without torch."""
    try:
        key = f"torch {version('torch')}, {machine().processor}"
    except PackageNotFoundError as error:
        raise ModelError("torch is not installed", "pip install torch") from error
    path = cache_dir() / "measured.json"
    known = _read(path)
    if known.get(key) not in ("float32", "bfloat16"):
        with Child("toolkit.models.torch_dtype") as child:
            answer = next(message for message in child.messages() if message["event"] == "dtype")
        known = {**_read(path), key: answer["dtype"]}
        write_text(path, json.dumps(known, indent=2))
    return cast("Dtype", known[key])


def _read(path: Any) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def measure() -> tuple[Dtype, float]:
    """The faster dtype, and how many times as fast as float32 bfloat16 is."""
    from toolkit.models.torch_model import device, import_torch

    torch = import_torch()
    where = device(torch)
    best = {"float32": float("inf"), "bfloat16": float("inf")}
    for _ in range(_ROUNDS):  # in turns, so that a busy moment hits both
        for dtype in best:
            best[dtype] = min(best[dtype], _seconds(torch, where, getattr(torch, dtype)))
    ratio = best["float32"] / best["bfloat16"]
    return ("bfloat16" if ratio >= WORTH_IT else "float32"), ratio


def _seconds(torch: Any, where: str, dtype: Any) -> float:
    tokens, width, inner = _SHAPE
    left = torch.ones(tokens, width, dtype=dtype, device=where)
    right = torch.ones(inner, width, dtype=dtype, device=where)
    (left[:8] @ right.T).sum().item()
    begun = time.perf_counter()
    (left @ right.T).sum().item()  # `item` waits for the device
    return time.perf_counter() - begun


def _serve(_: Iterator[dict[str, Any]], emit: Emit) -> None:
    dtype, ratio = measure()
    emit({"event": "dtype", "dtype": dtype, "ratio": round(ratio, 2)})
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
