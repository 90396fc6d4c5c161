"""The loss of a batch and its gradients, on all cores.

Three things make it fast on a CPU. A beginning that rows share is computed once, and gradients
flow back through it (`packing`). The vocabulary's logits are computed only where an answer token
is predicted. And each core works on rows of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from toolkit.training.encode import Encoded
from toolkit.training.packed_attention import AbandonedError, Board, NotPackableError, PackedAttention
from toolkit.training.packing import Part, deal

_CHECKED = 2  # short rows, beside the longest
_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2}


class ComputesGradients(Protocol):
    """Computes with a model; see `Gradients`."""

    def of(self, batch: Sequence[Encoded], at_once: int) -> tuple[float, list[Any]]: ...

    def check(self, rows: Sequence[Encoded]) -> str: ...


class Gradients:
    """Computes with a model and the weights of it that are learnt.

    Args:
        model: the causal language model, adapters in place.
        dtype: bfloat16 for mixed precision.
        workers: parts that are computed at the same time.
    """

    def __init__(self, torch: Any, model: Any, weights: Sequence[Any], dtype: str, workers: int) -> None:
        self.torch, self.model, self.weights, self.dtype, self.workers = torch, model, list(weights), dtype, workers
        self.body, self.head = model.get_decoder(), model.get_output_embeddings()
        self.device = model.device
        self.cap = getattr(model.config, "final_logit_softcapping", None)  # Gemma 2
        self.packed, self.share = True, True
        self._plain = model.config._attn_implementation
        self._attention = PackedAttention(torch)
        self._pool = ThreadPoolExecutor(workers)
        self._attention.install(model)

    def of(self, batch: Sequence[Encoded], at_once: int) -> tuple[float, list[Any]]:
        """Mean loss over the answer tokens of a batch, and its gradients; `at_once` rows are computed at a time.

        Everything is added in an order that the batch alone decides.
        """
        answers = sum(len(row.ids) - row.start for row in batch)
        loss, gradients = 0.0, None
        for begin in range(0, len(batch), at_once):
            for found, more in self._rows(batch[begin : begin + at_once], answers):
                loss += found
                if gradients is None:
                    gradients = list(more)
                else:
                    self.torch._foreach_add_(gradients, list(more))
        return loss, gradients or []

    def check(self, rows: Sequence[Encoded]) -> str:
        """Why packing cannot be used with this model, or nothing: some rows are computed packed and one by one."""
        by_length = sorted(rows, key=lambda row: len(row.ids))
        few = [by_length[-1], *by_length[:-1][:_CHECKED]]  # does the longest fit into a sliding window?
        self.model.eval()  # no dropout
        try:
            with self.torch.no_grad(), self._mixed():
                [part] = deal(few, 1)
                with self._attention.computing(part, 0, Board([part])):
                    packed = float(self._packed_loss(part))
                self._use(packed=False)
                apart = sum(float(self._padded_loss([row])) for row in few)
        except NotPackableError as error:
            self._use(packed=False)
            return str(error)
        finally:
            self.model.train()
        if abs(packed - apart) > _TOLERANCE[self.dtype] * abs(apart):
            return f"packed rows have a loss of {packed:.6f}, rows one by one {apart:.6f}"
        self._use(packed=True)
        return ""

    def _use(self, *, packed: bool) -> None:
        self.packed = packed
        if packed:
            self._attention.install(self.model)
        else:
            self.model.config._attn_implementation = self._plain

    # -- some rows, in parts --------------------------------------------------------------------

    def _rows(self, rows: Sequence[Encoded], answers: int) -> list[tuple[float, Any]]:
        """Loss and gradients of each part of some rows, as their share of a mean over `answers` tokens."""
        if self.packed:
            parts = deal(rows, self.workers, share=self.share)
            board = Board(parts)
            return _all([self._pool.submit(self._part, part, n, board, answers) for n, part in enumerate(parts)])
        # rows of like length stand together: every part gets long and short ones
        dealt = [part for start in range(self.workers) if (part := rows[start :: self.workers])]
        return _all([self._pool.submit(self._padded, part, answers) for part in dealt])

    def _part(self, part: Part, number: int, board: Board, answers: int) -> tuple[float, Any]:
        with self._attention.computing(part, number, board):
            with self._mixed():
                loss = self._packed_loss(part) / answers
            return float(loss.item()), self._backward(loss)

    def _padded(self, rows: Sequence[Encoded], answers: int) -> tuple[float, Any]:
        with self._mixed():
            loss = self._padded_loss(rows) / answers
        return float(loss.item()), self._backward(loss)

    def _backward(self, loss: Any) -> Any:
        return self.torch.autograd.grad(loss, self.weights, allow_unused=True, materialize_grads=True)

    def _mixed(self) -> Any:
        """Mixed precision; holds for this thread alone."""
        enabled = self.dtype == "bfloat16"
        return self.torch.autocast(self.device.type, dtype=self.torch.bfloat16, enabled=enabled)

    # -- losses, summed over answer tokens --------------------------------------------------------

    def _packed_loss(self, part: Part) -> Any:
        ids = self.torch.tensor([part.ids], device=self.device)
        positions = self.torch.tensor([part.positions], device=self.device)
        hidden = self.body(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state[0]
        return self._cross_entropy(hidden[self.torch.tensor(part.predicting, device=self.device)], part.targets)

    def _padded_loss(self, rows: Sequence[Encoded]) -> Any:
        """Padding stands behind a row, where causal attention never looks: no mask is needed."""
        torch, longest = self.torch, max(len(row.ids) for row in rows)
        ids = torch.tensor([row.ids + [0] * (longest - len(row.ids)) for row in rows], device=self.device)
        positions = torch.arange(longest, device=self.device)[None]
        hidden = self.body(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state
        places = [(line, at) for line, row in enumerate(rows) for at in range(row.start - 1, len(row.ids) - 1)]
        line, column = torch.tensor(places, device=self.device).T
        return self._cross_entropy(hidden[line, column], [token for row in rows for token in row.ids[row.start :]])

    def _cross_entropy(self, hidden: Any, targets: list[int]) -> Any:
        logits = self.head(hidden).float()
        if self.cap:
            logits = self.cap * self.torch.tanh(logits / self.cap)
        wanted = self.torch.tensor(targets, device=self.device)
        return self.torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")


def _all(futures: list[Future[tuple[float, Any]]]) -> list[tuple[float, Any]]:
    """Results in order, once none is at work any more. Raises what went wrong first, not what followed from it."""
    wait(futures)
    errors = [error for future in futures if (error := future.exception())]
    if errors:
        raise next((error for error in errors if not isinstance(error, AbandonedError)), errors[0])
    return [future.result() for future in futures]
