"""A contestant of `training.py`: a process of its own, JSON lines in and out.

The first line says what to train, each later one how many steps to do; the answer to that is the time they took. Only
steps are timed: loading, reading the rows and the first step, which allocates, are not. After step `loss_at` the answer
also holds the loss on the first rows. Ours may be told a seed instead: it then trains anew up to there, for that loss.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.training.encode import Encoded

Tell = Callable[[dict[str, Any]], None]
PROBE = 16
"""Rows that the loss is asked on."""
DEFAULTS: dict[str, Any] = {}
TUNED = {
    "gradient_checkpointing": False,
    "train_sampling_strategy": "group_by_length",
    "dataloader_pin_memory": False,
    "optim": "adamw_torch_fused",
}
KINDS: dict[str, dict[str, Any]] = {
    "trl": DEFAULTS,
    "trl-tuned": TUNED,
    # TRL wants to hear that nothing is cut; the rows come in another order than those of the tuned one with padding
    "trl-padding-free": {**TUNED, "padding_free": True, "max_length": None, "seed": 43},
    "unsloth": TUNED,
}
"""Contestant -> what is set beside model, rows, LoRA, batch size, learning rate and number format."""


def next_order() -> dict[str, int]:
    """How many `steps` to do, or the `seed` to train with; the process ends with the last order."""
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    return dict(json.loads(line))


def ours(setup: dict[str, Any], tell: Tell) -> None:
    """The torch trainer's steps, as its child process does them."""
    from pathlib import Path

    from toolkit.models.torch_model import load_tokenizer
    from toolkit.training.encode import encode
    from toolkit.training.gradients import Gradients
    from toolkit.training.packing import deal

    rows = encode(load_tokenizer(Path(setup["model"])), setup["rows"], 4096)
    training = _training(setup, rows, setup["settings"]["seed"])
    assert isinstance(training.gradients, Gradients)
    lengths = [len(row.ids) for row in rows]
    batches = iter(training.plan)
    asked = rows[:PROBE]
    training.learn(next(batches))
    body = sum(p.numel() for p in training.gradients.body.parameters())
    body -= sum(p.numel() for p in training.gradients.body.get_input_embeddings().parameters())
    body -= sum(p.numel() for p in training.weights.values())
    tell({"ready": version("torch"), "row_tokens": sum(lengths) / len(rows), "body": body})
    while True:
        order = next_order()
        if "seed" in order:
            tell({"loss": _loss_with(setup, rows, order["seed"])})
            continue
        work, loss, taken = [next(batches) for _ in range(order["steps"])], None, 0.0
        for batch in work:
            begun = time.perf_counter()
            training.learn(batch)
            taken += time.perf_counter() - begun
            if training.step == setup["loss_at"]:
                loss, _ = training.gradients.of(asked, len(asked))
        computed = sum(len(part.ids) for batch in work for part in deal(batch, training.gradients.workers))
        tell({"seconds": taken, "examples": sum(map(len, work)), "loss": loss, "computed": computed})


def _training(setup: dict[str, Any], rows: list[Encoded], seed: int) -> Any:
    from toolkit.training.torch_child import Training

    settings = {**setup["settings"], "seed": seed}
    training = Training({"model": setup["model"], "settings": settings, "job": {"base": "student"}}, rows)
    training.gradients.share = setup["kind"] != "ours-apart"  # type: ignore[attr-defined]
    return training


def _loss_with(setup: dict[str, Any], rows: list[Encoded], seed: int) -> float:
    """The loss on the first rows after `loss_at` steps with another seed."""
    training = _training(setup, rows, seed)
    for batch in training.plan[: setup["loss_at"]]:
        training.learn(batch)
    loss, _ = training.gradients.of(rows[:PROBE], PROBE)
    return float(loss)


def trl(setup: dict[str, Any], tell: Tell) -> None:
    """`SFTTrainer.train()`, halted between the steps that were ordered and the next ones."""
    unsloth = setup["kind"] == "unsloth"
    if unsloth:
        import unsloth as _  # noqa: F401 - has to come before the libraries that it changes
    from datasets import Dataset
    from transformers import AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from toolkit.training.encode import encode

    settings = setup["settings"]
    tokenizer = AutoTokenizer.from_pretrained(setup["model"], local_files_only=True)
    asked = encode(tokenizer, setup["rows"][:PROBE], 4096)

    class Turns(TrainerCallback):  # type: ignore[misc]
        left, ordered, begun = 1, 0, 0.0

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not self.left:
                self.left = self.ordered = next_order()["steps"]
                self.begun = time.perf_counter()

        def on_step_end(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
            self.left -= 1
            if not self.left and self.ordered:
                found = {"seconds": time.perf_counter() - self.begun, "examples": self.ordered * args.train_batch_size}
                tell({**found, "loss": loss_of(model, asked) if state.global_step == setup["loss_at"] else None})
            elif not self.left:
                tell({"ready": version("trl"), "row_tokens": row_tokens})

    model, peft_config = (_unsloth if unsloth else _peft)(setup)
    data = [{"prompt": row["messages"], "completion": _answer(row["answer"])} for row in setup["rows"]]
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder,
            per_device_train_batch_size=settings["batch_size"],
            learning_rate=settings["lr"],
            lr_scheduler_type=settings["schedule"],
            max_steps=10_000,
            logging_steps=1,
            use_cpu=True,
            bf16=settings["dtype"] == "bfloat16",
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            **KINDS[setup["kind"]],
        )
        trainer = SFTTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(data),
            processing_class=tokenizer,
            peft_config=peft_config,
            callbacks=[Turns()],
        )
        row_tokens = sum(map(len, trainer.train_dataset["input_ids"])) / len(data)
        trainer.train()


def loss_of(model: Any, rows: Sequence[Encoded]) -> float:
    """Mean loss over the answer tokens of some rows, from the model's own logits."""
    import torch

    total, training = 0.0, model.training
    model.eval()
    with torch.no_grad():
        for row in rows:
            logits = model(input_ids=torch.tensor([row.ids])).logits[0, row.start - 1 : -1].float()
            wanted = torch.tensor(row.ids[row.start :])
            total += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
    model.train(training)
    return total / sum(len(row.ids) - row.start for row in rows)


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _peft(setup: dict[str, Any]) -> tuple[Any, Any]:
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    settings = setup["settings"]
    dtype = torch.float32 if setup["kind"] == "trl" else getattr(torch, settings["dtype"])
    model = AutoModelForCausalLM.from_pretrained(setup["model"], dtype=dtype, local_files_only=True)
    targets = {"target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    return model, LoraConfig(r=settings["lora_r"], lora_alpha=settings["lora_alpha"], lora_dropout=0.0, **targets)


def _unsloth(setup: dict[str, Any]) -> tuple[Any, Any]:
    import torch
    from unsloth import FastLanguageModel

    settings = setup["settings"]
    model, _ = FastLanguageModel.from_pretrained(
        setup["model"],
        max_seq_length=1024,
        dtype=getattr(torch, settings["dtype"]),
        load_in_4bit=False,
        use_gradient_checkpointing=False,
        use_exact_model_name=True,
        local_files_only=True,
    )
    model = FastLanguageModel.get_peft_model(
        model,
        r=settings["lora_r"],
        lora_alpha=settings["lora_alpha"],
        lora_dropout=0.0,
        use_gradient_checkpointing=False,
    )
    return model, None


def main() -> None:
    answers_to = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what the libraries print must not stand among the answers
    setup = json.loads(sys.stdin.readline())
    (ours if setup["kind"].startswith("ours") else trl)(
        setup, lambda message: print(json.dumps(message), file=answers_to, flush=True)
    )


if __name__ == "__main__":
    main()
