"""The Vendi score of texts: how many fully different texts would be as varied.

It is the exponential of the entropy of the eigenvalues of K / n, where K holds the
similarity of every pair (Friedman and Dieng 2023, arXiv 2210.02410).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from toolkit.data.near_duplicates import hashed, normalise

GRAM = 4
SAMPLE = 300
"""More texts than this are sampled: eigenvalues cost the cube of their number."""

KERNEL = f"cosine of TF-IDF of character {GRAM}-grams, on at most {SAMPLE} texts"


def vendi_score(texts: Sequence[str]) -> float:
    """From 1, all texts the same, to their number, nothing in common; 0 for no texts.

    The sample of a large collection is chosen by a hash of the texts, whatever their order.
    """
    if not texts:
        return 0.0
    normal = sorted((normalise(text) for text in texts), key=lambda text: (hashed(text), text))[:SAMPLE]
    return vendi(similarities(normal))


def vendi(kernel: NDArray[np.float64]) -> float:
    """The Vendi score of a matrix of similarities: symmetric, positive semidefinite, ones on its diagonal."""
    eigenvalues = np.linalg.eigvalsh(kernel / len(kernel))
    shares = eigenvalues[eigenvalues > 1e-12]
    shares = shares / shares.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    return float(min(max(np.exp(entropy), 1.0), len(kernel)))


def similarities(texts: Sequence[str]) -> NDArray[np.float64]:
    """Cosine of every pair of normalised texts, n × n, from 0 to 1."""
    grams = [_grams(text) for text in texts]
    documents = Counter(gram for counts in grams for gram in counts)
    # a ratio of counts: writing every text twice changes nothing
    weights = {gram: 1.0 + math.log(len(texts) / count) for gram, count in documents.items()}
    lengths = [math.sqrt(sum((count * weights[gram]) ** 2 for gram, count in counts.items())) for counts in grams]
    # a gram of one text only makes that text longer; it has no part in any other similarity
    places = {gram: place for place, gram in enumerate(sorted(gram for gram, count in documents.items() if count > 1))}
    vectors = np.zeros((len(texts), len(places)), dtype=np.float32)
    for row, counts in enumerate(grams):
        for gram, count in counts.items():
            if gram in places:
                vectors[row, places[gram]] = count * weights[gram] / lengths[row]
    kernel = np.asarray(vectors @ vectors.T, dtype=np.float64)
    np.fill_diagonal(kernel, 1.0)
    return kernel


def _grams(text: str) -> Counter[str]:
    padded = f" {text} "
    return Counter(padded[start : start + GRAM] for start in range(max(1, len(padded) - GRAM + 1)))
