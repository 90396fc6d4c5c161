"""All weights of a student that was trained in full, in llama.cpp's names, row order and scales."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import ModelError
from toolkit.models.gguf_header import read_tables
from toolkit.models.gguf_lora import architecture_number, base_facts, permuted

WEIGHTS = "model.safetensors"
_SUFFIXES = (".weight", ".bias")
_CONSTANT = re.compile(r"rope_(freqs|factors_long|factors_short)\.weight$")  # computed from the configuration
_NORMS_FROM_ONE = {"gemma2", "gemma3"}  # transformers stores how far these norms are from 1
_FIX = "schoolhouse export RUN --to hf"


@dataclass(frozen=True, slots=True)
class Whole:
    """Trained weights, read one at a time.

    Args:
        places: tensor of the base's GGUF file -> its name in `file`.
        base: from `base_facts`.
    """

    file: Path
    places: dict[str, str]
    base: dict[str, Any]

    def learnt(self, name: str, base: Callable[[], Any]) -> Any:
        """This tensor after the training, float32; `base` gives what it was, for the few that are never trained."""
        import numpy as np
        from safetensors import safe_open

        if name not in self.places:
            return base()
        stored = self.places[name]
        with safe_open(self.file, framework="np") as weights:
            tensor = weights.get_tensor(stored).astype(np.float32)
        if name.endswith("norm.weight") and self.base["general.architecture"] in _NORMS_FROM_ONE:
            return tensor + 1
        return permuted(tensor, stored.rpartition(".")[0], self.base)


def read_whole(folder: Path, base_gguf: Path) -> Whole:
    """The weights that a training of all weights left in `folder`.

    Raises ModelError when they are not the base's tensors, each with its shape.
    """
    import gguf
    from safetensors import safe_open

    tables = read_tables(base_gguf)
    base, shapes = base_facts(tables), tables.shapes
    names = gguf.get_tensor_name_map(architecture_number(base["general.architecture"]), base["block_count"])
    places: dict[str, str] = {}
    with safe_open(folder / WEIGHTS, framework="np") as weights:
        for stored in sorted(weights.keys()):
            name = names.get_name(stored, try_suffixes=_SUFFIXES) or ""
            if name in places or shapes.get(name) != tuple(weights.get_slice(stored).get_shape()):
                raise ModelError(f"{folder}: {base_gguf.name} has no tensor like {stored}", _FIX)
            places[name] = stored
    if absent := [name for name in shapes if name not in places and not _CONSTANT.search(name)]:
        raise ModelError(f"{folder} lacks a tensor for {absent[0]} of {base_gguf.name}", _FIX)
    return Whole(folder / WEIGHTS, places, base)
