"""What the leakage firewall finds, and how long it takes: planted cases and 10,000 rows against 1,000 items.

    python benchmarks/leakage.py [--quick] [--thresholds] [--rewrite]

Cases: verbatim, re-cased, re-ordered (made from the quickstart's messages), paraphrased and translated into German by
hand (`leakage_cases.jsonl`), rewritten by a model (`leakage_rewritten.jsonl`, where it says which), and other messages
about the same intents, which must pass. Recall is the share of planted cases that were met, a false alarm is a message
that was met and should have passed. With sentence embeddings when their weights are here. --thresholds also shows what
other thresholds would do. --rewrite only has the default teacher write `leakage_rewritten.jsonl` anew; it takes some
minutes. The last line is one JSON object; the exit code is 0 when every target holds.
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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from toolkit.data.embeddings import FIX, open_embedder
from toolkit.data.fingerprints import fingerprint
from toolkit.data.firewall import Firewall
from toolkit.data.meanings import SAME_MEANING, Meanings
from toolkit.data.near_duplicates import THRESHOLD
from toolkit.evaluation.statistics import wilson
from toolkit.models.chat import open_chat_model
from toolkit.paths import write_text
from toolkit.types import Item, Request

HERE = Path(__file__).parent
MESSAGES = HERE.parent / "recipes" / "quickstart" / "data" / "messages.csv"
TARGETS = {"verbatim": 1.0, "re-cased": 1.0, "false alarms at most": 0.01, "seconds at most": 60.0}
ROWS, ITEMS = 10_000, 1_000
AT_ONCE = 64
"""Rows that a data program may well submit together."""

REWRITTEN = 40
REWRITE = "Say this in entirely different words, with the same meaning. Answer with the new message and nothing else."
UNRELATED = "same topic, unrelated"
NGRAMS, COSINES = (0.5, 0.6, THRESHOLD, 0.8), (0.75, 0.8, 0.85, SAME_MEANING, 0.95)
Cases = dict[str, list[str]]


def firewall_of(texts: Sequence[str], meaning: bool, near: float = THRESHOLD) -> Firewall:
    """All texts sealed, as in a run; with their meanings when the weights are there."""
    items = [Item(str(index), "private", text, "") for index, text in enumerate(texts)]
    embed = open_embedder() if meaning else None
    meanings = Meanings([("private", item.id) for item in items], embed(list(texts)), embed) if embed else None
    return Firewall([], [], [fingerprint(item) for item in items], near, meanings)


def met(wall: Firewall, texts: Sequence[str]) -> Iterator[bool]:
    for start in range(0, len(texts), AT_ONCE):
        together = texts[start : start + AT_ONCE]
        wall.expect(together)
        yield from (wall.check(text) is not None for text in together)


# -- the cases ----------------------------------------------------------------------------------


def re_cased(text: str) -> str:
    """In capitals, without punctuation; 24.50 stays that number."""
    return re.sub(r"[.,!?'](?!\d)", "", text).upper()


def re_ordered(text: str) -> str:
    """Sentences, or the parts between commas, or the two halves, the other way round."""
    for separator in (r"(?<=[.!?])\s+", r",\s+"):
        parts = re.split(separator, text)
        if len(parts) > 1:
            return " ".join(reversed(parts))
    words = text.split()
    return " ".join([*words[len(words) // 2 :], *words[: len(words) // 2]])


MADE: dict[str, Callable[[str], str]] = {"verbatim": str, "re-cased": re_cased, "re-ordered": re_ordered}


def written(name: str) -> list[dict[str, str]]:
    path = HERE / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def planted(quick: bool) -> tuple[list[str], Cases]:
    """The sealed texts, and case -> the texts that are held against them."""
    with MESSAGES.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    random.Random(0).shuffle(texts)
    half = len(texts) // (8 if quick else 2)
    sealed, others = texts[:half], texts[half : 2 * half]
    by_hand, by_model = written("leakage_cases.jsonl"), written("leakage_rewritten.jsonl")
    cases = {name: [make(text) for text in sealed] for name, make in MADE.items()}
    cases |= {f"{name} by hand": [case[name] for case in by_hand] for name in ("paraphrased", "translated")}
    cases["rewritten by a model"] = [case["rewritten"] for case in by_model]
    cases[UNRELATED] = others
    known = {*sealed, *others}
    added = [case["text"] for case in (*by_hand, *by_model) if case["text"] not in known]
    return [*sealed, *added], {name: found for name, found in cases.items() if found}


def rewrite() -> None:
    """Have the teacher say the first sealed messages in other words."""
    model = "llama_cpp/qwen2.5-coder-1.5b-instruct"
    texts = planted(True)[0][:REWRITTEN]
    prompts = [f"{REWRITE}\n\n{text}" for text in texts]
    asked = [Request(({"role": "user", "content": one},), temperature=0.7, max_tokens=80) for one in prompts]
    teacher = open_chat_model(model, context=2048)
    told = {request.hash: reply.text.strip().strip('"') for request, reply in teacher.complete(asked)}
    teacher.close()
    pairs = [(text, told[request.hash]) for text, request in zip(texts, asked, strict=True)]
    lines = [json.dumps({"text": text, "rewritten": new, "model": model}, ensure_ascii=False) for text, new in pairs]
    write_text(HERE / "leakage_rewritten.jsonl", "\n".join(lines) + "\n")


def share(found: Sequence[bool]) -> dict[str, float]:
    value = sum(found) / len(found)
    low, high = wilson(value, len(found))
    return {"met": round(value, 4), "low": round(low, 4), "high": round(high, 4), "n": len(found)}


def other_thresholds(sealed: Sequence[str], cases: Cases) -> dict[str, dict[str, dict[str, float]]]:
    """Threshold -> case -> the share that n-grams alone, or embeddings alone, would meet."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for near in NGRAMS:
        wall = firewall_of(sealed, False, near)
        found[f"n-grams {near}"] = {name: share(list(met(wall, texts))) for name, texts in cases.items()}
    embed = open_embedder()
    if embed:
        known = embed(sealed)
        nearest: dict[str, Any] = {name: (embed(texts) @ known.T).max(axis=1) for name, texts in cases.items()}
        for cosine in COSINES:
            found[f"cosine {cosine}"] = {name: share([bool(one >= cosine) for one in nearest[name]]) for name in cases}
    return found


# -- the time -----------------------------------------------------------------------------------


def seconds(meaning: bool, rows: int) -> tuple[float, float]:
    """Wall clock and processor time for `rows` messages of 5 to 25 words in no order against 1,000 such items."""
    chance = random.Random(1)
    with MESSAGES.open(encoding="utf-8", newline="") as file:
        words = " ".join(row["text"] for row in csv.DictReader(file)).split()
    texts = [" ".join(chance.choices(words, k=chance.randint(5, 25))) for _ in range(ITEMS + rows)]
    before, worked = time.perf_counter(), time.process_time()
    wall = firewall_of(texts[:ITEMS], meaning)
    assert sum(met(wall, texts[ITEMS:])) < rows
    return round(time.perf_counter() - before, 1), round(time.process_time() - worked, 1)


def holds(one: dict[str, Any]) -> bool:
    return bool(
        one["verbatim"]["met"] >= TARGETS["verbatim"]
        and one["re-cased"]["met"] >= TARGETS["re-cased"]
        and one[UNRELATED]["met"] <= TARGETS["false alarms at most"]
        and one["seconds"] * ROWS / one["rows"] <= TARGETS["seconds at most"]
    )


def show(name: str, found: dict[str, dict[str, float]]) -> None:
    for case, one in found.items():
        print(f"{name:<20}{case:<24}{one['met']:7.1%} [{one['low']:.1%}, {one['high']:.1%}] n={one['n']}", flush=True)


def main() -> None:
    if "--rewrite" in sys.argv:
        rewrite()
        return
    quick = "--quick" in sys.argv
    rows = ROWS // 10 if quick else ROWS
    sealed, cases = planted(quick)
    figures: dict[str, Any] = {}
    for name, meaning in {"exact and n-grams": False, "with embeddings": True}.items():
        if meaning and open_embedder() is None:
            print(f"embeddings are off: the weights are not here; {FIX}")
            continue
        wall = firewall_of(sealed, meaning)
        found = {case: share(list(met(wall, texts))) for case, texts in cases.items()}
        show(name, found)
        taken, worked = seconds(meaning, rows)
        print(f"{name:<20}{rows} rows against {ITEMS} items: {taken} s, {worked} s of processor time", flush=True)
        figures[name] = {**found, "seconds": taken, "processor seconds": worked, "rows": rows, "items": ITEMS}
    passed = all(holds(one) for one in figures.values())
    if "--thresholds" in sys.argv:
        figures["other thresholds"] = other_thresholds(sealed, cases)
        for name, found in figures["other thresholds"].items():
            show(name, found)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(json.dumps({"name": "leakage", "machine": machine, "figures": figures, "targets": TARGETS, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
