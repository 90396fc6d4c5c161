"""The training loop on Unsloth: its model, LoRA layers, kernels and loss in the torch trainer's loop.

Unsloth's notebooks hand the model to TRL's trainer. That one keeps checkpoints in pickles and
draws rows in an order of its own; so rows, batches, schedule, steps, checkpoints and events are
the torch trainer's, and only model and gradients come from Unsloth.

Unsloth has to be imported before torch, transformers and peft: it replaces parts of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from toolkit.errors import TrainingError
from toolkit.hardware.machine import usable_cores
from toolkit.models.torch_dtype import fast_dtype
from toolkit.process import Emit, child_main
from toolkit.training import files, torch_child, torch_methods
from toolkit.training.encode import Encoded
from toolkit.training.steps import listening
from toolkit.training.torch_methods import Trainee

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
}
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""All linear layers of the families that Unsloth speeds up; `_require_all_linear` holds it to that."""

_IGNORED = -100  # a label that no loss is taken of, for transformers and Unsloth alike


def train(job: dict[str, Any], emit: Emit, stopping: Callable[[], bool] = lambda: False) -> None:
    """Carry out one job, from its newest checkpoint; the adapter stands when this returns."""
    unsloth = import_unsloth(Path(job["scratch"]))
    settings = job["settings"]
    if settings["dtype"] == "auto":
        settings["dtype"] = job["job"]["dtype"] = faster_dtype(unsloth)
        emit({"event": "dtype", "dtype": settings["dtype"]})
    torch_child.train(job, emit, stopping, UnslothTraining)


def import_unsloth(scratch: Path) -> Any:
    """Unsloth, kept from the network.

    Args:
        scratch: an empty folder of this training. Unsloth writes Python files there and imports them;
            without it, it would import what stands in the working directory.
    """
    os.environ.update(OFFLINE)
    os.environ["UNSLOTH_COMPILE_LOCATION"] = str(scratch / "compiled")
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # on a busy machine, threads that spin keep each other waiting
    os.environ.pop("UNSLOTH_ALLOW_CPU", None)  # means: pretend to have a GPU; the CPU backend needs no leave
    import unsloth

    return unsloth


def faster_dtype(unsloth: Any) -> str:
    """bfloat16 on a GPU that has it; on a CPU what is measured to be faster."""
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if unsloth.is_bfloat16_supported() else "float32"
    return fast_dtype()


class UnslothTraining(torch_child.Training):
    """Model, optimizer and place in the data."""

    def open_trainee(self, job: dict[str, Any]) -> Trainee:
        return trainee(job)

    def open_gradients(self, rows: list[Encoded]) -> UnslothGradients:
        return UnslothGradients(self.torch, self.trainee, self.settings["dtype"])

    def save(self, source: Path, output: Path, job: dict[str, Any]) -> None:
        save(self.trainee, source, output, job)


class UnslothGradients:
    """The loss of a batch and its gradients, as Unsloth's model computes them. See `Gradients`."""

    def __init__(self, torch: Any, trained: Trainee, dtype: str) -> None:
        self.torch, self.dtype = torch, dtype
        self.model, self.weights = trained.whole, list(trained.weights.values())
        self.device = trained.model.device
        # the CPU backend computes the vocabulary's logits at answers alone when TRL says so, or we; GPUs always do
        trained.model._unsloth_cpu_chunked_ce_active = True

    def of(self, batch: Sequence[Encoded], at_once: int) -> tuple[float, list[Any]]:
        """Mean loss over the answer tokens of a batch, and its gradients; `at_once` rows are computed at a time."""
        answers = sum(len(row.ids) - row.start for row in batch)
        for weight in self.weights:  # of a step that ran out of memory
            weight.grad = None
        total = 0.0
        for begin in range(0, len(batch), at_once):
            loss = self.loss(batch[begin : begin + at_once], answers)
            loss.backward()  # Unsloth's checkpointing leaves gradients in the weights, and nowhere else
            total += float(loss.item())
        zero = self.torch.zeros_like
        return total, [zero(weight) if weight.grad is None else weight.grad for weight in self.weights]

    def check(self, rows: Sequence[Encoded]) -> str:
        """Nothing is packed, so nothing can be wrong with it."""
        return ""

    def loss(self, rows: Sequence[Encoded], answers: int) -> Any:
        """Some rows' share of a mean cross entropy over `answers` answer tokens."""
        torch, longest = self.torch, max(len(row.ids) for row in rows)
        ids = torch.tensor([row.ids + [0] * (longest - len(row.ids)) for row in rows])
        labels = torch.full_like(ids, _IGNORED)
        for line, row in zip(labels, rows, strict=True):
            line[row.start : len(row.ids)] = torch.tensor(row.ids[row.start :])
        # padding stands behind a row, where causal attention never looks: no mask is needed
        tensors = {"input_ids": ids.to(self.device), "labels": labels.to(self.device)}
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.dtype == "bfloat16"):
            return self.model(**tensors, num_items_in_batch=answers, use_cache=False).loss


def trainee(job: dict[str, Any]) -> Trainee:
    """The job's model as Unsloth loads it. Raises TrainingError when its method cannot be used here."""
    import torch

    settings, base = job["settings"], str(job["job"]["base"])
    torch.set_num_threads(usable_cores())
    model = _load(torch, Path(job["model"]), settings)
    model.config._name_or_path = base  # no path of this machine goes into the adapter
    whole = model.train() if settings["method"] == "full" else _with_lora(torch, model, settings, base)
    weights = {name: weight for name, weight in whole.named_parameters() if weight.requires_grad}
    return Trainee(whole, whole if whole is model else whole.get_base_model(), weights)


def _load(torch: Any, folder: Path, settings: dict[str, Any]) -> Any:
    from unsloth import FastLanguageModel

    method = settings["method"]
    if method == "qlora" and not torch.cuda.is_available():
        raise TrainingError(
            "train.method: qlora needs an NVIDIA GPU, and torch finds none here", "write `train.method: lora`"
        )
    model, _ = FastLanguageModel.from_pretrained(
        str(folder.resolve()),
        max_seq_length=settings["max_length"],
        # all weights are learnt in float32, whatever they are multiplied in: small steps would be rounded away
        dtype=getattr(torch, "float32" if method == "full" else settings["dtype"]),
        load_in_4bit=method == "qlora",
        full_finetuning=method == "full",
        use_gradient_checkpointing=_checkpointing(torch),
        use_exact_model_name=True,  # never another model of a like name
        local_files_only=True,
        trust_remote_code=False,
    )
    return model


def _with_lora(torch: Any, model: Any, settings: dict[str, Any], base: str) -> Any:
    from unsloth import FastLanguageModel

    targets = settings["lora_targets"]
    every = isinstance(targets, str)  # all-linear
    if not every:
        torch_methods.require_targets(model, targets)
    peft = FastLanguageModel.get_peft_model(
        model,
        r=settings["lora_r"],
        target_modules=list(TARGETS if every else targets),
        lora_alpha=settings["lora_alpha"],
        lora_dropout=settings["lora_dropout"],
        bias="none",
        use_gradient_checkpointing=_checkpointing(torch),
        random_state=settings["seed"],
        max_seq_length=settings["max_length"],
    ).train()
    for config in peft.peft_config.values():
        config.base_model_name_or_path = base
    if every:
        _require_all_linear(torch, peft, base)
    return peft


def _checkpointing(torch: Any) -> str | bool:
    """Unsloth's own on a GPU, whose memory is short; a CPU gains nothing from computing twice."""
    return "unsloth" if torch.cuda.is_available() else False


def _require_all_linear(torch: Any, peft: Any, base: str) -> None:
    """The torch trainer adapts every linear layer but the head; a student must not depend on the trainer."""
    head = peft.get_base_model().get_output_embeddings()
    plain = {
        name.rpartition(".")[2]
        for name, module in peft.named_modules()
        if isinstance(module, torch.nn.Linear)
        and module is not head
        and ".lora_" not in name
        and not name.endswith(".base_layer")
    }
    if plain:
        names = ", ".join(sorted(plain))
        raise TrainingError(f"Unsloth would leave layers of {base} untrained: {names}", "write `train.backend: torch`")


def save(trained: Trainee, source: Path, output: Path, job: dict[str, Any]) -> None:
    """Write the folder of a trained student, as the torch trainer does; whole or absent.

    Unsloth replaces `save_pretrained`, so an adapter is written here, in peft's format.
    """
    if job["method"] == "full":
        torch_methods.save(trained, source, output, job)
        return
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    # else peft asks the hub about the base model
    found = get_peft_model_state_dict(trained.whole, save_embedding_layers=False)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}
    config = trained.whole.peft_config["default"]
    config.inference_mode = True
    with files.whole_folder(output) as folder:
        save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        config.save_pretrained(folder)
        (folder / files.JOB).write_text(json.dumps(job, indent=2), encoding="utf-8")


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    train(next(messages), emit, listening(messages))
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
