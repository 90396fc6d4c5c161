"""A tiny GGUF model, an adapter for it and a recipe: what an export is made from, in a hundredth of a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import save_file

from toolkit.export.trained import Trained
from toolkit.recipe import Recipe
from toolkit.recipe.load import recipe_from_text
from toolkit.types import Item

HEADS, KV_HEADS, WIDTH, INNER, RANK, WORDS = 4, 2, 32, 64, 3, 40
RECIPE = """
name: tiny
task: {about: "Messages | of a *shop*.", system: Give one label., answer: label, labels: [late, refund]}
data: {path: data}
"""


def recipe(folder: Path, student: str = "smollm2-135m-instruct") -> Recipe:
    return recipe_from_text(
        f"{RECIPE}student: {{model: {student}, max_new_tokens: 6}}\n", folder, folder / "recipe.yaml"
    )


def base_gguf(path: Path, architecture: str = "llama", kind: Any = gguf.GGMLQuantizationType.Q8_0) -> Path:
    """One block of random weights, stored in 8 bits, with the metadata that must survive a merge."""
    chance = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_name("the base")
    writer.add_token_list([f"word{n}" for n in range(WORDS)])
    writer.add_token_scores([float(n) for n in range(WORDS)])
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template("{{ messages }}")
    writer.add_float32(f"{architecture}.rope.freq_base", 10000.0)
    for name, shape in SHAPES.items():
        values = chance.normal(size=shape).astype(np.float32)
        if len(shape) == 1:
            writer.add_tensor(name, values)
        else:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


SHAPES = {
    "token_embd.weight": (WORDS, WIDTH),
    "blk.0.attn_norm.weight": (WIDTH,),
    "blk.0.attn_q.weight": (WIDTH, WIDTH),
    "blk.0.attn_k.weight": (WIDTH // 2, WIDTH),
    "blk.0.ffn_down.weight": (WIDTH, INNER),
}
MODULES = {
    "model.layers.0.self_attn.q_proj": (WIDTH, WIDTH),
    "model.layers.0.self_attn.k_proj": (WIDTH // 2, WIDTH),
    "model.layers.0.mlp.down_proj": (WIDTH, INNER),
}


def adapter(folder: Path) -> Path:
    folder.mkdir()
    chance = np.random.default_rng(1)
    tensors = {}
    for module, (rows, columns) in MODULES.items():
        name = f"base_model.model.{module}"
        tensors[f"{name}.lora_A.weight"] = chance.normal(size=(RANK, columns)).astype(np.float32)
        tensors[f"{name}.lora_B.weight"] = chance.normal(size=(rows, RANK)).astype(np.float32)
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": RANK, "lora_alpha": 6}))
    return folder


def trained(folder: Path, **changes: Any) -> Trained:
    """A student whose weights are these; `folder` must be empty."""
    architecture = changes.pop("architecture", "llama")
    rows = [
        {
            "id": f"id{n}",
            "input": f"where is parcel {n}",
            "output": "late" if n % 2 else "refund",
            "skill": "late" if n % 2 else "refund",
            "calls": ["c1", "c2"],
            "attempt": 1,
            "meta": {"topic": "x"} if n else {},
        }
        for n in range(12)
    ]
    items = [Item(f"p{n}", "public", f"public message {n}", ["late", "refund"][n % 2], "s") for n in range(60)]
    values: dict[str, Any] = {
        "run": "tiny-1",
        "round": 2,
        "recipe": recipe(folder),
        "gguf": base_gguf(folder / "base.gguf", architecture),
        "adapter": adapter(folder / "adapter"),
        "rows": rows,
        "public": items,
        "rejected": {"duplicate": 3},
        "firewall": ["exact", "n-grams"],
    }
    return Trained(**(values | changes))
