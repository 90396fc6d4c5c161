"""What the torch trainer and the torch student must do alike: load, render, find the answer's end.

Runs in child processes only; torch and transformers are imported when a function is called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.hardware.machine import usable_cores
from toolkit.types import Message

MOST_WORKERS = 4
UNTHINKING = {"enable_thinking": False}
"""For chat templates that know how to: a student answers at once, in training and when asked; others ignore it."""


def workers() -> int:
    """How many parts of a batch are computed at the same time on the CPU, each by few threads.

    Two threads that share every matrix product meet 19,000 times in a training step; on a
    busy 2-core machine such a step took 13 s, and 1.9 s when each thread had its own rows.
    """
    return min(usable_cores(), MOST_WORKERS)


def import_torch() -> Any:
    """Torch, with the cores shared out among `workers()`."""
    # read once, when libgomp is loaded: threads that wait for each other soon go to sleep
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // workers())))
    import torch

    return torch


def device(torch: Any) -> str:
    """`cuda`, `mps` or `cpu`: the best that this machine has."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def load_model(folder: Path, dtype: str) -> Any:
    """A causal language model in evaluation mode, on the best device."""
    torch = import_torch()
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype), local_files_only=True)
    return model.to(device(torch)).eval()


def render(tokenizer: Any, messages: Sequence[Message], *, prompt: bool = True, as_served: bool = False) -> str:
    """The chat template's text; with `prompt`, up to where the assistant's answer begins.

    `as_served`: as programs render it that say nothing about thinking.
    """
    said = {} if as_served else UNTHINKING
    return str(tokenizer.apply_chat_template(list(messages), add_generation_prompt=prompt, tokenize=False, **said))


def token_ids(tokenizer: Any, text: str) -> list[int]:
    """Ids of rendered text, its special tokens recognised and none added."""
    return [int(token) for token in tokenizer(text, add_special_tokens=False)["input_ids"]]


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Ids of a prompt, exactly as every student is asked and trained."""
    return token_ids(tokenizer, render(tokenizer, messages))


def end_ids(tokenizer: Any, model: Any) -> set[int]:
    """The tokens that end an answer: the model's own, and the one its chat template puts there."""
    named = model.generation_config.eos_token_id
    found = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])} - {None}
    turns: list[Message] = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    ending = token_ids(tokenizer, render(tokenizer, turns, prompt=False).rpartition("b")[2])
    return found | {token for token in ending[:1] if token in tokenizer.all_special_ids}


def common_prefix(rows: Sequence[list[int]]) -> int:
    """How many leading tokens all rows share, leaving each at least one of its own."""
    if not rows:
        return 0
    first, last = min(rows), max(rows)  # in sorted order these two differ earliest
    most = min(len(row) for row in rows) - 1
    return next((i for i in range(most) if first[i] != last[i]), max(most, 0))


def shared_cache(body: Any, prefix: Any, rows: int) -> Any:
    """Keys and values of `prefix` (1 x tokens), computed once and seen by each of `rows` rows.

    Gradients flow through it, so that training on the rows equals training on whole rows.
    """
    from transformers import DynamicCache

    cache = DynamicCache(config=body.config)
    body(input_ids=prefix, past_key_values=cache, use_cache=True)
    for layer in cache.layers:
        layer.keys = layer.keys.expand(rows, -1, -1, -1)
        layer.values = layer.values.expand(rows, -1, -1, -1)
    return cache


def peak_bytes() -> int:
    """The most memory that this process has held so far (resident), in bytes."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
