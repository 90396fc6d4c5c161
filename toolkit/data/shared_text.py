"""What many items share, such as a database's schema or a form's text: it tells nothing about two of them.

With one such text in all questions everything would be one near-duplicate group, and every row a leak. Only a run
of 8 words makes a text shared: ordinary messages have none that a fifth of them share, and for them nothing changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, groupby

from toolkit.data.fingerprints import LONG_RUN, word_runs
from toolkit.data.near_duplicates import hashed, normalise

SHARE, LEAST = 0.2, 8
"""Shared is what stands in more than such a share of all items, and in at least so many."""


def shared(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """The hashes, of runs or of shingles, that many items have."""
    counts = Counter(chain.from_iterable(sets))
    least = max(LEAST, int(SHARE * len(sets)) + 1)
    return frozenset(found for found, count in counts.items() if count >= least)


def own_parts(words: Sequence[str], runs: frozenset[str]) -> list[list[str]]:
    """The stretches of a text that no shared run covers."""
    covered: set[int] = set()
    for start in range(len(words) - LONG_RUN + 1) if runs else ():
        if hashed(" ".join(words[start : start + LONG_RUN])) in runs:
            covered.update(range(start, start + LONG_RUN))
    by_cover = groupby(range(len(words)), key=covered.__contains__)
    return [[words[place] for place in places] for is_covered, places in by_cover if not is_covered]


def own_text(text: str, runs: frozenset[str]) -> str:
    """A text, normalised, without what it shares; unchanged when it shares nothing, and when nothing would be left."""
    words = normalise(text).split()
    left = " ".join(chain.from_iterable(own_parts(words, runs)))
    return left if left and left != " ".join(words) else text


def own_texts(texts: Sequence[str]) -> list[str]:
    """Each text without what many of them share."""
    runs = shared([word_runs(normalise(text).split(), LONG_RUN) for text in texts])
    return [own_text(text, runs) for text in texts] if runs else list(texts)
