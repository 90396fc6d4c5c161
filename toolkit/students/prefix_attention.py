"""Attention over a prefix that all rows of a batch share, without copying it for each row.

Repeating the keys and values of 350 prompt tokens for every row, layer and step moves more
memory than the rest of the model. Here each row keeps only its own; the scores against the
prefix are one matrix product for all rows together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from toolkit.students.joined_rows import JoinedRows

NAME = "schoolhouse_prefix"


class PrefixAttention:
    """An attention function for transformers. `prefix` holds keys and values by layer, or nothing.

    Shapes: queries rows x heads x tokens x width, keys and values rows x kv heads x tokens x
    width, prefix kv heads x tokens x width.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self.prefix: list[tuple[Any, Any]] = []
        self._here = threading.local()

    @contextmanager
    def of(self, joined: JoinedRows) -> Iterator[None]:
        """In this thread queries, keys and values are those of joined rows, until this ends."""
        self._here.joined = joined
        try:
            yield
        finally:
            self._here.joined = None

    def install(self, model: Any) -> None:
        """Let the model use it."""
        from transformers import AttentionInterface

        AttentionInterface.register(NAME, self)
        model.config._attn_implementation = NAME

    def __call__(
        self, module: Any, query: Any, key: Any, value: Any, attention_mask: Any, *, scaling: float, **_: Any
    ) -> tuple[Any, None]:
        torch, joined = self._torch, getattr(self._here, "joined", None)
        if joined:
            query, key, value = (joined.apart(one) for one in (query, key, value))
        rows, heads, tokens, width = query.shape
        groups = key.shape[1]
        # query heads that share a key head stand together
        asked = (query * scaling).reshape(rows, groups, -1, width)
        scores = asked @ key.transpose(-1, -2)
        scores = scores.view(rows, groups, -1, tokens, key.shape[2])
        scores = scores.masked_fill(~attention_mask[:, :, None], torch.finfo(scores.dtype).min).flatten(2, 3)
        shared = self.prefix[module.layer_idx] if self.prefix else None
        if shared is not None:
            scores = torch.cat([_over_all_rows(asked, shared[0].transpose(-1, -2)), scores], dim=-1)
        weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
        own = weights[..., -key.shape[2] :] @ value
        if shared is not None:
            own = own + _over_all_rows(weights[..., : -key.shape[2]], shared[1])
        attended = own.view(rows, heads, tokens, width).transpose(1, 2)
        return joined.join(attended) if joined else attended, None


def _over_all_rows(left: Any, right: Any) -> Any:
    """rows x groups x a x b times groups x b x c, as one product for each group."""
    rows, groups, length, _ = left.shape
    product = left.transpose(0, 1).flatten(1, 2) @ right
    return product.view(groups, rows, length, -1).transpose(0, 1)
