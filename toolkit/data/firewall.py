"""The firewall between evaluation items and training rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.data.fingerprints import LONG_RUN, SHORT_RUN, Fingerprint, fingerprint, word_runs
from toolkit.data.meanings import Meanings
from toolkit.data.near_duplicates import THRESHOLD, NearDuplicates, hashed, normalise
from toolkit.types import Item, SplitName

Kind = Literal["exact", "near", "run", "meaning"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that is too close to an evaluation item.

    Args:
        similarity: 1 for the same text; else the share of what both have in common.
        kind: exact (same normalised text), near (character n-grams), run (a run of words copied),
            meaning (the same in other words; only where sentence embeddings are at hand).
    """

    split: SplitName
    item_id: str
    similarity: float
    kind: Kind

    @property
    def words(self) -> str:
        """For the journal: an item of a sealed split is named by its hash alone."""
        return f"{self.kind} {self.similarity:.2f} to {self.split} item {self.item_id}"


class Firewall:
    """Knows all evaluation items by their hashes and says which a text is too close to."""

    def __init__(
        self,
        public: Iterable[Item],
        gate: Iterable[Item],
        sealed: Sequence[Fingerprint],
        threshold: float = THRESHOLD,
        meanings: Meanings | None = None,
    ) -> None:
        prints: list[tuple[SplitName, Fingerprint]] = [("private", one) for one in sealed]
        prints += [("gate", fingerprint(item)) for item in gate]
        prints += [("public", fingerprint(item)) for item in public]
        self._known, self._meanings = prints, meanings
        self._exact: dict[str, int] = {}
        self._runs: dict[str, int] = {}
        self._near = NearDuplicates(threshold)
        for index, (_, one) in enumerate(prints):
            self._exact.setdefault(one.exact, index)
            for run in one.runs:
                self._runs.setdefault(run, index)
            self._near.add_shingles(one.shingles)

    def expect(self, texts: Sequence[str]) -> None:
        """Say which texts will be checked next: their meanings are looked up together, which is much faster."""
        if self._meanings:
            self._meanings.expect(texts)

    def check(self, text: str) -> Hit | None:
        """The evaluation item that a text is too close to; the most guarded one of equally close."""
        normal = normalise(text)
        same = self._exact.get(hashed(normal))
        if same is not None:
            return self._hit(same, 1.0, "exact")
        near = self._near.nearest(text)
        if near:
            return self._hit(near[0], near[1], "near")
        return self._copied(normal.split()) or self._same_meaning(text)

    def _copied(self, words: list[str]) -> Hit | None:
        for size in range(LONG_RUN, SHORT_RUN - 1, -1):
            found = word_runs(words, size) if len(words) >= size else frozenset()
            for index in sorted(self._runs[run] for run in found & self._runs.keys()):
                runs = self._known[index][1].runs
                return self._hit(index, len(runs & found) / len(runs), "run")
        return None

    def _same_meaning(self, text: str) -> Hit | None:
        found = self._meanings.nearest(text) if self._meanings else None
        return Hit(*found, "meaning") if found else None

    def _hit(self, index: int, similarity: float, kind: Kind) -> Hit:
        split, one = self._known[index]
        return Hit(split, one.item_id, similarity, kind)
