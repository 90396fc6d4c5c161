"""Items per second of an evaluation, side by side with lm-evaluation-harness: same weights, prompts and items.

    python benchmarks/evaluation.py [--quick] [--adapter FOLDER] [--items 108] [--pairs 5] [--peer PYTHON]

The public items of the quickstart, float32 or bfloat16, whichever is fast here, for both. lm-evaluation-harness is its
`hf` model on the CPU with the best of a few batch sizes, tried before. Both have the model loaded when the clock
starts. Closed: our student can only give labels; the harness writes freely (`generate_until`), which is its fastest
way, or weighs all labels (`multiple_choice`). Free: both write freely. With --adapter the student is a trained one,
merged into its weights in both.

The harness stands in an environment of its own, `.venv-bench`, which `make env-bench` builds; where it is missing, it
is built (`--peer` names another interpreter). The last line is one JSON object; the exit code is 0 when every target
holds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers import interpreter

from toolkit.data.prepare import prepare
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_dtype import fast_dtype
from toolkit.models.weights import weights_path
from toolkit.recipe import load_recipe
from toolkit.students.student import Student, open_student
from toolkit.types import Message

HERE = Path(__file__).parent
PEER = "lm_eval==0.4.13"
BATCHES = (1, 8, 16, 32)
TRIED_ON = 24
"""Items that each batch size is tried on."""

LEAST_RATIO, LEAST_SAME = 3.0, 0.99
TARGETS = {
    "closed: times the items per second at least": LEAST_RATIO,
    "free: share of answers that are the same at least": LEAST_SAME,
}
Prompts = list[tuple[Message, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """What both answer. `labels` are what our student may say; `weighed`: the harness compares them too."""

    name: str
    prompts: Prompts
    most: int
    labels: tuple[str, ...] = ()
    weighed: bool = False


class Peer:
    """The harness in its own process."""

    def __init__(self, python: str, setup: dict[str, Any]) -> None:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        self._process = subprocess.Popen(
            [python, str(HERE / "evaluation_peer.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._ask(setup)

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"lm-evaluation-harness ended: run {HERE / 'evaluation_peer.py'} by hand to see why")
        found: dict[str, Any] = json.loads(line)
        return found

    def answer(self, case: Case, prompts: Prompts, batch: int) -> tuple[float, list[str]]:
        """Seconds, and the answers."""
        labels = list(case.labels) if case.weighed else []
        asked = {"prompts": prompts, "most": case.most, "labels": labels, "batch": batch}
        found = self._ask(asked)
        return float(found["seconds"]), list(found["answers"])

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def ours(student: Student, case: Case) -> tuple[float, list[str]]:
    """Seconds, and the answers."""
    begun = time.perf_counter()
    found = dict(student.answer(case.prompts, max_new_tokens=case.most, choices=case.labels))
    return time.perf_counter() - begun, [found[place] for place in range(len(case.prompts))]


# -- the comparison -----------------------------------------------------------------------------


def cases_of(items: int, quick: bool) -> list[Case]:
    recipe = load_recipe(HERE.parent / "recipes" / "quickstart")
    with tempfile.TemporaryDirectory() as folder:
        data = prepare(recipe, Path(folder))
    texts = [item.input for item in data.public[: 16 if quick else items]]
    file = recipe.file
    prompts, labels = TaskPrompts(file.task.system, data.labels), tuple(data.labels)
    short, long = [prompts.trained(text) for text in texts], [prompts.zero_shot(text) for text in texts]
    most = file.student.max_new_tokens
    found = [
        Case("closed, short prompt", short, most, labels),
        Case("closed, short prompt, labels weighed", short, most, labels, weighed=True),
        Case("closed, labels in the prompt", long, most, labels),
        Case("free, short prompt", short, most),
    ]
    return found[::3] if quick else found


def best_batch(peer: Peer, case: Case) -> int:
    """The batch size with which the harness is fastest on some of the items."""
    some = case.prompts[: TRIED_ON // (6 if case.weighed else 1)]
    peer.answer(case, some[:2], 1)
    taken = {batch: peer.answer(case, some, batch)[0] for batch in BATCHES}
    return min(taken, key=taken.__getitem__)


def compare(student: Student, peer: Peer, case: Case, pairs: int) -> dict[str, Any]:
    """Ratios of items per second, in turns, the order changing."""
    batch = best_batch(peer, case)
    ratios, paces, same = [], [], 0.0
    for pair in range(pairs):
        turns = [lambda: ours(student, case), lambda: peer.answer(case, case.prompts, batch)]
        found = [turn() for turn in (turns if pair % 2 == 0 else turns[::-1])]
        (mine, answers), (theirs, others) = found if pair % 2 == 0 else found[::-1]
        ratios.append(theirs / mine)
        paces.append((len(answers) / mine, len(answers) / theirs))
        same = sum(one == other for one, other in zip(answers, others, strict=True)) / len(answers)
    return {
        "ratio": round(statistics.median(ratios), 2),
        "all": [round(one, 2) for one in sorted(ratios)],
        "items per second": round(statistics.median(one for one, _ in paces), 2),
        "harness": round(statistics.median(other for _, other in paces), 2),
        "batch of the harness": batch,
        "same answers": round(same, 4),
        "items": len(case.prompts),
    }


def measure(chosen: argparse.Namespace, python: str) -> dict[str, dict[str, Any]]:
    gguf = weights_path("smollm2-135m-instruct")
    adapter, dtype = chosen.adapter, fast_dtype()
    peer = Peer(python, {"model": str(hf_folder(gguf)), "adapter": str(adapter) if adapter else None, "dtype": dtype})
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        student = open_student("torch", gguf, adapter, Path(folder) / "student.log")
        for case in cases_of(chosen.items, chosen.quick):
            ours(student, Case(case.name, case.prompts[:2], case.most, case.labels))  # loads, or warms up
            pairs = 1 if chosen.quick else 2 if case.weighed else chosen.pairs
            figures[case.name] = compare(student, peer, case, pairs)
            print(f"{case.name}: {figures[case.name]}", flush=True)
        student.close()
    peer.close()
    return figures


def passed(figures: dict[str, dict[str, Any]]) -> bool:
    """Closed answers are what a run's evaluation asks for; free ones show that both read the same model."""
    fast = all(one["ratio"] >= LEAST_RATIO for name, one in figures.items() if name.startswith("closed"))
    return fast and all(one["same answers"] >= LEAST_SAME for name, one in figures.items() if name.startswith("free"))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--items", type=int, default=108)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--peer")
    chosen = parser.parse_args(arguments)
    figures = measure(chosen, chosen.peer or interpreter())
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {fast_dtype()}"
    report = {"name": "evaluation", "machine": machine, "peer": PEER, "adapter": bool(chosen.adapter)}
    print(json.dumps({**report, "figures": figures, "targets": TARGETS, "pass": passed(figures)}))
    raise SystemExit(0 if passed(figures) else 1)


if __name__ == "__main__":
    main()
