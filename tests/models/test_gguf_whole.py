"""Fully trained weights in llama.cpp's form: what transformers reads back from it are the weights themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import transformers
from safetensors.numpy import save_file
from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor, get_gguf_hf_weights_map

from toolkit.errors import ModelError
from toolkit.models.gguf_whole import WEIGHTS, read_whole

FAMILIES = {"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}
FAMILIES |= {"gemma2": "Gemma2", "gemma3": "Gemma3", "phi3": "Phi3"}
CONSTANT = "rope_freqs.weight"
SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "pad_token_id": 2,
}


def model_of(family: str, *, tied: bool) -> Any:
    name = FAMILIES[family]
    config = getattr(transformers, f"{name}TextConfig" if family == "gemma3" else f"{name}Config")
    found = getattr(transformers, f"{name}ForCausalLM")(config(**{**SIZES, "tie_word_embeddings": tied}))
    for weight in found.parameters():  # norms begin as ones or zeros, biases as zeros
        weight.data.normal_()
    return found


def stand(folder: Path, family: str, *, tied: bool = False) -> tuple[Path, dict[str, Any], dict[str, str]]:
    """A base file of zeros; a trained folder's tensors, and transformers' own table of names."""
    model = model_of(family, tied=tied)
    processor = TENSOR_PROCESSORS.get(family, TensorProcessor)(config=model.config.to_dict())
    table = get_gguf_hf_weights_map(model, processor)
    tensors = {name: np.ascontiguousarray(tensor.numpy()) for name, tensor in model.state_dict().items()}
    if tied:
        del tensors["lm_head.weight"]
        table = {name: stored for name, stored in table.items() if stored in tensors}
    writer = gguf.GGUFWriter(folder / "base.gguf", family)
    writer.add_block_count(SIZES["num_hidden_layers"])
    writer.add_head_count(SIZES["num_attention_heads"])
    writer.add_head_count_kv(SIZES["num_key_value_heads"])
    for name, stored in table.items():
        writer.add_tensor(name, np.zeros_like(tensors[stored]))
    writer.add_tensor(CONSTANT, np.full(6, 7.0, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder / "base.gguf", tensors, table


# Gemma 2 always shares its embeddings with its head
@pytest.mark.parametrize(
    ("family", "tied"), [(family, tied) for family in FAMILIES for tied in (True, False) if tied or family != "gemma2"]
)
def test_transformers_reads_the_trained_weights_back(tmp_path: Path, family: str, tied: bool) -> None:
    base, tensors, table = stand(tmp_path, family, tied=tied)
    save_file(tensors, tmp_path / WEIGHTS)
    whole = read_whole(tmp_path, base)
    heads = {name: SIZES[name] for name in ("num_attention_heads", "num_key_value_heads")}
    processor = TENSOR_PROCESSORS.get(family, TensorProcessor)(config=heads)
    assert set(table.values()) == set(tensors)
    for name, stored in table.items():
        written = whole.learnt(name, lambda: pytest.fail("the base's tensor was taken"))
        read = processor.process(written, name).weights
        np.testing.assert_allclose(read, tensors[stored], atol=1e-6, err_msg=name)  # 1 is added to Gemma's norms
    assert whole.learnt(CONSTANT, lambda: "the base's") == "the base's"


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    base, tensors, _ = stand(tmp_path, "llama")
    last = "model.layers.1.mlp.down_proj.weight"
    for wrong, message in (
        ({**tensors, last: tensors[last][:, :-1].copy()}, f"no tensor like {last}"),
        ({**tensors, "model.layers.0.odd.weight": tensors[last]}, "no tensor like model.layers.0.odd.weight"),
        ({name: tensor for name, tensor in tensors.items() if name != last}, "lacks a tensor for blk.1.ffn_down"),
    ):
        save_file(wrong, tmp_path / WEIGHTS)
        with pytest.raises(ModelError, match=message):
            read_whole(tmp_path, base)
