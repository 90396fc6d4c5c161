"""Rows of a batch in one sequence without padding, for everything but attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class JoinedRows:
    """Where each row stands in the sequence. Apart, rows are padded on the left to the longest one.

    Args:
        lengths: tokens of each row.
    """

    def __init__(self, torch: Any, lengths: Sequence[int], device: Any) -> None:
        self.ends = torch.tensor(lengths, device=device).cumsum(0)
        from_the_right = torch.arange(max(lengths), device=device) - max(lengths)
        self.seen = from_the_right >= -torch.tensor(lengths, device=device)[:, None]
        """Rows x tokens: False where a row is padded."""
        self._places = (self.ends[:, None] + from_the_right).clamp(min=0)  # padding holds any token: it is masked

    def apart(self, joined: Any) -> Any:
        """1 x heads x all tokens x width as rows x heads x tokens x width."""
        return joined[0][:, self._places].transpose(0, 1)

    def join(self, apart: Any) -> Any:
        """Rows x tokens x heads x width as 1 x all tokens x heads x width."""
        return apart[self.seen][None]
