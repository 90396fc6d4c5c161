"""What the leakage firewall finds, and how long it takes: planted cases and 10,000 rows against 1,000 items.

    python benchmarks/leakage.py [--quick]

Cases: verbatim, re-cased, re-ordered (made from the quickstart's messages), paraphrased and translated
(`leakage_cases.jsonl`), and other messages about the same intent, which must pass. Recall is the share of
planted cases that were met, a false alarm is a message that was met and should have passed. The last line is
one JSON object; the exit code is 0 when every target holds.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from toolkit.data.embeddings import FIX, open_embedder
from toolkit.data.fingerprints import fingerprint
from toolkit.data.firewall import Firewall
from toolkit.data.meanings import Meanings
from toolkit.evaluation.statistics import wilson
from toolkit.types import Item

HERE = Path(__file__).parent
MESSAGES = HERE.parent / "recipes" / "quickstart" / "data" / "messages.csv"
TARGETS = {"verbatim": 1.0, "re-cased": 1.0, "false alarms at most": 0.01, "seconds at most": 60.0}
ROWS, ITEMS = 10_000, 1_000


def items_of(texts: Sequence[str]) -> list[Item]:
    return [Item(str(index), "private", text, "") for index, text in enumerate(texts)]


def firewall_of(texts: Sequence[str], meaning: bool) -> Firewall:
    """All texts sealed, as in a run; with their meanings when the weights are there."""
    items = items_of(texts)
    embed = open_embedder() if meaning else None
    meanings = Meanings([("private", item.id) for item in items], embed(list(texts)), embed) if embed else None
    return Firewall([], [], [fingerprint(item) for item in items], meanings=meanings)


def re_cased(text: str, _chance: random.Random) -> str:
    return re.sub(r"[.,!?']", "", text).upper()


def re_ordered(text: str, _chance: random.Random) -> str:
    """Sentences, or the parts between commas, or the two halves, the other way round."""
    for separator in (r"(?<=[.!?])\s+", r",\s+"):
        parts = re.split(separator, text)
        if len(parts) > 1:
            return " ".join(reversed(parts))
    words = text.split()
    return " ".join([*words[len(words) // 2 :], *words[: len(words) // 2]])


MADE: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": lambda text, _chance: text,
    "re-cased": re_cased,
    "re-ordered": re_ordered,
}


def shares(meaning: bool, quick: bool) -> dict[str, dict[str, float]]:
    """Case -> the share that was met, its interval, n."""
    with MESSAGES.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    chance = random.Random(0)
    chance.shuffle(texts)
    half = len(texts) // (8 if quick else 2)
    sealed, others = texts[:half], texts[half : 2 * half]
    written = [json.loads(line) for line in (HERE / "leakage_cases.jsonl").read_text(encoding="utf-8").splitlines()]
    wall = firewall_of([*sealed, *(case["text"] for case in written)], meaning)
    cases = {name: [make(text, chance) for text in sealed] for name, make in MADE.items()}
    cases |= {name: [case[name] for case in written] for name in ("paraphrased", "translated")}
    cases["same topic, unrelated"] = others
    return {name: share([wall.check(text) is not None for text in found]) for name, found in cases.items()}


def share(met: Sequence[bool]) -> dict[str, float]:
    value = sum(met) / len(met)
    low, high = wilson(value, len(met))
    return {"met": round(value, 4), "low": round(low, 4), "high": round(high, 4), "n": len(met)}


def seconds(meaning: bool, rows: int) -> float:
    """Wall clock for `rows` made-up messages against 1,000 made-up items."""
    chance = random.Random(1)
    words = ["".join(chance.choices("aeioubcdfglmnprst", k=chance.randint(2, 9))) for _ in range(3000)]
    texts = [" ".join(chance.choices(words, k=chance.randint(5, 25))) for _ in range(ITEMS + rows)]
    before = time.perf_counter()
    wall = firewall_of(texts[:ITEMS], meaning)
    for text in texts[ITEMS:]:
        wall.check(text)
    return round(time.perf_counter() - before, 1)


def main() -> None:
    quick = "--quick" in sys.argv
    rows = ROWS // 10 if quick else ROWS
    figures: dict[str, object] = {}
    for name, meaning in {"exact and n-grams": False, "with embeddings": True}.items():
        if meaning and open_embedder() is None:
            print(f"embeddings are off: the weights are not here; {FIX}")
            figures[name] = "off"
            continue
        found = shares(meaning, quick)
        taken = seconds(meaning, rows)
        figures[name] = {**found, "seconds": taken, "rows": rows, "items": ITEMS}
        for case, one in found.items():
            print(f"{name:<20}{case:<24}{one['met']:7.1%} [{one['low']:.1%}, {one['high']:.1%}] n={one['n']}")
        print(f"{name:<20}{rows} rows against {ITEMS} items: {taken} s")
    measured = [one for one in figures.values() if isinstance(one, dict)]
    passed = all(
        one["verbatim"]["met"] >= TARGETS["verbatim"]
        and one["re-cased"]["met"] >= TARGETS["re-cased"]
        and one["same topic, unrelated"]["met"] <= TARGETS["false alarms at most"]
        and one["seconds"] * ROWS / rows <= TARGETS["seconds at most"]
        for one in measured
    )
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(json.dumps({"name": "leakage", "machine": machine, "figures": figures, "targets": TARGETS, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
