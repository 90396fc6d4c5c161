"""Rows that say the same in other words: the near-duplicates that character n-grams cannot see.

Optional, since it needs the weights of `toolkit.data.embeddings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from toolkit.data.embeddings import Embedder

THRESHOLD = 0.95
"""Cosine from which on two messages count as one. Chosen, not measured: messages of one label are near each
other by nature, so it stands above the firewall's 0.85, which may turn away too much rather than too little."""

GROWTH = 256


class SameMeaning:
    """A growing collection of texts that can be asked for the nearest one, by the cosine of their vectors.

    Args:
        embed: remembers what it embedded lately, as that of `open_embedder` does; `expect` stands on that.
    """

    def __init__(self, embed: Embedder, threshold: float = THRESHOLD) -> None:
        self._embed, self._threshold = embed, threshold
        self._waiting: list[str] = []
        self._count = 0
        self._vectors: Any = None

    def expect(self, texts: Sequence[str]) -> None:
        """Embed together what will be asked for next: a batch takes far less time than its texts one by one."""
        self._embed([*self._waiting, *texts])

    def add(self, text: str) -> None:
        """Remember a text; it gets the next index, from 0."""
        self._waiting.append(text)

    def nearest(self, text: str) -> tuple[int, float] | None:
        """The index and cosine of the nearest text at or above the threshold; the first of equally near ones."""
        for vector in self._embed(self._waiting) if self._waiting else ():
            self._append(vector)
        self._waiting = []
        if not self._count:
            return None
        cosines = self._vectors[: self._count] @ self._embed([text])[0]
        best = int(cosines.argmax())
        return (best, float(cosines[best])) if cosines[best] >= self._threshold else None

    def _append(self, vector: Any) -> None:
        if self._vectors is None or self._count == len(self._vectors):
            room = np.zeros((GROWTH + self._count, len(vector)), dtype=np.float32)
            if self._count:
                room[: self._count] = self._vectors
            self._vectors = room
        self._vectors[self._count] = vector
        self._count += 1
