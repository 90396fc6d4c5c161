"""How soon a trained student's first answer comes from llama.cpp: the adapter alone, beside merge + convert + load.

    python benchmarks/export.py [--quick] [--adapter FOLDER] [--convert SCRIPT] [--pairs 5]

The clock starts where a training has just ended, its adapter on the disk, and stops with the answer to one prompt.
Ours: a process converts the adapter to GGUF, loads it beside the base weights' GGUF file, and answers. The usual way:
peft merges the adapter into the weights and saves them, llama.cpp's own `convert_hf_to_gguf.py` writes a 16-bit GGUF
file, and a process loads that and answers. The same llama.cpp answers for both, from fresh processes, taking turns.

The usual way is given what it can ask for: its base is a 16-bit folder, as hubs have it, and the target is for the
time without loading that base and the libraries of the merge, as if the process of the training did it on the spot.
What it takes as commands one after the other is told too, and so is our own merge (`export --to gguf`).

`convert_hf_to_gguf.py` is in the source distribution of llama-cpp-python; it is fetched into `.venv-bench`, in the
version that is installed here, unless --convert names a script. The adapter has random weights of the usual shape
unless --adapter names one: the time does not depend on them. The parity check of `schoolhouse export` is not in it:
it asks both students 50 prompts or more, whichever way the file was made. The last line is one JSON object; the exit
code is 0 when the target holds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / ".venv-bench" / "llama.cpp"
STUDENT = "smollm2-135m-instruct"
TARGET = 0.2
MOST = 8
"""Tokens of the answer."""
PROMPT = [
    {"role": "system", "content": "Classify the message into one intent."},
    {"role": "user", "content": "any news about my delivery? tracking hasn't moved since friday"},
]
LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
RANK = 16


# -- what each process does, in an interpreter of its own ---------------------------------------


def adapter_alone(job: dict[str, Any]) -> dict[str, Any]:
    """Convert the adapter and answer with it beside the base: what `gguf-lora` and the llama.cpp student do."""
    from toolkit.models.gguf_lora import convert

    lora = Path(job["out"]) / "adapter.gguf"
    convert(Path(job["adapter"]), Path(job["gguf"]), lora)
    return answer({**job, "file": job["gguf"], "lora": str(lora)})


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Load a GGUF file, with an adapter or without, and answer one prompt."""
    from toolkit.models.llama_cpp import LlamaCppModel
    from toolkit.types import Request

    lora = Path(job["lora"]) if job.get("lora") else None
    model = LlamaCppModel(Path(job["file"]), adapter=lora)
    [(_, reply)] = model.complete([Request(tuple(PROMPT), temperature=0.0, max_tokens=MOST)])  # type: ignore[arg-type]
    return {"text": reply.text.strip()}


def merge_with_peft(job: dict[str, Any]) -> dict[str, Any]:
    """As peft's documentation does it; `seconds` is what merging and saving alone took."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base, merged = job["base"], f"{job['out']}/merged"
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(model, job["adapter"])
    begun = time.perf_counter()
    model.merge_and_unload().save_pretrained(merged)
    AutoTokenizer.from_pretrained(base).save_pretrained(merged)
    return {"seconds": time.perf_counter() - begun}


def merge_as_we_do(job: dict[str, Any]) -> dict[str, Any]:
    """What `schoolhouse export --to gguf --quant f16` does, without asking what ends an answer."""
    from toolkit.export.merge import merge

    out = Path(job["out"]) / "ours.gguf"
    merge(Path(job["gguf"]), Path(job["adapter"]), out, name="x", end_token=None, advance=lambda *_: None)
    return {}


def half_of(job: dict[str, Any]) -> dict[str, Any]:
    """The base as hubs have it: a folder for transformers with 16-bit weights. Not timed."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    AutoModelForCausalLM.from_pretrained(job["folder"], dtype=torch.bfloat16).save_pretrained(job["base"])
    AutoTokenizer.from_pretrained(job["folder"]).save_pretrained(job["base"])
    return {}


WORK = {one.__name__: one for one in (adapter_alone, answer, merge_with_peft, merge_as_we_do, half_of)}


def run(name: str, job: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Seconds of a fresh process, and what it says."""
    return spend([sys.executable, __file__, "--work", name, json.dumps(job)])


def spend(command: list[str]) -> tuple[float, dict[str, Any]]:
    """Seconds of a command, and the JSON object that its last line may be. Raises SystemExit when it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    taken = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed: {done.stderr[-600:]}")
    last = (done.stdout.strip().splitlines() or [""])[-1]
    return taken, json.loads(last) if last.startswith("{") else {}


# -- what the contestants start from ------------------------------------------------------------


def converter(named: Path | None) -> Path:
    """llama.cpp's script; fetched where it is not there."""
    script = named or SOURCES / "convert_hf_to_gguf.py"
    if not script.is_file():
        with tempfile.TemporaryDirectory() as place:
            wanted = f"llama-cpp-python=={version('llama-cpp-python')}"
            fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
            subprocess.run([*fetch, "--dest", place, wanted], check=True, stdout=sys.stderr)
            unpack(next(Path(place).glob("*.tar.gz")))
    return script


def unpack(archive: Path) -> None:
    """The converting scripts and their library, out of the whole of llama.cpp."""
    with tarfile.open(archive) as packed:
        for one in packed.getmembers():
            inside = one.name.partition("/vendor/llama.cpp/")[2]
            if one.isfile() and inside.endswith(".py") and inside.partition("/")[0] != "tools":
                place = SOURCES / inside
                place.parent.mkdir(parents=True, exist_ok=True)
                content = packed.extractfile(one)
                place.write_bytes(content.read() if content else b"")


def random_adapter(folder: Path, out: Path) -> Path:
    """An adapter for all linear layers of the model in `folder`, as a trainer writes it, of small random weights."""
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save_file

    chance, tensors = np.random.default_rng(0), {}
    with safe_open(folder / "model.safetensors", framework="np") as stored:
        for name in stored.keys():  # noqa: SIM118 - not a dict
            layer = name.removesuffix(".weight")
            if layer.rpartition(".")[2] in LAYERS:
                rows, columns = stored.get_slice(name).get_shape()
                for side, shape in (("A", (RANK, columns)), ("B", (rows, RANK))):
                    values = chance.normal(scale=0.01, size=shape).astype(np.float32)
                    tensors[f"base_model.model.{layer}.lora_{side}.weight"] = values
    out.mkdir()
    save_file(tensors, out / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 2 * RANK, "inference_mode": True}
    (out / "adapter_config.json").write_text(json.dumps({**config, "target_modules": list(LAYERS)}), encoding="utf-8")
    return out


# -- measuring ----------------------------------------------------------------------------------


def ours(job: dict[str, Any], script: Path) -> dict[str, Any]:
    taken, said = run("adapter_alone", job)
    return {"seconds": taken, "text": said["text"]}


def usual(job: dict[str, Any], script: Path) -> dict[str, Any]:
    """`parts` in seconds; `spared` is the time without what a merge in the trainer's process would not need."""
    merging, said = run("merge_with_peft", job)
    file = f"{job['out']}/usual.gguf"
    convert = [sys.executable, str(script), f"{job['out']}/merged", "--outfile", file, "--outtype", "f16"]
    converting, _ = spend(convert)
    loading, reply = run("answer", {**job, "file": file})
    parts = {"merge and save": said["seconds"], "convert": converting, "load and answer": loading}
    whole = merging + converting + loading
    return {"seconds": whole, "spared": sum(parts.values()), "parts": parts, "text": reply["text"]}


def our_merge(job: dict[str, Any], script: Path) -> dict[str, Any]:
    merging, _ = run("merge_as_we_do", job)
    loading, reply = run("answer", {**job, "file": f"{job['out']}/ours.gguf"})
    return {"seconds": merging + loading, "text": reply["text"]}


CONTESTANTS = {"adapter alone": ours, "the usual way": usual, "our merge": our_merge}


def measure(job: dict[str, Any], script: Path, pairs: int) -> dict[str, Any]:
    """Turns of all, the order changing; ratios pair by pair."""
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTESTANTS}
    begun = time.monotonic()
    for turn in range(pairs):
        names = list(CONTESTANTS)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            with tempfile.TemporaryDirectory() as out:
                turns[name].append(CONTESTANTS[name]({**job, "out": out}, script))
        spent = (time.monotonic() - begun) / (turn + 1)
        told = {name: round(found[-1]["seconds"], 2) for name, found in turns.items()}
        print(f"turn {turn + 1} of {pairs}: {told}, about {spent * (pairs - turn - 1):.0f} s left", flush=True)
    mine, theirs, merged = (turns[name] for name in CONTESTANTS)
    return {
        "seconds": {name: round(_median(one["seconds"] for one in found), 2) for name, found in turns.items()},
        "parts of the usual way": {
            part: round(_median(one["parts"][part] for one in theirs), 2) for part in theirs[0]["parts"]
        },
        "share of it without loading the base to merge": _ratios(mine, [one["spared"] for one in theirs]),
        "share of its commands": _ratios(mine, [one["seconds"] for one in theirs]),
        "share of our merge": _ratios(mine, [one["seconds"] for one in merged]),
        "answers": {name: found[-1]["text"] for name, found in turns.items()},
    }


def _median(values: Any) -> float:
    return statistics.median(values)


def _ratios(mine: list[dict[str, Any]], theirs: list[float]) -> dict[str, Any]:
    found = sorted(one["seconds"] / other for one, other in zip(mine, theirs, strict=True))
    return {"median": round(_median(found), 3), "all": [round(ratio, 3) for ratio in found]}


def main() -> None:
    from toolkit.models.hf_folder import hf_folder
    from toolkit.models.weights import weights_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one turn each")
    parser.add_argument("--adapter", type=Path, help="a trained adapter of the student's")
    parser.add_argument("--convert", type=Path, help="llama.cpp's convert_hf_to_gguf.py")
    parser.add_argument("--pairs", type=int, default=5)
    chosen = parser.parse_args()
    script, gguf = converter(chosen.convert), weights_path(STUDENT)
    folder = hf_folder(gguf)
    with tempfile.TemporaryDirectory() as place:
        adapter = chosen.adapter or random_adapter(folder, Path(place) / "adapter")
        base = Path(place) / "base"
        run("half_of", {"folder": str(folder), "base": str(base)})
        job = {"gguf": str(gguf), "adapter": str(adapter), "base": str(base)}
        figures = measure(job, script, 1 if chosen.quick else chosen.pairs)
    passed = figures["share of it without loading the base to merge"]["median"] <= TARGET
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    targets = {"share of it without loading the base to merge, at most": TARGET}
    print(json.dumps({"name": "export", "machine": machine, "figures": figures, "targets": targets, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        print(json.dumps(WORK[sys.argv[2]](json.loads(sys.argv[3]))))
    else:
        main()
