"""What keeping a prompt's beginning saves: prompts with 1,000 shared and 50 own tokens, 32 tokens out.

    python benchmarks/prefix.py [--quick] [--model NAME] [--engine llama-cpp-python|xllamacpp]

The same questions are put one after the other, once as a run puts them and once with the cache emptied before each,
side by side in turns. The last line is one JSON object; the exit code is 0 when the target holds.
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
from toolkit.types import Request

SHARED, OWN, OUT = 1000, 50, 32
CONTEXT = 2048
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
        {"role": "user", "content": f"{number}. {text(own, number + 1)} Write a long story about it."},
    )
    return Request(messages, temperature=0.0, max_tokens=out)  # type: ignore[arg-type]


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


def seconds(model: Any, asked: list[Request], *, reuse: bool) -> tuple[float, int, int]:
    """Seconds, prompt tokens and those of them that came from the cache; one question at a time."""
    model.forget()
    begun, prompt, cached = time.perf_counter(), 0, 0
    for request in asked:
        if not reuse:
            model.forget()
        [(_, completion)] = model.complete([request])
        prompt, cached = prompt + completion.prompt_tokens, cached + completion.cached_tokens
    return time.perf_counter() - begun, prompt, cached


def measure(model: Any, pairs: int, count: int) -> dict[str, Any]:
    """Times with reuse as a share of those without, pair by pair, the order changing."""
    shared, own = sized(model)
    ratios, prompt, cached = [], 0, 0
    for pair in range(pairs):
        asked = [question(shared, own, pair * count + number) for number in range(count)]
        taken = {}
        for reuse in (True, False) if pair % 2 else (False, True):
            taken[reuse], prompt, used = seconds(model, asked, reuse=reuse)
            cached = used if reuse else cached
        ratios.append(taken[True] / taken[False])
    return {
        "ratio": round(statistics.median(ratios), 3),
        "all": [round(one, 3) for one in sorted(ratios)],
        "prompt tokens": round(prompt / count),
        "of them cached": round(cached / count),
        "questions": count,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--model", default="smollm2-135m-instruct")
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
