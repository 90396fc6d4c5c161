"""The child that writes a folder for transformers: merged weights, tokenizer, chat template."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from toolkit.export.turns import settled
from toolkit.models.torch_model import import_torch, load_model
from toolkit.process import Emit, child_main
from toolkit.training.mlx_model import rope_settings

_BESIDE = ("tokenizer*", "special_tokens_map.json", "chat_template*", "generation_config.json", "*.model", "vocab*")


def make(job: dict[str, Any], emit: Emit) -> None:
    """Write `job["out"]`. Base and adapter are added in float32 and rounded once, as the student does.

    Without an adapter `job["model"]` is the trained student: its weights are rounded.
    """
    torch = import_torch()
    from safetensors.torch import save_file

    base, out = Path(job["model"]), Path(job["out"])
    emit({"event": "progress", "what": "merging", "done": 0, "total": 3})
    model = load_model(base, "float32")
    if job["adapter"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, job["adapter"]).merge_and_unload()
    model = model.to(device="cpu", dtype=getattr(torch, job["dtype"]))
    emit({"event": "progress", "what": "merging", "done": 1, "total": 3})
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    if config.get("tie_word_embeddings"):
        tensors.pop("lm_head.weight", None)
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)  # written for its owner alone
    emit({"event": "progress", "what": "merging", "done": 2, "total": 3})
    config |= {"dtype": job["dtype"], "_name_or_path": job["name"], **rope_settings(config)}
    config.pop("torch_dtype", None)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    copy_beside(base, out)
    emit({"event": "progress", "what": "merging", "done": 3, "total": 3})


def copy_beside(base: Path, out: Path) -> None:
    """Tokenizer and chat template; a template that lets the model think is told not to."""
    for path in {path for pattern in _BESIDE for path in base.glob(pattern) if path.is_file()}:
        shutil.copyfile(path, out / path.name)
    template = out / "chat_template.jinja"
    if template.is_file():
        template.write_text(settled(template.read_text(encoding="utf-8")), encoding="utf-8")


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    make(next(messages), emit)
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
