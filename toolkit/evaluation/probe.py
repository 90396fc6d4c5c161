"""The forgetting probe: a fixed set of everyday questions, the same for every recipe."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from toolkit.types import Item, Message


@cache
def probe_items() -> tuple[Item, ...]:
    """Chat format, arithmetic, copying, honesty, another language; the answer must contain `output`."""
    path = Path(__file__).with_name("probe.jsonl")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return tuple(Item(r["id"], "probe", r["input"], r["output"], r["skill"]) for r in records)


def probe_prompt(text: str) -> tuple[Message, ...]:
    return ({"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text})
