"""The training loop: LoRA on all linear layers, the loss on the answer alone.

Read from top to bottom. Three things make it fast on a CPU. The prompt's beginning, equal
in all rows, is computed once for a batch, and gradients flow back through it. The
vocabulary's logits are computed only where an answer token is predicted. And each core
works on rows of its own.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from toolkit.errors import TrainingError
from toolkit.models.torch_model import (
    common_prefix,
    device,
    import_torch,
    load_model,
    load_tokenizer,
    peak_bytes,
    shared_cache,
    workers,
)
from toolkit.process import Emit, child_main
from toolkit.training import files
from toolkit.training.encode import Encoded, batches, encode
from toolkit.training.lint import lint, stop_ids

CLIP = 1.0
EVERY = 0.2  # seconds between two `step` events
_WORTH_SHARING = 32  # tokens spared in a batch; below that the extra pass costs more


def train(job: dict[str, Any], emit: Emit) -> None:
    """Carry out one job, from its newest checkpoint; the adapter stands when this returns."""
    settings, partial = job["settings"], Path(job["partial"])
    tokenizer = load_tokenizer(Path(job["model"]))
    rows = encode(tokenizer, job["rows"], settings["max_length"])
    report = lint(tokenizer, job["rows"], rows, stop_ids(tokenizer, Path(job["model"])), settings, show=0)
    emit({"event": "lint", **report.figures()})
    report.require()
    training = Training(job, rows)
    if (found := files.newest_checkpoint(partial)) is not None:
        training.restore(*found)
        emit({"event": "resumed", "step": training.step})
    reporter = Reporter(emit, training.steps)
    for batch in islice(training.plan, training.step, None):
        lr, loss = training.learn(batch)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} at step {training.step}", f"write `train.lr: {lr / 4:.0e}`")
        reporter.step(training.step, loss, lr, sum(len(row.ids) for row in batch))
        if training.step % settings["checkpoint_steps"] == 0 and training.step < training.steps:
            files.save_checkpoint(partial, training.step, *training.snapshot())
            emit({"event": "checkpoint", "step": training.step})
    training.save(Path(job["output"]), job["job"])
    emit({"event": "memory", "peak_bytes": peak_bytes()})


class Training:
    """Model, optimizer and place in the data."""

    def __init__(self, job: dict[str, Any], rows: list[Encoded]) -> None:
        self.settings = settings = job["settings"]
        self.torch = torch = import_torch()
        torch.manual_seed(settings["seed"])
        self.device = device(torch)
        # dropout draws from one source of chance, whose order threads would shuffle
        alone = self.device != "cpu" or settings["lora_dropout"] > 0
        self.workers = 1 if alone else workers()
        self.pool = ThreadPoolExecutor(self.workers)
        self.plan = list(batches(rows, settings["batch_size"], settings["epochs"], settings["seed"]))
        self.step, self.steps = 0, len(self.plan)
        self.shared = common_prefix([row.ids[: row.start] for row in rows])
        self.peft = _with_lora(load_model(Path(job["model"]), settings["dtype"]), settings, job["job"]["base"])
        self.model = self.peft.get_base_model()
        self.body, self.head = self.model.get_decoder(), self.model.get_output_embeddings()
        self.weights = {name: p for name, p in self.peft.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(self.weights.values(), lr=settings["lr"], weight_decay=0.0, fused=True)

    def learn(self, batch: list[Encoded]) -> tuple[float, float]:
        """One step on one batch; returns learning rate and loss."""
        torch = self.torch
        lr = learning_rate(self.step, self.steps, self.settings["lr"], self.settings["warmup"])
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        loss = self.backward(batch)
        torch.nn.utils.clip_grad_norm_(self.weights.values(), CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return lr, loss

    def backward(self, batch: list[Encoded]) -> float:
        """The loss of a batch; its gradients are left in the weights. Parts are added in a fixed order."""
        # rows of like length stand together: every part gets long and short ones
        parts = [part for start in range(self.workers) if (part := batch[start :: self.workers])]
        answers = sum(len(row.ids) - row.start for row in batch)
        found = list(self.pool.map(lambda part: self.gradients(part, answers), parts))
        for index, weight in enumerate(self.weights.values()):
            weight.grad = sum(gradients[index] for _, gradients in found[1:]) + found[0][1][index]
        return float(sum(loss for loss, _ in found))

    def gradients(self, part: list[Encoded], answers: int) -> tuple[float, Any]:
        """A part's share of the batch's mean loss over `answers` tokens, and its gradients."""
        torch = self.torch
        mixed = self.settings["dtype"] == "bfloat16"
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=mixed):  # holds for this thread alone
            loss = self.loss(part) / answers
        return float(loss.item()), torch.autograd.grad(loss, list(self.weights.values()))

    def loss(self, batch: list[Encoded]) -> Any:
        """Cross entropy, summed over the answer tokens of a batch."""
        torch = self.torch
        shared = self.shared if self.shared * (len(batch) - 1) >= _WORTH_SHARING else 0
        longest = max(len(row.ids) for row in batch) - shared
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        for line, row in zip(ids, batch, strict=True):
            line[: len(row.ids) - shared] = torch.tensor(row.ids[shared:])
        cache = None
        if shared:
            prefix = torch.tensor([batch[0].ids[:shared]], device=self.device)
            cache = shared_cache(self.body, prefix, len(batch))
        # padding stands behind a row, where causal attention never looks: no mask is needed
        positions = torch.arange(shared, shared + longest, device=self.device)[None]
        hidden = self.body(
            input_ids=ids.to(self.device), position_ids=positions, past_key_values=cache, use_cache=bool(shared)
        ).last_hidden_state
        places = [(i, t - shared) for i, row in enumerate(batch) for t in range(row.start - 1, len(row.ids) - 1)]
        line, column = torch.tensor(places).T
        logits = self.head(hidden[line.to(self.device), column.to(self.device)])
        targets = ids[line, column + 1].to(self.device)
        return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum")

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tensors and state of everything that the next steps depend on."""
        tensors = {f"weight/{name}": p.detach().contiguous() for name, p in self.weights.items()}
        for name, p in self.weights.items():
            tensors |= {f"adam/{name}/{key}": value for key, value in self.optimizer.state[p].items()}
        tensors["chance"] = self.torch.get_rng_state()
        return tensors, {"step": self.step, "steps": self.steps}

    def restore(self, step: int, tensors: dict[str, Any], state: dict[str, Any]) -> None:
        """Raises TrainingError when the checkpoint does not fit this model."""
        try:
            for name, p in self.weights.items():
                p.data.copy_(tensors[f"weight/{name}"])
                keys = ("step", "exp_avg", "exp_avg_sq")
                moments = {key: tensors[f"adam/{name}/{key}"] for key in keys}
                self.optimizer.state[p] = {key: value.to(p.device) for key, value in moments.items()}
        except (KeyError, RuntimeError) as error:
            raise TrainingError(f"the checkpoint at step {step} does not fit: {error}", "delete it") from error
        self.torch.set_rng_state(tensors["chance"])
        self.step = state["step"]

    def save(self, output: Path, job: dict[str, Any]) -> None:
        with files.whole_folder(output) as folder:
            self.peft.save_pretrained(folder)
            (folder / files.JOB).write_text(json.dumps(job, indent=2), encoding="utf-8")


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """Rises in a line over the first `warmup` share of the steps, then falls as a cosine towards zero."""
    rising = round(steps * warmup)
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _with_lora(model: Any, settings: dict[str, Any], base: str) -> Any:
    from peft import LoraConfig, get_peft_model

    config = model.config
    if getattr(config, "final_logit_softcapping", None) or getattr(config, "logits_scaling", 1) != 1:
        raise TrainingError(f"{base} reshapes its logits, which this trainer does not know", "choose another student")
    lora = LoraConfig(
        r=settings["lora_r"],
        lora_alpha=settings["lora_alpha"],
        lora_dropout=settings["lora_dropout"],
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    model.config._name_or_path = base  # no path of this machine goes into the adapter
    peft = get_peft_model(model, lora).train()
    for config in peft.peft_config.values():
        config.base_model_name_or_path = base
    return peft


class Reporter:
    """Tells of steps a few times a second, and always of the last."""

    def __init__(self, emit: Emit, steps: int) -> None:
        self._emit, self._steps = emit, steps
        self._begun = self._told = time.perf_counter()
        self._tokens = 0

    def step(self, step: int, loss: float, lr: float, tokens: int) -> None:
        now = time.perf_counter()
        self._tokens += tokens
        if now - self._told < EVERY and step < self._steps:
            return
        self._told = now
        speed = self._tokens / max(now - self._begun, 1e-9)
        self._emit(
            {
                "event": "step",
                "step": step,
                "steps": self._steps,
                "loss": round(loss, 8),
                "lr": lr,
                "tokens_per_second": round(speed, 1),
            }
        )


def _serve(messages: Iterator[dict[str, Any]], emit: Emit) -> None:
    train(next(messages), emit)
    emit({"event": "done"})


if __name__ == "__main__":
    child_main(_serve)
