"""Texts that say the same thing in nearly the same words.

Similarity is the Jaccard index of character 4-grams of the normalised text: for chat
messages of 5 to 30 words it forgives a typo, another word or another order, where word
n-grams forgive nothing. MinHash proposes candidates, the exact index decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from rensa import RMinHash, RMinHashLSH

THRESHOLD = 0.7
"""From here on two messages count as one: the same words but for one in ten or a typo or two."""

SHINGLE = 4
PERMUTATIONS = 128
BANDS = 32  # 32 bands of 4 find a pair of similarity 0.6 with 99 %, one of 0.7 practically always
SEED = 20260530

Shingles = frozenset[str]
"""Hashed character 4-grams of a text: enough to compare it with others, not to read it."""

_APOSTROPHES = re.compile(r"['’‘`´]")
_SEPARATORS = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """What is left of a text without case, punctuation, Unicode variants and extra spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = _SEPARATORS.sub(" ", _APOSTROPHES.sub("", unicodedata.normalize("NFKC", folded))).strip()
    return words or " ".join(folded.split())  # a text of signs only, such as "???" or an emoji, stays itself


def shingles(text: str) -> Shingles:
    """The hashed character 4-grams of the normalised text; the same on every machine."""
    padded = f" {normalise(text)} "
    last = max(1, len(padded) - SHINGLE + 1)
    return frozenset(hashed(padded[start : start + SHINGLE]) for start in range(last))


@lru_cache(maxsize=65_536)
def hashed(text: str) -> str:
    """A short stable hash of a piece of text, 12 hex digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def similarity(first: Shingles, second: Shingles) -> float:
    """The Jaccard index: 0 for nothing in common, 1 for the same."""
    return len(first & second) / len(first | second)


class NearDuplicates:
    """A growing collection of texts that can be asked for the nearest one."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self._known: list[Shingles] = []
        self._index = RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=BANDS)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, text: str) -> None:
        """Remember a text; it gets the next index, from 0."""
        self.add_shingles(shingles(text))

    def add_shingles(self, found: Shingles) -> None:
        """Remember a text that is known by its hashes only."""
        self._index.insert(len(self._known), _sketch(found))
        self._known.append(found)

    def nearest(self, text: str) -> tuple[int, float] | None:
        """The index and similarity of the nearest text at or above the threshold."""
        return self.nearest_shingles(shingles(text))

    def nearest_shingles(self, found: Shingles) -> tuple[int, float] | None:
        """The same for a text of which only some shingles count."""
        near = self.near(found)
        return max(near, key=lambda pair: (pair[1], -pair[0])) if near else None

    def near(self, found: Shingles) -> list[tuple[int, float]]:
        """Index and similarity of every text at or above the threshold."""
        candidates = ((index, similarity(found, self._known[index])) for index in self._index.query(_sketch(found)))
        return [(index, value) for index, value in candidates if value >= self.threshold]


def groups(texts: Sequence[str], threshold: float = THRESHOLD) -> list[list[int]]:
    """Indices of texts that are near-duplicates of each other, directly or through others.

    Every index is in exactly one group; a text without near-duplicates is alone in its own.
    """
    parents = list(range(len(texts)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    known = NearDuplicates(threshold)
    for index, text in enumerate(texts):
        found = shingles(text)
        for other, _ in known.near(found):
            parents[root(other)] = root(index)
        known.add_shingles(found)
    members: dict[int, list[int]] = {}
    for index in range(len(texts)):
        members.setdefault(root(index), []).append(index)
    return list(members.values())


def _sketch(found: Shingles) -> RMinHash:
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(sorted(found))
    return sketch
