"""What is learnt, and how it is kept: an adapter (lora, qlora) or all weights (full)."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from toolkit.errors import TrainingError
from toolkit.models.torch_model import device, import_torch, load_model
from toolkit.training import files

WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Trainee:
    """A model that is ready to learn. `whole` is what is saved; `weights` are learnt, by name."""

    whole: Any
    model: Any
    weights: dict[str, Any]


def trainee(job: dict[str, Any]) -> Trainee:
    """The job's model with what its method learns. Raises TrainingError when that cannot be done here."""
    settings, base = job["settings"], str(job["job"]["base"])
    method = settings["method"]
    if method == "qlora":
        model = _in_4_bits(Path(job["model"]))
    else:
        # all weights are learnt in float32, whatever they are multiplied in: small steps would be rounded away
        model = load_model(Path(job["model"]), "float32" if method == "full" else settings["dtype"])
    if getattr(model.config, "logits_scaling", 1) != 1:
        raise TrainingError(f"{base} reshapes its logits, which this trainer does not know", "choose another student")
    whole = model.train() if method == "full" else _with_lora(model, settings, base)
    weights = {name: weight for name, weight in whole.named_parameters() if weight.requires_grad}
    return Trainee(whole, model, weights)


def _in_4_bits(folder: Path) -> Any:
    """Raises TrainingError without bitsandbytes or without an NVIDIA GPU."""
    torch = import_torch()
    instead = "write `train.method: lora`"
    if device(torch) != "cuda":
        raise TrainingError("train.method: qlora needs an NVIDIA GPU, and torch finds none here", instead)
    if find_spec("bitsandbytes") is None:
        fix = f"pip install bitsandbytes, or {instead}"
        raise TrainingError("train.method: qlora needs bitsandbytes, which is not installed", fix)
    from peft import prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=four, device_map={"": 0}, local_files_only=True
    )
    return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)


def _with_lora(model: Any, settings: dict[str, Any], base: str) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = settings["lora_targets"]
    lora = LoraConfig(
        r=settings["lora_r"],
        lora_alpha=settings["lora_alpha"],
        lora_dropout=settings["lora_dropout"],
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )
    require_targets(model, targets)
    model.config._name_or_path = base  # no path of this machine goes into the adapter
    peft = get_peft_model(model, lora).train()
    for config in peft.peft_config.values():
        config.base_model_name_or_path = base
    return peft


def require_targets(model: Any, targets: str | list[str]) -> None:
    """Raises TrainingError unless each target names some layers; peft passes over an unknown one among others."""
    linear = import_torch().nn.Linear
    names = {name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, linear)}
    unknown = [] if isinstance(targets, str) else [name for name in targets if name not in names]
    if unknown:
        there = ", ".join(sorted(names - {"lm_head"}))
        raise TrainingError(f"the student has no layer named {unknown[0]!r}", f"train.lora_targets may name: {there}")


def save(trained: Trainee, source: Path, output: Path, job: dict[str, Any]) -> None:
    """Write the folder of a trained student: whole or absent.

    Args:
        source: the folder of the base model, whose configuration and tokenizer go with fully trained weights.
    """
    with files.whole_folder(output) as folder:
        if job["method"] == "full":
            _save_weights(trained.model, source, folder)
        else:
            trained.whole.save_pretrained(folder, save_embedding_layers=False)  # "auto" would ask the hub
        (folder / files.JOB).write_text(json.dumps(job, indent=2), encoding="utf-8")


def _save_weights(model: Any, source: Path, folder: Path) -> None:
    """A folder that transformers opens, like the one that the base was loaded from."""
    from safetensors.torch import save_file

    for path in source.iterdir():
        if path.is_file() and path.name != WEIGHTS:
            shutil.copyfile(path, folder / path.name)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        tensors.pop("lm_head.weight", None)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
