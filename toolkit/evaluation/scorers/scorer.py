"""The seam: what a scorer is."""

from __future__ import annotations

from collections.abc import Callable

from toolkit.types import Item

Scorer = Callable[[Item, str], float]
"""From an item and an untrusted answer to a score between 0 and 1. Pure; raises nothing for any answer."""
