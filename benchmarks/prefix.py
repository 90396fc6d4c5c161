"""What keeping a prompt's beginning saves: prompts with 1,000 shared and 50 own tokens, 32 tokens out.

    python benchmarks/prefix.py [--quick] [--model NAME] [--engine llama-cpp-python|xllamacpp]

The same questions are put one after the other, once as a run puts them and once with the cache emptied before each,
side by side in turns; the first question of a turn pays for all. On 2 cores the quickstart's teacher takes about 15
minutes for all of it, smollm2-135m-instruct 2. The last line is one JSON object; the exit code is 0 when the target
holds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from typing import Any

from toolkit.models import llama_cpp, xllamacpp
from toolkit.models.gguf_engine import engine
from toolkit.types import Completion, Request

SHARED, OWN, OUT = 1000, 50, 32
CONTEXT = 2048
LONG = {"type": "array", "items": {"enum": list(range(10))}, "minItems": 40}
"""So that no answer ends before its 32 tokens."""
QUESTIONS, PAIRS = 6, 5
TARGET = 0.5
_NOUNS = "river stone lamp garden winter paper bridge cloud market window story letter forest engine silver yellow"
WORDS = _NOUNS.split(" ")


def text(count: int, seed: int) -> str:
    """So many common words, in an order of their own."""
    return " ".join(WORDS[(index * (seed * 2 + 3) + index // 16) % len(WORDS)] for index in range(count))


def question(shared: int, own: int, number: int, out: int = OUT) -> Request:
    """Different numbers share the system message and nothing else."""
    messages = (
        {"role": "system", "content": text(shared, 0)},
        {"role": "user", "content": f"{number}. {text(own, number + 1)} Now write many numbers, as a list."},
    )
    return Request(messages, temperature=0.0, max_tokens=out, schema=LONG)  # type: ignore[arg-type]


def tokens(model: Any, shared: int, own: int) -> int:
    """The length of such a prompt, as the model counts it."""
    [(_, completion)] = model.complete([question(shared, own, 0, out=1)])
    return int(completion.prompt_tokens)


def sized(model: Any) -> tuple[int, int]:
    """How many words make prompts of SHARED and OWN tokens; a word of the list is one token for most models."""
    rest = tokens(model, 0, 0)
    shared = round(SHARED * 100 / (tokens(model, 100, 0) - rest))
    own = max(0, round((OWN - 15) * 100 / (tokens(model, 0, 100) - rest)))  # 15: number, wish and turn marks
    return shared, own


def answers(model: Any, asked: list[Request], *, reuse: bool) -> tuple[float, list[Completion]]:
    """Seconds and answers, one question at a time."""
    model.forget()
    begun, found = time.perf_counter(), []
    for request in asked:
        if not reuse:
            model.forget()
        found += [completion for _, completion in model.complete([request])]
    return time.perf_counter() - begun, found


def mean(found: list[Completion], what: str) -> int:
    return round(statistics.mean(getattr(completion, what) for completion in found))


def measure(model: Any, pairs: int, count: int) -> dict[str, Any]:
    """Times with reuse as a share of those without, pair by pair, the order changing."""
    shared, own = sized(model)
    ratios, taken, found = [], dict[bool, list[float]](), dict[bool, list[Completion]]()
    for pair in range(pairs):
        asked = [question(shared, own, pair * count + number) for number in range(count)]
        for reuse in (True, False) if pair % 2 else (False, True):
            seconds, found[reuse] = answers(model, asked, reuse=reuse)
            taken.setdefault(reuse, []).append(seconds)
        ratios.append(taken[True][-1] / taken[False][-1])
        print(f"pair {pair + 1}: {taken[True][-1]:.1f} s with reuse, {taken[False][-1]:.1f} s without", flush=True)
    return {
        "ratio": round(statistics.median(ratios), 3),
        "all": [round(one, 3) for one in sorted(ratios)],
        "seconds": {name: round(statistics.median(taken[name == "with"]), 1) for name in ("with", "without")},
        "prompt tokens": mean(found[True], "prompt_tokens"),
        "of them cached": {name: mean(found[name == "with"], "cached_tokens") for name in ("with", "without")},
        "tokens out": mean(found[True], "completion_tokens"),
        "questions": count,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct")
    parser.add_argument("--engine", default=engine(), choices=("llama-cpp-python", "xllamacpp"))
    chosen = parser.parse_args()
    backend = llama_cpp if chosen.engine == "llama-cpp-python" else xllamacpp
    model = backend.open_model(chosen.model, context=CONTEXT)
    pairs, count = (1, 4) if chosen.quick else (PAIRS, QUESTIONS)
    figures = {"model": chosen.model, "engine": chosen.engine, **measure(model, pairs, count)}
    model.close()
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    targets = {"time with reuse, share of that without, at most": TARGET}
    passed = figures["ratio"] <= TARGET
    print(json.dumps({"name": "prefix", "machine": machine, "figures": figures, "targets": targets, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
