"""The firewall between evaluation items and training rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.data.fingerprints import LONG_RUN, SHORT_RUN, Fingerprint, fingerprint, word_runs
from toolkit.data.meanings import Meanings
from toolkit.data.near_duplicates import THRESHOLD, NearDuplicates, Shingles, hashed, normalise, shingles
from toolkit.data.shared_text import own_parts, own_text, shared
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
        self._shared = shared([one.runs for _, one in prints])
        self._ignored = shared([one.shingles for _, one in prints]) if self._shared else frozenset()
        self._exact: dict[str, int] = {}
        self._runs: dict[str, int] = {}
        self._near = NearDuplicates(threshold)
        for index, (_, one) in enumerate(prints):
            self._exact.setdefault(one.exact, index)
            for run in one.runs - self._shared:
                self._runs.setdefault(run, index)
            self._near.add_shingles(self._telling(one.shingles))

    def expect(self, texts: Sequence[str]) -> None:
        """Say which texts will be checked next: their meanings are looked up together, which is much faster."""
        if self._meanings:
            self._meanings.expect([self.own(text) for text in texts])

    def own(self, text: str) -> str:
        """A text without what many items share: a schema, a form."""
        return own_text(text, self._shared)

    def check(self, text: str) -> Hit | None:
        """The evaluation item that a text is too close to; the most guarded one of equally close."""
        normal = normalise(text)
        same = self._exact.get(hashed(normal))
        if same is not None:
            return self._hit(same, 1.0, "exact")
        near = self._near.nearest_shingles(self._telling(shingles(text)))
        if near:
            return self._hit(near[0], near[1], "near")
        return self._copied(own_parts(normal.split(), self._shared)) or self._same_meaning(self.own(text))

    def _telling(self, found: Shingles) -> Shingles:
        """The shingles that few items have; all of them where there are no such ones."""
        return found - self._ignored or found

    def _copied(self, parts: Sequence[list[str]]) -> Hit | None:
        for size in range(LONG_RUN, SHORT_RUN - 1, -1):
            found = frozenset[str]().union(*(word_runs(part, size) for part in parts))
            for index in sorted(self._runs[run] for run in found & self._runs.keys()):
                runs = self._known[index][1].runs - self._shared
                return self._hit(index, len(runs & found) / len(runs), "run")
        return None

    def _same_meaning(self, text: str) -> Hit | None:
        found = self._meanings.nearest(text) if self._meanings else None
        return Hit(*found, "meaning") if found else None

    def _hit(self, index: int, similarity: float, kind: Kind) -> Hit:
        split, one = self._known[index]
        return Hit(split, one.item_id, similarity, kind)
