"""A peft adapter as a GGUF file that llama.cpp and Ollama load beside the base weights."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import ModelError
from toolkit.models.gguf_header import Tables, read_tables

__all__ = ["Lora", "architecture_number", "base_facts", "convert", "permuted", "read_lora"]

_TENSOR = re.compile(r"^base_model\.model\.(?P<layer>.+)\.lora_(?P<side>[AB])\.weight$")
_PERMUTED = {"llama"}  # architectures whose GGUF holds query and key rows in another order


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter in llama.cpp's names and row order.

    Args:
        alpha: a pair's product is scaled by `alpha / rank`.
        pairs: tensor of the base -> A (rank x columns) and B (rows x rank), float32.
    """

    architecture: str
    alpha: float
    pairs: dict[str, tuple[Any, Any]]

    def delta(self, name: str) -> Any | None:
        """What is added to this tensor (rows x columns); None when the adapter leaves it as it is."""
        if name not in self.pairs:
            return None
        down, up = self.pairs[name]
        return (self.alpha / down.shape[0]) * (up @ down)

    def learnt(self, name: str, base: Callable[[], Any]) -> Any:
        """This tensor after the training; `base` gives what it was, float32."""
        delta = self.delta(name)
        return base() if delta is None else base() + delta


def read_lora(adapter: Path, base_gguf: Path) -> Lora:
    """A peft adapter for these base weights.

    Raises ModelError when the adapter changes more than linear layers, or has a tensor
    that the base's architecture does not know.
    """
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    _check(config, adapter)
    base = base_facts(read_tables(base_gguf))
    names = gguf.get_tensor_name_map(architecture_number(base["general.architecture"]), base["block_count"])
    alpha = float(config["lora_alpha"])
    if config.get("use_rslora"):
        alpha *= float(config["r"]) ** 0.5  # llama.cpp divides by the rank alone
    found = dict(_tensors(load_file(adapter / "adapter_model.safetensors"), names, base, adapter))
    pairs = {
        name.removesuffix(".lora_a"): (found[name], found[f"{name.removesuffix('.lora_a')}.lora_b"])
        for name in found
        if name.endswith(".lora_a")
    }
    return Lora(base["general.architecture"], alpha, pairs)


def convert(adapter: Path, base_gguf: Path, out: Path) -> None:
    """Write `out`, whole or not at all. Raises ModelError as `read_lora` does."""
    import gguf

    lora = read_lora(adapter, base_gguf)
    temporary = out.with_name(f".{out.name}.tmp")  # the writer opens its file itself
    try:
        writer = gguf.GGUFWriter(temporary, lora.architecture)
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, lora.alpha)
        for name, (down, up) in lora.pairs.items():
            writer.add_tensor(f"{name}.lora_a", down)
            writer.add_tensor(f"{name}.lora_b", up)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def _check(config: dict[str, Any], adapter: Path) -> None:
    unusual = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "lora_bias")
    if found := [key for key in unusual if config.get(key)]:
        raise ModelError(f"{adapter} uses {', '.join(found)}, which llama.cpp cannot load", "use the torch student")


def base_facts(tables: Tables) -> dict[str, Any]:
    """What a GGUF file says of the base weights: general.architecture, block_count, heads and kv_heads."""
    name = tables.values.get("general.architecture", "")
    heads = tables.values.get(f"{name}.attention.head_count")
    return {
        "general.architecture": name,
        "block_count": tables.values.get(f"{name}.block_count"),
        "heads": heads,
        "kv_heads": tables.values.get(f"{name}.attention.head_count_kv", heads),
    }


def architecture_number(name: str) -> Any:
    """The gguf package's number for an architecture. Raises ModelError when it has none."""
    import gguf

    for number, known in gguf.MODEL_ARCH_NAMES.items():
        if known == name:
            return number
    raise ModelError(f"the architecture {name!r} is not known to the gguf package", "pip install --upgrade gguf")


def _tensors(stored: dict[str, Any], names: Any, base: dict[str, Any], adapter: Path) -> Iterator[tuple[str, Any]]:
    import numpy as np

    for key in sorted(stored):
        match = _TENSOR.match(key)
        name = match and names.get_name(f"{match['layer']}.weight", try_suffixes=(".weight",))
        if not match or not name or not name.startswith("blk."):  # embeddings and head: loaded by nobody
            raise ModelError(f"{adapter}: llama.cpp cannot load the tensor {key}", "use the torch student")
        tensor = stored[key].astype(np.float32)
        if match["side"] == "B":
            tensor = permuted(tensor, match["layer"], base)
        yield f"{name}.lora_{match['side'].lower()}", np.ascontiguousarray(tensor)


def permuted(tensor: Any, layer: str, base: dict[str, Any]) -> Any:
    """Rows of query and key, from halves (transformers) to pairs (llama.cpp) of each head's rotation.

    Args:
        layer: its name in transformers; other layers, and other architectures, stay as they are.
        base: from `base_facts`.
    """
    heads = {"q_proj": base["heads"], "k_proj": base["kv_heads"]}.get(layer.rpartition(".")[2])
    if heads is None or base["general.architecture"] not in _PERMUTED:
        return tensor
    rows, *rest = tensor.shape
    return tensor.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(rows, *rest)
