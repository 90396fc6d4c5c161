"""A merged GGUF: the sums are right, everything else is the base's, and prompts begin as they were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_trained import HEADS, KV_HEADS, MODULES, RANK, SHAPES, adapter, base_gguf

from toolkit.errors import ExportError
from toolkit.export.architectures import SUPPORTED, architecture_of, require_supported
from toolkit.export.merge import merge


def merged(folder: Path, architecture: str = "llama", end_token: int | None = 7) -> tuple[Any, Any]:
    base = base_gguf(folder / "base.gguf", architecture)
    out = folder / "out.gguf"
    places: list[tuple[int, int]] = []
    merge(
        base,
        adapter(folder / "adapter"),
        out,
        name="child",
        end_token=end_token,
        advance=lambda *place: places.append(place),
    )
    assert places[-1] == (len(SHAPES), len(SHAPES))
    return gguf.GGUFReader(base), gguf.GGUFReader(out)


def values(reader: Any) -> dict[str, Any]:
    found = {}
    for tensor in reader.tensors:
        plain = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        found[tensor.name] = plain.reshape(tuple(int(size) for size in reversed(tensor.shape)))
    return found


def delta(folder: Path, module: str) -> Any:
    tensors = load_file(folder / "adapter" / "adapter_model.safetensors")
    name = f"base_model.model.{module}"
    return 6 / RANK * tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"]


def rotated(matrix: Any, heads: int) -> Any:
    """Rows as llama.cpp stores them for llama: the halves of each head take turns."""
    rows = matrix.shape[0] // heads
    order = [head * rows + part * rows // 2 + i for head in range(heads) for i in range(rows // 2) for part in (0, 1)]
    return matrix[order]


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_base_and_adapter_are_added(tmp_path: Path, architecture: str) -> None:
    before, after = map(values, merged(tmp_path, architecture))
    deltas = [delta(tmp_path, module) for module in MODULES]
    if architecture == "llama":
        deltas[:2] = [rotated(deltas[0], HEADS), rotated(deltas[1], KV_HEADS)]
    names = ["blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.ffn_down.weight"]
    for name, added in zip(names, deltas, strict=True):
        np.testing.assert_allclose(after[name], before[name] + added, rtol=2e-3, atol=2e-3)
        assert not np.allclose(after[name], before[name], atol=0.1)
    np.testing.assert_allclose(after["token_embd.weight"], before["token_embd.weight"], rtol=1e-3)
    assert np.array_equal(after["blk.0.attn_norm.weight"], before["blk.0.attn_norm.weight"])


def test_metadata_stay_and_nothing_is_put_around_prompts(tmp_path: Path) -> None:
    _, after = merged(tmp_path)

    def field(key: str) -> Any:
        found = after.get_field(key)
        return found.contents() if found else None

    assert field("general.name") == "child"
    assert field("general.file_type") == 1
    assert field("tokenizer.ggml.tokens")[:3] == ["word0", "word1", "word2"]
    assert field("tokenizer.ggml.scores")[5] == 5.0
    assert field("tokenizer.chat_template") == "{{ messages }}"
    assert field("llama.rope.freq_base") == 10000.0
    assert field("tokenizer.ggml.add_bos_token") is False
    assert field("tokenizer.ggml.eos_token_id") == 2
    assert field("tokenizer.ggml.eot_token_id") == 7
    kinds = {tensor.name: tensor.tensor_type.name for tensor in after.tensors}
    assert kinds["blk.0.attn_norm.weight"] == "F32"
    assert {kinds[name] for name, shape in SHAPES.items() if len(shape) == 2} == {"F16"}


def test_an_end_token_that_the_file_knows_is_not_named_twice(tmp_path: Path) -> None:
    _, after = merged(tmp_path, end_token=2)
    assert after.get_field("tokenizer.ggml.eot_token_id") is None


def test_an_architecture_that_is_not_supported_is_refused_by_name(tmp_path: Path) -> None:
    base = base_gguf(tmp_path / "base.gguf", "mamba")
    assert architecture_of(base) == "mamba"
    with pytest.raises(ExportError, match="the architecture 'mamba' cannot be exported"):
        merge(base, tmp_path, tmp_path / "out.gguf", name="x", end_token=None, advance=lambda *_: None)
    assert not (tmp_path / "out.gguf").exists()


def test_the_families_that_are_promised_are_there() -> None:
    for name in ("llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"):
        require_supported(name)
        assert name in gguf.MODEL_ARCH_NAMES.values()
    assert "Mistral" in SUPPORTED["llama"]


@pytest.mark.parametrize("name", sorted(SUPPORTED))
def test_each_family_can_be_a_student(name: str) -> None:
    """A student's weights are read from its GGUF file by transformers."""
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    assert name in GGUF_SUPPORTED_ARCHITECTURES


@pytest.mark.parametrize("name", sorted(SUPPORTED))
def test_each_family_has_a_place_for_its_linear_layers(name: str) -> None:
    """The names that peft writes for `all-linear` are known to the table that the merge uses."""
    number = next(number for number, known in gguf.MODEL_ARCH_NAMES.items() if known == name)
    names = gguf.get_tensor_name_map(number, 1)
    split = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
    split += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    layers = {
        "phi3": ["self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"],
    }.get(name, split)
    assert [
        one for one in layers if not names.get_name(f"model.layers.0.{one}.weight", try_suffixes=(".weight",))
    ] == []
