"""lm-evaluation-harness as a contestant of `evaluation.py`: a process of its own, JSON lines in and out.

The requests are the instances that its `evaluate` would hand to the model for such a task: `generate_until`, or one
`loglikelihood` for each label (`multiple_choice`). Only the model's own work on them is timed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def load(setup: dict[str, Any]) -> Any:
    """The `hf` model on the CPU, an adapter merged into its weights."""
    import torch
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(setup["model"], dtype=torch.float32, local_files_only=True)
    if setup["adapter"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, setup["adapter"]).merge_and_unload()
    tokenizer = AutoTokenizer.from_pretrained(setup["model"], local_files_only=True)
    model = model.to(getattr(torch, setup["dtype"])).eval()
    return HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1, device="cpu")


def generated(lm: Any, contexts: list[str], most: int) -> list[str]:
    """Greedy answers up to the end of the turn."""
    from lm_eval.api.instance import Instance

    settings = {"until": ["<|im_end|>"], "max_gen_toks": most, "do_sample": False}
    asked = [Instance("generate_until", {}, (text, dict(settings)), place) for place, text in enumerate(contexts)]
    return [answer.strip() for answer in lm.generate_until(asked, disable_tqdm=True)]


def chosen(lm: Any, contexts: list[str], labels: list[str]) -> list[str]:
    """The likeliest label for each context."""
    from lm_eval.api.instance import Instance

    asked = [
        Instance("loglikelihood", {}, (text, label), place) for text in contexts for place, label in enumerate(labels)
    ]
    found = [likelihood for likelihood, _ in lm.loglikelihood(asked, disable_tqdm=True)]
    per_item = [found[start : start + len(labels)] for start in range(0, len(found), len(labels))]
    return [labels[max(range(len(labels)), key=one.__getitem__)] for one in per_item]


def main() -> None:
    answers_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the libraries print must not stand among the answers
    lm = load(json.loads(sys.stdin.readline()))
    print(json.dumps({"ready": True}), file=answers_to, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        contexts = [lm.apply_chat_template(prompt) for prompt in asked["prompts"]]
        lm.batch_size_per_gpu = asked["batch"]
        begun = time.perf_counter()
        labels = asked["labels"]
        answers = chosen(lm, contexts, labels) if labels else generated(lm, contexts, asked["most"])
        seconds = time.perf_counter() - begun
        print(json.dumps({"answers": answers, "seconds": seconds}), file=answers_to, flush=True)


if __name__ == "__main__":
    main()
