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
        sizes = torch.tensor(lengths, device=device)
        self.ends, self.longest = sizes.cumsum(0), max(lengths)
        self.padding = self.longest - sizes
        places = torch.arange(self.longest, device=device)
        self.seen = places >= self.padding[:, None]
        """Rows x tokens: False where a row is padded."""
        self._places = (self.ends[:, None] - self.longest + places).clamp(min=0)  # padding is masked: any token will do

    def apart(self, joined: Any) -> Any:
        """1 x heads x all tokens x width as rows x heads x tokens x width."""
        return joined[0][:, self._places].transpose(0, 1)

    def join(self, apart: Any) -> Any:
        """Rows x tokens x heads x width as 1 x all tokens x heads x width."""
        return apart[self.seen][None]
