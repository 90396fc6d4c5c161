"""How fast the torch trainer is on this CPU, against TRL + peft and Unsloth's CPU backend.

    python benchmarks/training.py [--quick] [--peers PYTHON] [--unsloth PYTHON] [--steps 1] [--pairs 5] [--unshared]

SmolLM2-135M, LoRA r=16 on all linear layers, 8 rows a step, the same rows for all. Two kinds of rows: 100 tokens that
all share and about 40 of their own; and as many tokens, none shared, for which only the tuned TRLs are asked. The
contestants take turns, a few steps each; what is compared is the median of the turns' ratios. Number format: the one
that is fast here, for all; the tuned TRLs have their base weights in it, as ours has.

Fast and wrong is no victory: after as many steps at the same constant learning rate, all are asked for their loss on
the same rows. Each goes through the rows in an order of its own, so ours is trained as far with other seeds too: how
far these losses are apart is the noise, and the medians of ours and of the peers' may differ by no more.

On 2 cores that give TRL about one example a second, all of it takes 10 to 15 minutes; the time left is printed.

TRL stands in an environment of its own, `.venv-bench`, which `make env-bench` builds; where it is missing, it is built
(`--peers` names another interpreter). Unsloth is a contestant when `make env-unsloth` has built `.venv-unsloth`. The
last line is one JSON object; the exit code is 0 when every target holds. A target that was not measured does not hold,
unless its contestant is not installed: `not installed` names it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from peers import interpreter

from toolkit.hardware.machine import usable_cores
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_dtype import fast_dtype
from toolkit.models.torch_model import load_tokenizer, prompt_ids
from toolkit.models.weights import weights_path
from toolkit.training.trainer import TrainJob

ROOT = Path(__file__).resolve().parent.parent
PEER = Path(__file__).with_name("training_peer.py")
STUDENT = "smollm2-135m-instruct"
SHARED, OWN, ROWS = 100, 40, 128
TUNED = ("trl-tuned", "trl-padding-free")
ASKED = {"shared": ("ours", "trl", *TUNED, "unsloth"), "apart": ("ours", *TUNED)}
"""Kind of rows -> who trains on them: those that a target is about."""
TARGETS = {
    "shared: times TRL at least": 6.0,
    "shared: times the fastest tuned TRL at least": 3.0,
    "shared: times Unsloth at least": 2.5,
    "apart: times the fastest tuned TRL at least": 1.2,
    "shared: difference in loss, over the noise, at most": 1.0,
    "apart: difference in loss, over the noise, at most": 1.0,
}
NEEDS = dict(zip(TARGETS, (("trl",), TUNED, ("unsloth",), TUNED, ("trl",), TUNED), strict=True))
"""Target -> the contestants that it is about."""
SEEDS = (1, 2, 3)
"""Ours is trained with these too, beside 0: what another order of the rows and another adapter to begin with do."""
LEAST_NOISE = 0.02
"""Share of the loss that rounding in 16 bits may make, where the seeds happen to end closer together."""
USUAL = {"load": 25.0, "ours": 3.0, "unsloth": 5.0, "seed": 12.0}
"""Seconds of a turn and of other work, for the first guess of the time left; 9 for those that are not named."""
LABELS = ("card_arrival", "exchange_rate", "top_up_failed", "change_pin", "age_limit", "country_support")
TEXT = (
    "the my a card money bank account when why how not yet still please help today week transfer arrived sent paid"
    " wrong again number code app shop cash fee rate abroad lost new old phone address waiting since morning two three"
)


# -- rows ---------------------------------------------------------------------------------------


def rows(tokenizer: Any, *, shared: bool) -> list[dict[str, Any]]:
    """Rows of about SHARED + OWN tokens; with `shared`, the first SHARED are the same in all of them."""
    chance = random.Random(1)
    system = _text(tokenizer, chance, SHARED - 4)

    def one() -> dict[str, Any]:
        label = chance.choice(LABELS)
        own = OWN - 14 + chance.randrange(-8, 9)  # the template and the answer are the rest
        said = system if shared else _text(tokenizer, chance, SHARED - 4)
        messages = [
            {"role": "system", "content": said},
            {"role": "user", "content": _text(tokenizer, chance, own)},
        ]
        return {"messages": messages, "answer": label}

    return [one() for _ in range(ROWS)]


def _text(tokenizer: Any, chance: random.Random, tokens: int) -> str:
    """Random words of so many tokens."""
    words, vocabulary = list[str](), TEXT.split()
    while len(tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]) < tokens:
        words.append(chance.choice(vocabulary))
    return " ".join(words)


# -- contestants --------------------------------------------------------------------------------


class Contestant:
    """A process that does steps when it is asked to."""

    def __init__(self, kind: str, python: str, setup: dict[str, Any], log: Path) -> None:
        self.kind = kind
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        environment["UNSLOTH_COMPILE_LOCATION"] = str(log.with_suffix(".compiled"))
        self._process = subprocess.Popen(
            [python, str(PEER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
            env=environment,
            cwd=log.parent,
        )
        self._log = log
        self._send({"kind": kind, **setup})
        self.about = self._answer()

    def steps(self, count: int) -> dict[str, Any]:
        """Do so many steps; seconds and examples."""
        self._send({"steps": count})
        return self._answer()

    def loss_with(self, seed: int) -> float:
        """Ours only: the loss of a training of its own with this seed, after as many steps."""
        self._send({"seed": seed})
        return float(self._answer()["loss"])

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.kind} ended: {self._log.read_text()[-400:]}")
        found: dict[str, Any] = json.loads(line)
        return found


def lined_up(kind: str, chosen: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Name and interpreter of each contestant on such rows."""
    unsloth = Path(chosen.unsloth) if chosen.unsloth else ROOT / ".venv-unsloth" / "bin" / "python"
    for name in ASKED[kind]:
        if name == "ours":
            yield name, sys.executable
            if chosen.unshared and kind == "shared":
                yield "ours-apart", sys.executable  # a beginning that rows share is computed for each of them
        elif name == "unsloth":
            if unsloth.is_file():
                yield name, str(unsloth)
        elif not (chosen.quick and name in TUNED[1:]):
            yield name, chosen.peers or interpreter()


class TimeLeft:
    """What is still to be done, and how long that takes at the pace of what was."""

    def __init__(self, work: list[str]) -> None:
        self._waiting = deque(work)
        self._begun, self._done = time.monotonic(), 0.0

    def did(self, what: str, text: str) -> None:
        """Say what was done, and the time left."""
        if what in self._waiting:
            self._waiting.remove(what)
        self._done += USUAL.get(what, 9.0)
        spent = time.monotonic() - self._begun
        left = sum(USUAL.get(one, 9.0) for one in self._waiting) * spent / self._done
        print(f"[{spent / 60:4.1f} min, about {left / 60:.1f} left] {text}", flush=True)


def work_of(chosen: argparse.Namespace) -> list[str]:
    """Everything that will be done, for the time left."""
    found: list[str] = []
    for kind in ASKED:
        names = [name for name, _ in lined_up(kind, chosen)]
        found += [*["load"] * len(names), *names * chosen.pairs, *["seed"] * len(chosen.seeds)]
    return found


# -- measuring ----------------------------------------------------------------------------------


def ready(
    kind: str, setup: dict[str, Any], chosen: argparse.Namespace, logs: Path, clock: TimeLeft, stack: ExitStack
) -> list[Contestant]:
    """The contestants that have loaded and done their first step; who fails is named and left out."""
    running = []
    for name, python in lined_up(kind, chosen):
        try:
            contestant = Contestant(name, python, setup, logs / f"{kind}-{name}.log")
        except RuntimeError as error:
            clock.did("load", f"{kind}, {name}: not measured, {error}")
            continue
        stack.callback(contestant.close)
        clock.did("load", f"{kind}, {name}: ready, {contestant.about['row_tokens']:.1f} tokens a row")
        running.append(contestant)
    return running


def contest(
    kind: str, setup: dict[str, Any], chosen: argparse.Namespace, logs: Path, clock: TimeLeft
) -> dict[str, Any]:
    """Examples per second of each contestant, and its ratios to ours, over the turns."""
    speeds: dict[str, list[float]] = {}
    losses: dict[str, float] = {}
    with ExitStack() as stack:
        running, computed = ready(kind, setup, chosen, logs, clock, stack), 0.0
        for turn in range(chosen.pairs):
            for contestant in running[turn % len(running) :] + running[: turn % len(running)]:
                name = contestant.kind
                found = contestant.steps(chosen.steps * (2 if name.startswith("ours") else 1))
                speeds.setdefault(name, []).append(found["examples"] / found["seconds"])
                if found["loss"] is not None:
                    losses[name] = round(found["loss"], 4)
                if name == "ours":
                    computed += found["computed"] / found["seconds"] / chosen.pairs
                clock.did(name, f"{kind}, turn {turn + 1}, {name}: {speeds[name][-1]:.2f} examples/s")
        seeds = [losses["ours"]]
        for seed in chosen.seeds:
            seeds.append(round(running[0].loss_with(seed), 4))
            clock.did("seed", f"{kind}, ours with seed {seed}: loss {seeds[-1]}")
        about = running[0].about
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    print(f"{kind}, examples/s: { {name: round(value, 2) for name, value in medians.items()} }", flush=True)
    print(f"{kind}, loss after {setup['loss_at']} steps: {losses}, ours with other seeds {seeds[1:]}", flush=True)
    return {
        "asked": [name for name, _ in lined_up(kind, chosen)],
        "examples/s": {name: round(value, 2) for name, value in medians.items()},
        "times": {name: _spread(speeds["ours"], found) for name, found in speeds.items() if name != "ours"},
        "losses": losses,
        "losses of ours by seed": seeds,
        "tokens a row": about["row_tokens"],
        "computed tokens/s": round(computed),
        "row tokens/s": round(medians["ours"] * about["row_tokens"]),
        "weights": about["body"],
    }


def _spread(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {"median": round(statistics.median(ratios), 2), "all": [round(ratio, 2) for ratio in ratios]}


def peak(dtype: str) -> float:
    """The most floating-point operations a second that a matrix product reaches here, all cores at work."""
    import torch

    torch.set_num_threads(usable_cores())
    best = 0.0
    for a, b, c in ((2048, 2048, 2048), (512, 576, 1536), (512, 1536, 576)):
        left, right = (torch.randn(*shape).to(getattr(torch, dtype)) for shape in ((a, b), (b, c)))
        for _ in range(20):
            begun = time.perf_counter()
            left @ right
            best = max(best, 2 * a * b * c / (time.perf_counter() - begun))
    return best


def passed(figures: dict[str, Any]) -> tuple[dict[str, float | None], bool]:
    """What each target was measured at, and whether all hold; what was not measured does not."""
    reached: dict[str, float | None] = {}
    good = True
    for target, names in NEEDS.items():
        found = figures[target.partition(":")[0]]
        value = reached[target] = (_loss_apart if "loss" in target else _times)(found, names)
        if value is None:
            good = good and all(name in figures["not installed"] for name in names)
        else:
            good = good and (value <= TARGETS[target] if target.endswith("most") else value >= TARGETS[target])
    return reached, good


def _times(found: dict[str, Any], names: tuple[str, ...]) -> float | None:
    """How many times the fastest of those that were asked; None unless each of them answered."""
    medians = [found["times"].get(name, {}).get("median") for name in names if name in found["asked"]]
    return min(medians) if medians and None not in medians else None


def _loss_apart(found: dict[str, Any], names: tuple[str, ...]) -> float | None:
    """How far the medians of ours and of the peers' losses are apart, over what our seeds differ by."""
    asked = set(found["asked"])
    if not (asked.intersection(names) and asked <= set(found["losses"])):
        return None
    peers = [loss for name, loss in found["losses"].items() if not name.startswith("ours")]
    seeds, middle = found["losses of ours by seed"], statistics.median(peers)
    noise = max(max(seeds) - min(seeds), LEAST_NOISE * middle)
    return round(abs(statistics.median(seeds) - middle) / noise, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two turns, one tuned TRL, one more seed")
    parser.add_argument("--peers", help="an interpreter that has TRL")
    parser.add_argument("--unsloth", help="an interpreter that has Unsloth")
    parser.add_argument("--steps", type=int, default=1, help="steps in a turn; ours does twice as many")
    parser.add_argument("--pairs", type=int, default=5, help="turns")
    parser.add_argument("--unshared", action="store_true", help="ours without sharing is a contestant too")
    parser.add_argument("--logs", type=Path, default=ROOT / "build" / "bench-logs")
    chosen = parser.parse_args()
    chosen.pairs, chosen.seeds = (2, SEEDS[:1]) if chosen.quick else (chosen.pairs, SEEDS)
    chosen.logs.mkdir(parents=True, exist_ok=True)
    folder, dtype = hf_folder(weights_path(STUDENT)), fast_dtype()
    tokenizer = load_tokenizer(folder)
    job = TrainJob(gguf=folder, examples=(), output=folder, epochs=100, dtype=dtype, schedule="constant", warmup=0.0)
    figures: dict[str, Any] = {"dtype": dtype, "peak GFLOP/s": round(peak(dtype) / 1e9), "not installed": []}
    clock = TimeLeft(work_of(chosen))
    if "unsloth" not in (name for name, _ in lined_up("shared", chosen)):
        print("unsloth: not installed, there is no .venv-unsloth (make env-unsloth)", flush=True)
        figures["not installed"] = ["unsloth"]
    for kind in ("shared", "apart"):
        made = rows(tokenizer, shared=kind == "shared")
        lengths = [len(prompt_ids(tokenizer, row["messages"])) for row in made]
        print(f"{kind}: {len(made)} rows, prompts of {min(lengths)} to {max(lengths)} tokens", flush=True)
        loss_at = 1 + chosen.steps * chosen.pairs  # the peers' last step; ours does more, and is asked on its way
        setup = {"model": str(folder), "rows": made, "settings": job.settings(), "loss_at": loss_at}
        found = figures[kind] = contest(kind, setup, chosen, chosen.logs.resolve(), clock)
        for name in ("computed", "row"):
            share = 4 * found["weights"] * found[f"{name} tokens/s"] / 1e9 / figures["peak GFLOP/s"]
            found[f"FLOP use, {name} tokens"] = round(share, 2)
        used = (found[f"FLOP use, {name} tokens"] for name in ("computed", "row"))
        print(
            "{}: FLOP use {:.0%} of {} GFLOP/s in {}, {:.0%} where shared tokens count for each row".format(
                kind, next(used), figures["peak GFLOP/s"], dtype, next(used)
            ),
            flush=True,
        )
    reached, good = passed(figures)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    report = {"name": "training", "machine": machine, "figures": figures, "targets": TARGETS, "reached": reached}
    print(json.dumps({**report, "pass": good}))
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
