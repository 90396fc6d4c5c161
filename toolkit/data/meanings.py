"""The evaluation items' meanings, kept with a run so that every row can be compared with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.data.embeddings import FIX, Embedder, open_embedder
from toolkit.errors import ModelError
from toolkit.paths import write_text
from toolkit.types import Item, SplitName

if TYPE_CHECKING:
    from toolkit.data.sealed import Sealed

FILE = "meanings.json"
SAME_MEANING = 0.85
"""Cosine from which on a text says the same as an item: measured, docs/results.md has the other thresholds."""


class Meanings:
    """Vectors of items, by split and id. No text."""

    def __init__(self, keys: Sequence[tuple[SplitName, str]], vectors: Any, embed: Embedder) -> None:
        self._keys, self._vectors, self._embed = list(keys), vectors, embed

    def expect(self, texts: Sequence[str]) -> None:
        """Embed together what will be asked for next."""
        if self._keys:
            self._embed(texts)

    def nearest(self, text: str) -> tuple[SplitName, str, float] | None:
        """The item that a text is nearest to, when it says the same: split, item id, cosine."""
        if not self._keys:
            return None
        cosines = self._vectors @ self._embed([text])[0]
        best = int(cosines.argmax())
        return (*self._keys[best], float(cosines[best])) if cosines[best] >= SAME_MEANING else None


def write_meanings(
    folder: Path,
    items: Mapping[SplitName, Sequence[Item]],
    sealed: Sealed | None = None,
    own: Callable[[str], str] = str,
) -> bool:
    """Keep the vectors of all items in a run's data folder; False when there are no weights to make them with.

    Args:
        own: what a text has beside that which many items share, as the firewall will ask for it.
    """
    opened = open_embedder()
    if opened is None:
        return False

    def embed(texts: Sequence[str]) -> Any:
        return opened([own(text) for text in texts])

    keys = [(split, item.id) for split, found in items.items() for item in found]
    vectors = [*embed([item.input for found in items.values() for item in found])]
    if sealed and sealed.count:
        ids, found = sealed.embedded(embed)
        keys, vectors = [*keys, *(("private", item_id) for item_id in ids)], [*vectors, *found]
    listed = [[round(float(number), 5) for number in vector] for vector in vectors]
    write_text(folder / FILE, json.dumps({"keys": keys, "vectors": listed}))
    return True


def read_meanings(folder: Path) -> Meanings | None:
    """The meanings that a run began with; None when it began without.

    Raises ModelError when the weights were there then and are gone: the rows would be checked by other rules.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    embed = open_embedder()
    if embed is None:
        raise ModelError("this run compares meanings, and the weights for it are gone", FIX)
    import numpy as np

    found = json.loads(path.read_text(encoding="utf-8"))
    keys = [(split, item_id) for split, item_id in found["keys"]]
    return Meanings(keys, np.asarray(found["vectors"], dtype=np.float32), embed)
