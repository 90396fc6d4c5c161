"""Attention over packed rows: the block mask, block by block, and leads that cores lend each other.

One core computes the leads; the others borrow their keys and values in each layer, and give
the gradients back. So a lead costs its tokens once, and the cores meet twice in a layer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from toolkit.training.packing import Part

NAME = "schoolhouse_packed"
_REFUSED = ("softcap", "s_aux", "position_bias")


class NotPackableError(RuntimeError):
    """The model's attention is of a kind that is not known here."""


class AbandonedError(RuntimeError):
    """Another core failed, so nothing more will be lent."""


class Board:
    """Where the parts of one batch leave each other keys, values and gradients, by layer."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.borrowers = [number for number, part in enumerate(parts) if part.borrows]
        self._changed = threading.Condition()
        self._left: dict[tuple[str, int, int], Any] = {}
        self._abandoned = False

    def put(self, kind: str, layer: int, part: int, value: Any) -> None:
        with self._changed:
            self._left[kind, layer, part] = value
            self._changed.notify_all()

    def take(self, kind: str, layer: int, part: int) -> Any:
        """Wait for what `part` leaves. Raises AbandonedError when it never will."""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or (kind, layer, part) in self._left)
            if self._abandoned:
                raise AbandonedError
            return self._left[kind, layer, part]

    def abandon(self) -> None:
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()


class PackedAttention:
    """An attention function for transformers. `computing` says which part this thread computes."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._lend, self._borrow = _functions(torch)
        self._here = threading.local()
        self._masks: dict[tuple[int, int, int, str], Any] = {}

    def install(self, model: Any) -> None:
        """Let the model use it."""
        from transformers import AttentionInterface

        AttentionInterface.register(NAME, self)
        model.config._attn_implementation = NAME

    @contextmanager
    def computing(self, part: Part, number: int, board: Board) -> Iterator[None]:
        """Attention in this thread is that of part `number`, until this ends."""
        self._here.now = (part, number, board)
        try:
            yield
        except BaseException:
            board.abandon()  # the others wait for this part
            raise
        finally:
            self._here.now = None

    def __call__(
        self,
        module: Any,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any,
        *,
        scaling: float,
        dropout: float = 0.0,
        sliding_window: int | None = None,
        **others: Any,
    ) -> tuple[Any, None]:
        """Shapes: queries 1 x heads x tokens x width, keys and values 1 x kv heads x tokens x width."""
        torch = self._torch
        part, number, board = self._here.now
        if any(others.get(name) is not None for name in _REFUSED):
            raise NotPackableError(f"attention with {', '.join(others)}")
        if sliding_window is not None and max(part.positions) >= sliding_window:
            raise NotPackableError(f"a window of {sliding_window} tokens")
        key, value, leads = self._leads(part, number, board, module.layer_idx, key, value)
        _, heads, _, width = query.shape
        groups = heads // key.shape[1]
        blocks = zip(
            query.split(part.lengths, 2),
            key.split(part.lengths, 2),
            value.split(part.lengths, 2),
            part.sees,
            strict=True,
        )
        found = []
        for asked, k, v, lead in blocks:
            if lead is not None:
                k, v = torch.cat([leads[lead][0], k], 2), torch.cat([leads[lead][1], v], 2)
            own = asked.shape[2]
            # query heads that share a key head stand together, so keys need no copies
            asked = asked.reshape(1, -1, groups * own, width)
            answer = torch.nn.functional.scaled_dot_product_attention(
                asked,
                k,
                v,
                attn_mask=self._mask(groups, own, k.shape[2], query.device),
                dropout_p=dropout,
                scale=scaling,
            )
            found.append(answer.reshape(1, heads, own, width))
        return torch.cat(found, 2).transpose(1, 2).contiguous(), None

    def _leads(
        self, part: Part, number: int, board: Board, layer: int, key: Any, value: Any
    ) -> tuple[Any, Any, list[tuple[Any, Any]]]:
        """Keys and values of the part, and those of each lead."""
        if not part.leads:
            return key, value, []
        if part.holds_leads:
            if board.borrowers:
                key, value = self._lend.apply(key, value, board, layer, part.lent)
            k, v = key[:, :, : part.lent], value[:, :, : part.lent]
        elif not part.borrows:
            return key, value, []  # who takes nothing gives no gradient back
        else:
            k, v = self._borrow.apply(key, value, board, layer, number)
        return key, value, list(zip(k.split(part.leads, 2), v.split(part.leads, 2), strict=True))

    def _mask(self, groups: int, own: int, seen: int, device: Any) -> Any:
        """groups*own x seen: a token sees the lead, its row's earlier tokens and itself."""
        known = self._masks.get((groups, own, seen, str(device)))
        if known is None:
            torch = self._torch
            known = torch.ones(own, seen, dtype=torch.bool, device=device).tril(seen - own).repeat(groups, 1)
            self._masks[groups, own, seen, str(device)] = known
        return known


def _functions(torch: Any) -> tuple[Any, Any]:
    """The two ends of a loan: keys and values go one way, their gradients come back the other."""

    class Lend(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, key: Any, value: Any, board: Board, layer: int, lent: int) -> tuple[Any, Any]:
            ctx.loan = board, layer, lent
            board.put("lent", layer, 0, (key[:, :, :lent].detach(), value[:, :, :lent].detach()))
            return key.view_as(key), value.view_as(value)

        @staticmethod
        def backward(ctx: Any, key: Any, value: Any) -> tuple[Any, ...]:
            board, layer, lent = ctx.loan
            key, value = key.clone(), value.clone()
            for part in board.borrowers:  # always in this order: sums are the same each time
                k, v = board.take("returned", layer, part)
                key[:, :, :lent] += k
                value[:, :, :lent] += v
            return key, value, None, None, None

    class Borrow(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, key: Any, value: Any, board: Board, layer: int, number: int) -> tuple[Any, Any]:
            # own keys and values are named only so that gradients come this way
            ctx.loan = board, layer, number
            k, v = board.take("lent", layer, 0)
            return k.view_as(k), v.view_as(v)

        @staticmethod
        def backward(ctx: Any, key: Any, value: Any) -> tuple[Any, ...]:
            board, layer, number = ctx.loan
            board.put("returned", layer, number, (key, value))
            return None, None, None, None, None

    return Lend, Borrow
