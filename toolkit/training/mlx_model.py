"""A student in MLX: loaded, given LoRA layers, and its adapter written as peft writes one.

Runs in the mlx trainer's child only; mlx and mlx_lm are imported when a function is called.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import TrainingError
from toolkit.training import files

WEIGHTS = "model.safetensors"

_ROPE = ("rope_theta", "partial_rotary_factor")
_PEFT, _PEFT_PARTS = "base_model.model.", {"lora_a": "lora_A", "lora_b": "lora_B"}
_GROUP = 64  # weights that share a scale in 4 bits
_OTHERWISE = "write `train.backend: torch`"


def trainee(job: Mapping[str, Any]) -> Any:
    """The job's model with what its method learns. Raises TrainingError when that cannot be done."""
    folder, settings = Path(job["model"]), job["settings"]
    # all weights are learnt in float32, whatever they are multiplied in: small steps would be rounded away
    full = settings["method"] == "full"
    model = load_student(folder, "float32" if full else settings["dtype"])
    _require_names(model, folder)
    if full:
        model.unfreeze()
    else:
        add_lora(model, settings)
    return model


def load_student(folder: Path, dtype: str) -> Any:
    """The frozen base model of an unpacked folder. Raises TrainingError for an architecture that mlx-lm has not."""
    import mlx.core as mx
    from mlx_lm.utils import load_model

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    try:
        model, _ = load_model(folder, lazy=True, model_config=rope_settings(config))
    except ValueError as error:
        raise TrainingError(f"mlx-lm cannot load this student: {error}", _OTHERWISE) from error
    model.set_dtype(getattr(mx, dtype))
    model.freeze()
    mx.eval(model.parameters())
    return model


def _require_names(model: Any, folder: Path) -> None:
    """Raises TrainingError when mlx-lm builds a model otherwise than transformers: no other program could use it."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    stored = {name: tuple(value.shape) for name, value in mx.load(str(folder / WEIGHTS)).items()}
    for name, value in tree_flatten(model.parameters()):
        if stored.get(name) != tuple(value.shape):
            raise TrainingError(
                f"mlx-lm builds {name} otherwise than transformers: no other program could use what is learnt",
                _OTHERWISE,
            )


def rope_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary settings where mlx-lm reads them.

    transformers 5 writes them into `rope_parameters`, which most of mlx-lm's models pass over: they
    would turn by their default base, and answer nonsense without an error.
    """
    found = config.get("rope_parameters") or {}
    whole = found.get("full_attention", found)
    settings: dict[str, Any] = {key: whole[key] for key in _ROPE if whole.get(key) is not None}
    if local := found.get("sliding_attention"):  # Gemma 3
        settings["rope_local_base_freq"] = local["rope_theta"]
    if whole.get("rope_type", "default") != "default":
        settings["rope_scaling"] = {key: value for key, value in whole.items() if key != "rope_theta"}
    return settings


def add_lora(model: Any, settings: Mapping[str, Any]) -> None:
    """Put a LoRA layer around the layers that the job names, all linear ones but the output's if it names none.

    For `qlora` their weights are first brought to 4 bits. Raises TrainingError for a name that no layer has.
    """
    import mlx.nn as nn
    from mlx.utils import tree_unflatten
    from mlx_lm.tuner.lora import LoRALinear

    layers = {name: one for name, one in model.named_modules() if isinstance(one, nn.Linear) and name != "lm_head"}
    if settings["method"] == "qlora":
        width = _GROUP
        nn.quantize(
            model, width, 4, class_predicate=lambda name, one: name in layers and not one.weight.shape[1] % width
        )
        layers = {name: one for name, one in model.named_modules() if name in layers}
        if not any(isinstance(one, nn.QuantizedLinear) for one in layers.values()):
            raise TrainingError(
                f"the student's layers cannot be cut into groups of {width}", "write `train.method: lora`"
            )
    if not isinstance(targets := settings["lora_targets"], str):
        known = {_last(name) for name in layers}
        if unknown := [name for name in targets if name not in known]:
            fix = f"train.lora_targets may name: {', '.join(sorted(known))}"
            raise TrainingError(f"the student has no layer named {unknown[0]!r}", fix)
        layers = {name: one for name, one in layers.items() if _last(name) in targets}
    scale, r = settings["lora_alpha"] / settings["lora_r"], settings["lora_r"]
    wrapped = [
        (name, LoRALinear.from_base(layer, r=r, dropout=settings["lora_dropout"], scale=scale))
        for name, layer in layers.items()
    ]
    model.freeze()  # quantised layers are new ones
    model.update_modules(tree_unflatten(wrapped))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def save(model: Any, job: Mapping[str, Any], dtype: str) -> None:
    """Write the folder of a trained student, whole or absent, as the torch trainer does."""
    about = {**job["job"], "dtype": dtype}
    with files.whole_folder(Path(job["output"])) as folder:
        if job["settings"]["method"] == "full":
            _save_weights(model, Path(job["model"]), folder)
        else:
            _save_adapter(model, folder, about["base"], job["settings"])
        (folder / files.JOB).write_text(json.dumps(about, indent=2), encoding="utf-8")


def _save_weights(model: Any, source: Path, folder: Path) -> None:
    """A folder that transformers opens, like the one that the base was loaded from."""
    import numpy as np
    from mlx.utils import tree_flatten
    from safetensors.numpy import save_file

    for path in source.iterdir():
        if path.is_file() and path.name != WEIGHTS:
            shutil.copyfile(path, folder / path.name)
    tensors = {name: np.array(value) for name, value in tree_flatten(model.parameters())}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def _save_adapter(model: Any, folder: Path, base: str, settings: Mapping[str, Any]) -> None:
    """Write `adapter_model.safetensors` and `adapter_config.json` as peft would."""
    import numpy as np
    from mlx.utils import tree_flatten
    from safetensors.numpy import save_file

    tensors, layers = {}, set()
    for name, value in tree_flatten(model.trainable_parameters()):
        layer, _, part = name.rpartition(".")
        layers.add(_last(layer))
        tensors[f"{_PEFT}{layer}.{_PEFT_PARTS[part]}.weight"] = np.ascontiguousarray(np.array(value).T)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "r": settings["lora_r"],
        "lora_alpha": settings["lora_alpha"],
        "lora_dropout": settings["lora_dropout"],
        "target_modules": sorted(layers),
        "use_dora": False,
        "use_rslora": False,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


class SharedPrefix:
    """One layer's keys and values: those of a prefix (1 x tokens), then seen by every row of a batch.

    Stands where mlx-lm expects a cache. Gradients flow through it, so that training on the rows
    equals training on whole rows.
    """

    def __init__(self) -> None:
        self.offset = 0
        self._keys: Any = None
        self._values: Any = None

    def update_and_fetch(self, keys: Any, values: Any) -> tuple[Any, Any]:
        if self._keys is None:
            self._keys, self._values, self.offset = keys, values, keys.shape[2]
            return keys, values
        return _before(self._keys, keys), _before(self._values, values)

    def make_mask(self, tokens: int, return_array: bool = False, window_size: int | None = None) -> Any:
        """True where a token may look: at the prefix and at what stands before it in its row."""
        from mlx_lm.models.base import create_causal_mask

        return create_causal_mask(tokens, self.offset, window_size=window_size)


def _before(prefix: Any, own: Any) -> Any:
    import mlx.core as mx

    return mx.concatenate([mx.broadcast_to(prefix, (own.shape[0], *prefix.shape[1:])), own], axis=2)


def faster_dtype() -> str:
    """bfloat16 where a GPU multiplies it clearly faster than float32, measured; float32 on CPUs.

    On a CPU with bf16 units MLX multiplied at 4.5 GFLOP/s in bfloat16 and at 5.1 in float32.
    """
    import time

    import mlx.core as mx

    from toolkit.models.torch_dtype import WORTH_IT

    if not mx.metal.is_available():
        return "float32"
    best = {"float32": float("inf"), "bfloat16": float("inf")}
    for _ in range(5):  # in turns, so that a busy moment hits both
        for name in best:
            left, right = (mx.ones((2048, 2048), getattr(mx, name)) for _ in range(2))
            mx.eval(left, right)
            begun = time.perf_counter()
            mx.eval(left @ right)
            best[name] = min(best[name], time.perf_counter() - begun)
    return "bfloat16" if best["float32"] / best["bfloat16"] >= WORTH_IT else "float32"
