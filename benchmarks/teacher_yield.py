"""How many rows a teacher's tokens bring: the library's program against a script that asks for one row a call.

    python benchmarks/teacher_yield.py [--recipe recipes/quickstart] [--rows 60] [--quick] [--set key=value …]

Both ask the recipe's own teacher, and their rows pass the same checks: what counts are accepted rows, none like
another, for each 1,000 tokens that the teacher was sent and wrote, which is what a paid one sends a bill for. Told
too: for each 1,000 that it wrote, and for each 1,000 that it had to compute, which are those that it wrote and those
that it was sent and did not have in its cache. Pair N has N as the teacher's seed, and the contestants take turns. The
script asks for a row of each label that still needs some, all of them at once, as a person would who knows that this
is faster. On 2 cores the quickstart's teacher takes about half an hour for all of it. The last line is one JSON
object; the exit code is 0 when the target holds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from toolkit.engineer import open_engineer
from toolkit.journal import Journal
from toolkit.programs import library
from toolkit.recipe import load_recipe
from toolkit.run import Run
from toolkit.stages.attempts import begin
from toolkit.stages.generate import generate
from toolkit.stages.session import Session

PAIRS = 5
COMPUTED, WRITTEN, SENT = (f"rows per 1,000 tokens {how}" for how in ("computed", "written", "sent and written"))
TARGETS = {"times the plain script's rows per 1,000 tokens at least": 1.2}

PLAIN = """# One message a call: what one would write first.
def prompt_for(label):
    meaning = task["labels"][label] or label
    return task["about"] + " Write one such message: " + meaning + " Reply with the message only."

while remaining()["rows"] and remaining()["calls"]:
    labels = list(remaining()["skills"])[:remaining()["calls"]]
    for label, reply in zip(labels, ask_many([prompt_for(label) for label in labels])):
        submit([{"input": reply.text.strip(), "output": label, "skill": label, "replies": [reply.id]}])
"""

Figures = dict[str, float]


def yielded(recipe_path: str, program: str, rows: int, seed: int, more: list[str]) -> Figures:
    """Carry out one data program in a run of its own; what it took and what came of it."""
    chosen = [f"budget.rows={rows}", "budget.rounds=1", "budget.min_rows=1", f"budget.teacher_calls={3 * rows}"]
    recipe = load_recipe(recipe_path, [*chosen, "engineer.kind=fixed", f"teacher.seed={seed}", *more])
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(recipe, Path(folder) / "run")
        with closing(Journal(run.folder)) as journal:
            session = Session(recipe, run.folder, journal)
            attempt = begin(session, open_engineer("fixed", program), 1, None, [])
            assert attempt
            begun = time.perf_counter()
            generate(session, 1, attempt)
            seconds = time.perf_counter() - begun
            session.close()
            totals, counts = journal.call_totals("teacher"), journal.row_counts()
    wrote, sent = totals["completion_tokens"], totals["prompt_tokens"]
    tokens = {COMPUTED: wrote + sent - totals["cached_tokens"], WRITTEN: wrote, SENT: wrote + sent}
    return {
        "rows": counts["accepted"],
        "rejected": sum(counts["rejected"].values()),
        "calls": totals["calls"],
        "tokens written": wrote,
        "tokens sent": sent,
        "of them cached": totals["cached_tokens"],
        **{name: round(1000 * counts["accepted"] / max(number, 1), 2) for name, number in tokens.items()},
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Accepted rows for each 1,000 tokens of a teacher.")
    parser.add_argument("--recipe", default="recipes/quickstart")
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="one pair")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    answer = load_recipe(chosen.recipe).file.task.answer
    programs = {"library": library.source(library.program_for(answer)), "plain": PLAIN}
    pairs: list[dict[str, Figures]] = []
    for seed in range(1 if chosen.quick else PAIRS):
        order = list(programs) if seed % 2 == 0 else list(programs)[::-1]
        pairs.append({n: yielded(chosen.recipe, programs[n], chosen.rows, seed, chosen.set) for n in order})
        print(json.dumps(pairs[-1]), flush=True)
    ratios = {
        key: [round(pair["library"][key] / max(pair["plain"][key], 0.01), 2) for pair in pairs]
        for key in (COMPUTED, WRITTEN, SENT)
    }
    figures = {name: {"median": statistics.median(found), "all": sorted(found)} for name, found in ratios.items()}
    passed = figures[SENT]["median"] >= next(iter(TARGETS.values()))
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    report = {
        "name": "teacher_yield",
        "machine": machine,
        "figures": {"times the plain script": figures, "pairs": pairs},
    }
    print(json.dumps({**report, "targets": TARGETS, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
