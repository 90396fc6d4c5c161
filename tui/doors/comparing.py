"""Runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.comparing import Comparison


class CompareDoor:
    """What the Compare screen asks. It may block."""

    def compare(self, folders: Sequence[Path]) -> Comparison:
        """Raises SchoolhouseError when they have nothing in common."""
        from toolkit.run.compare import compare, runs_to_compare
        from tui.comparing import comparison

        return comparison(compare(runs_to_compare([str(folder.resolve()) for folder in folders])))
