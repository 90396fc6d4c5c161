"""A converted adapter: names, row order and the things that llama.cpp cannot load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from toolkit.errors import ModelError
from toolkit.models.gguf_lora import convert

HEADS, KV_HEADS, WIDTH, RANK = 4, 2, 16, 3


def base_gguf(path: Path, architecture: str = "llama") -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_tensor("token_embd.weight", np.zeros((4, WIDTH), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def adapter_with(folder: Path, modules: dict[str, int], **config: Any) -> Path:
    tensors = {}
    for module, rows in modules.items():
        name = f"base_model.model.{module}"
        tensors[f"{name}.lora_A.weight"] = np.random.default_rng(0).normal(size=(RANK, WIDTH)).astype(np.float32)
        tensors[f"{name}.lora_B.weight"] = np.arange(rows * RANK, dtype=np.float32).reshape(rows, RANK)
    save_file(tensors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": RANK, "lora_alpha": 6, **config}))
    return folder


def converted(folder: Path, architecture: str) -> tuple[Any, dict[str, Any]]:
    modules = {
        "model.layers.0.self_attn.q_proj": 16,
        "model.layers.0.self_attn.k_proj": 8,
        "model.layers.0.self_attn.v_proj": 8,
        "model.layers.0.mlp.down_proj": 16,
    }
    out = folder / "out.gguf"
    convert(adapter_with(folder, modules), base_gguf(folder / "base.gguf", architecture), out)
    reader = gguf.GGUFReader(out)
    return reader, {tensor.name: np.array(tensor.data) for tensor in reader.tensors}


def test_names_and_header(tmp_path: Path) -> None:
    reader, tensors = converted(tmp_path, "llama")
    assert {name.removesuffix(".lora_a") for name in tensors if name.endswith("a")} == {
        "blk.0.attn_q.weight",
        "blk.0.attn_k.weight",
        "blk.0.attn_v.weight",
        "blk.0.ffn_down.weight",
    }
    assert reader.get_field("general.type").contents() == "adapter"
    assert reader.get_field("adapter.type").contents() == "lora"
    assert reader.get_field("adapter.lora.alpha").contents() == 6.0


def test_llama_query_and_key_rows_are_reordered_and_no_others(tmp_path: Path) -> None:
    _, tensors = converted(tmp_path, "llama")
    plain = {rows: np.arange(rows * RANK, dtype=np.float32).reshape(rows, RANK) for rows in (8, 16)}
    # a head's 4 rows 0 1 | 2 3 (halves) become 0 2 1 3 (pairs)
    order = [head * 4 + row for head in range(4) for row in (0, 2, 1, 3)]
    assert np.array_equal(tensors["blk.0.attn_q.weight.lora_b"], plain[16][order])
    assert np.array_equal(tensors["blk.0.attn_k.weight.lora_b"], plain[8][order[:8]])
    assert np.array_equal(tensors["blk.0.attn_v.weight.lora_b"], plain[8])
    assert np.array_equal(tensors["blk.0.ffn_down.weight.lora_b"], plain[16])


def test_other_architectures_keep_their_rows(tmp_path: Path) -> None:
    _, tensors = converted(tmp_path, "qwen2")
    expected = np.arange(16 * RANK, dtype=np.float32).reshape(16, RANK)
    assert np.array_equal(tensors["blk.0.attn_q.weight.lora_b"], expected)


@pytest.mark.parametrize("module", ["lm_head", "model.embed_tokens", "model.layers.0.odd_proj"])
def test_what_llama_cpp_cannot_load_is_refused_and_leaves_no_file(tmp_path: Path, module: str) -> None:
    with pytest.raises(ModelError, match="cannot load the tensor"):
        convert(adapter_with(tmp_path, {module: 8}), base_gguf(tmp_path / "base.gguf"), tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()


def test_dora_is_refused(tmp_path: Path) -> None:
    adapter = adapter_with(tmp_path, {"model.layers.0.mlp.down_proj": 16}, use_dora=True)
    with pytest.raises(ModelError, match="use_dora"):
        convert(adapter, base_gguf(tmp_path / "base.gguf"), tmp_path / "out.gguf")
