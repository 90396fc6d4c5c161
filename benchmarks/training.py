"""How fast the torch trainer is on this CPU, against TRL + peft and Unsloth's CPU backend.

    python benchmarks/training.py [--quick] [--peers PYTHON] [--unsloth PYTHON] [--steps 1] [--pairs 5]

SmolLM2-135M, LoRA r=16 on all linear layers, 8 rows a step, the same rows for all. Two kinds of rows: 100 tokens that
all share and about 40 of their own; and as many tokens, none shared. The contestants take turns, a few steps each; what
is compared is the median of the turns' ratios. Number format: the one that is fast here, for all. After as many steps
at the same constant learning rate, all are asked for their loss on the same rows: fast and wrong is no victory.

TRL stands in an environment of its own, `.venv-bench` (`--peers` names another interpreter). Where there is none it is
made: an empty environment that sees this one's packages, and TRL without its dependencies. Unsloth is a contestant when
`make env-unsloth` has built `.venv-unsloth`. The last line is one JSON object; the exit code is 0 when every target
holds. A target that was not measured does not hold, unless its contestant is not installed: `not installed` names it.
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
import venv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from toolkit.hardware.machine import usable_cores
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_dtype import fast_dtype
from toolkit.models.torch_model import load_tokenizer, prompt_ids
from toolkit.models.weights import weights_path
from toolkit.training.trainer import TrainJob

ROOT = Path(__file__).resolve().parent.parent
PEER = Path(__file__).with_name("training_peer.py")
TRL = "trl>=1.16"
STUDENT = "smollm2-135m-instruct"
SHARED, OWN, ROWS = 100, 40, 128
TUNED = ("trl-tuned", "trl-padding-free")
TARGETS = {
    "shared: times TRL at least": 6.0,
    "shared: times the fastest tuned TRL at least": 3.0,
    "shared: times Unsloth at least": 2.5,
    "apart: times the fastest tuned TRL at least": 1.2,
    "shared: difference in loss, over the noise, at most": 1.0,
    "apart: difference in loss, over the noise, at most": 1.0,
}
NEEDS = dict(zip(TARGETS, (("trl",), TUNED, ("unsloth",), TUNED, ("trl",), ("trl",)), strict=True))
"""Target -> the contestants that it is about."""
NOISE = 0.1
"""Share of the peers' loss that another order of rows may make; it is more where they differ by more."""
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


def peers(named: str | None) -> str:
    """The interpreter of an environment with TRL; made where there is none."""
    if named:
        return named
    python = ROOT / ".venv-bench" / "bin" / "python"
    if not python.is_file():
        venv.create(python.parent.parent, with_pip=True)
    known = subprocess.run([str(python), "-c", "import trl"], capture_output=True, check=False).returncode == 0
    if not known:
        site = next((python.parent.parent / "lib").glob("python*/site-packages"))
        here = next(path for path in map(Path, sys.path) if path.name == "site-packages")
        (site / "schoolhouse.pth").write_text(f"{here}\n")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", TRL], check=True)
    return str(python)


def lined_up(chosen: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Kind and interpreter of each contestant."""
    yield "ours", sys.executable
    if not chosen.quick:
        yield "ours-apart", sys.executable  # a beginning that rows share is computed for each of them
    python = peers(chosen.peers)
    yield from ((kind, python) for kind in ("trl", *(TUNED[:1] if chosen.quick else TUNED)))
    unsloth = Path(chosen.unsloth) if chosen.unsloth else ROOT / ".venv-unsloth" / "bin" / "python"
    if unsloth.is_file():
        yield "unsloth", str(unsloth)
    else:
        print("unsloth: not installed, there is no .venv-unsloth (make env-unsloth)", flush=True)


# -- measuring ----------------------------------------------------------------------------------


def contest(kind: str, setup: dict[str, Any], chosen: argparse.Namespace, logs: Path) -> dict[str, Any]:
    """Examples per second of each contestant, and its ratios to ours, over the turns."""
    speeds: dict[str, list[float]] = {}
    losses: dict[str, float] = {}
    with ExitStack() as stack:
        running = []
        for name, python in lined_up(chosen):
            try:
                contestant = Contestant(name, python, setup, logs / f"{kind}-{name}.log")
            except RuntimeError as error:
                print(f"{kind}, {name}: not measured, {error}", flush=True)
                continue
            stack.callback(contestant.close)
            print(f"{kind}, {name}: ready, {contestant.about['row_tokens']:.1f} tokens a row", flush=True)
            running.append(contestant)
        computed = 0.0
        for turn in range(chosen.pairs):
            for contestant in running[turn % len(running) :] + running[: turn % len(running)]:
                found = contestant.steps(chosen.steps * (2 if contestant.kind.startswith("ours") else 1))
                speeds.setdefault(contestant.kind, []).append(found["examples"] / found["seconds"])
                if found["loss"] is not None:
                    losses[contestant.kind] = round(found["loss"], 4)
                if contestant.kind == "ours":
                    computed += found["computed"] / found["seconds"] / chosen.pairs
        about = running[0].about
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    print(f"{kind}, examples/s: { {name: round(value, 2) for name, value in medians.items()} }", flush=True)
    print(f"{kind}, loss after {setup['loss_at']} steps: {losses}", flush=True)
    return {
        "examples/s": {name: round(value, 2) for name, value in medians.items()},
        "times": {name: _spread(speeds["ours"], found) for name, found in speeds.items() if name != "ours"},
        "losses": losses,
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
        value = reached[target] = (_loss_apart if "loss" in target else _times)(found, names, figures["asked"])
        if value is None:
            good = good and all(name in figures["not installed"] for name in names)
        else:
            good = good and (value <= TARGETS[target] if target.endswith("most") else value >= TARGETS[target])
    return reached, good


def _times(found: dict[str, Any], names: tuple[str, ...], asked: list[str]) -> float | None:
    """How many times the fastest of those that were asked; None unless each of them answered."""
    medians = [found["times"].get(name, {}).get("median") for name in names if name in asked]
    return min(medians) if medians and None not in medians else None


def _loss_apart(found: dict[str, Any], names: tuple[str, ...], asked: list[str]) -> float | None:
    """How far our loss is from the peers' median, over what the peers differ by among themselves."""
    if not {*names, *asked} <= set(found["losses"]):
        return None
    peers = [loss for name, loss in found["losses"].items() if not name.startswith("ours")]
    middle = statistics.median(peers)
    noise = max(max(peers) - min(peers), NOISE * middle)
    return round(abs(found["losses"]["ours"] - middle) / noise, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two turns, and only one tuned TRL")
    parser.add_argument("--peers", help="an interpreter that has TRL")
    parser.add_argument("--unsloth", help="an interpreter that has Unsloth")
    parser.add_argument("--steps", type=int, default=1, help="steps in a turn; ours does twice as many")
    parser.add_argument("--pairs", type=int, default=5, help="turns")
    parser.add_argument("--logs", type=Path, default=ROOT / "build" / "bench-logs")
    chosen = parser.parse_args()
    chosen.pairs = 2 if chosen.quick else chosen.pairs
    chosen.logs.mkdir(parents=True, exist_ok=True)
    folder, dtype = hf_folder(weights_path(STUDENT)), fast_dtype()
    tokenizer = load_tokenizer(folder)
    job = TrainJob(gguf=folder, examples=(), output=folder, epochs=100, dtype=dtype, schedule="constant", warmup=0.0)
    figures: dict[str, Any] = {"dtype": dtype, "peak GFLOP/s": round(peak(dtype) / 1e9)}
    figures["asked"] = [name for name, _ in lined_up(chosen)]
    figures["not installed"] = [] if "unsloth" in figures["asked"] else ["unsloth"]
    for kind in ("shared", "apart"):
        made = rows(tokenizer, shared=kind == "shared")
        lengths = [len(prompt_ids(tokenizer, row["messages"])) for row in made]
        print(f"{kind}: {len(made)} rows, prompts of {min(lengths)} to {max(lengths)} tokens", flush=True)
        loss_at = 1 + chosen.steps * chosen.pairs  # the peers' last step; ours does more, and is asked on its way
        setup = {"model": str(folder), "rows": made, "settings": job.settings(), "loss_at": loss_at}
        found = figures[kind] = contest(kind, setup, chosen, chosen.logs.resolve())
        for name in ("computed", "row"):
            share = 4 * found["weights"] * found[f"{name} tokens/s"] / 1e9 / figures["peak GFLOP/s"]
            found[f"FLOP use, {name} tokens"] = round(share, 2)
        print(f"{kind}: FLOP use {found['FLOP use, computed tokens']:.0%} of the peak", flush=True)
    reached, good = passed(figures)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    report = {"name": "training", "machine": machine, "figures": figures, "targets": TARGETS, "reached": reached}
    print(json.dumps({**report, "pass": good}))
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
