"""How varied a submission is: a card of measures, and its warnings in plain words.

The measures look at different things on purpose. Distinct-n (Li et al. 2016) counts words,
the Vendi score (Friedman and Dieng 2023, "The Vendi Score: A Diversity Evaluation Metric
for Machine Learning") counts how many fully different texts would be as varied, template
dominance sees what both forgive: hundreds of rows that begin in the same way.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from toolkit.data.near_duplicates import NearDuplicates, normalise, shingles
from toolkit.data.vendi import KERNEL, SAMPLE, vendi_score
from toolkit.types import Json, Row

SOFT_DUPLICATE = 0.5
"""Jaccard index of character 4-grams; the check that rejects rows begins at 0.7."""

OPENING_WORDS = 3
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

DISTANCE = "Jensen-Shannon divergence of word frequencies, base 2 (0 the same, 1 no word in common)"


@dataclass(frozen=True, slots=True)
class DiversityCard:
    """The variety of n rows. Shares and entropies lie between 0 and 1; None was not to be had.

    Args:
        distinct: share of different word n-grams among all, for n = 1, 2, 3. Falls as n rows grow.
        near_duplicate_rate: share of rows that have a near relative among the others.
        vendi: the number of fully different texts that would be as varied, 1 to `vendi_n`, the rows it is of.
        opening: the most common first words; opening_share: the share of rows that begin so.
        label_entropy: 1 for a balanced mix, 0 for one label only.
        topic_entropy: the same for `meta["topic"]`, where rows have one.
        words: mean, sd and quantiles of the length in words.
        distance: from the public split's word frequencies.
        distance_within_public: between two halves of the public split: what `distance` can reach.
    """

    n: int
    distinct: tuple[float, float, float]
    near_duplicate_rate: float
    vendi: float
    vendi_n: int
    opening: str
    opening_share: float
    label_entropy: float
    topic_entropy: float | None
    labels: dict[str, int]
    words: dict[str, float]
    public_words: float | None
    distance: float | None
    distance_within_public: float | None

    @property
    def vendi_share(self) -> float:
        """The Vendi score per row: 1 when no two rows have anything in common."""
        return self.vendi / self.vendi_n if self.n else 0.0

    def to_json(self) -> dict[str, Json]:
        """For the journal and reports; the measures' definitions go along."""
        names = {"kernel": KERNEL, "near_duplicate": f"Jaccard index of character 4-grams >= {SOFT_DUPLICATE}"}
        figures = {**asdict(self), "distinct": list(self.distinct), "vendi_share": self.vendi_share}
        return {**figures, "definitions": {**names, "distance": DISTANCE}}

    def warnings(self) -> list[str]:
        """What is narrow about these rows, in words for a person or an engineer; empty when nothing is."""
        found = [self._opening_warning(), self._repeats_warning(), self._labels_warning(), *self._length_warnings()]
        return [warning for warning in found if warning]

    def _opening_warning(self) -> str:
        if self.n < 10 or self.opening_share < 0.1:
            return ""
        return f"{self.opening_share:.0%} of rows share one opening: '{self.opening} …'".replace("%", " %")

    def _repeats_warning(self) -> str:
        if self.n < 10 or self.near_duplicate_rate < 0.25:
            return ""
        return f"{self.near_duplicate_rate:.0%} of rows nearly repeat another row".replace("%", " %")

    def _labels_warning(self) -> str:
        if self.label_entropy >= 0.95 or len(self.labels) < 2:
            return ""
        most, least = max(self.labels, key=self.labels.__getitem__), min(self.labels, key=self.labels.__getitem__)
        return f"labels are out of balance: '{most}' has {self.labels[most]} rows, '{least}' {self.labels[least]}"

    def _length_warnings(self) -> list[str]:
        found = []
        mean, sd, median = self.words["mean"], self.words["sd"], self.words["q50"]
        if self.n >= 10 and sd < 0.25 * mean:
            found.append(f"nearly all rows have one length: {mean:.0f} ± {sd:.0f} words")
        if self.n >= 10 and self.public_words and not 2 / 3 <= median / self.public_words <= 3 / 2:
            kind = "longer" if median > self.public_words else "shorter"
            found.append(f"rows are {kind} than public items: {median:.0f} words against {self.public_words:.0f}")
        return found


def diversity_card(rows: Sequence[Row], public_texts: Sequence[str], labels: Iterable[str] = ()) -> DiversityCard:
    """Measure the inputs of rows; the order of rows does not matter.

    Args:
        public_texts: the inputs of the public split; the card holds figures of them, no text.
        labels: all labels of the task, so that one without a row counts; else those that rows have.
    """
    words = [normalise(row.input).split() for row in rows]
    public = [normalise(text).split() for text in public_texts]
    per_label = {**dict.fromkeys(labels, 0), **Counter(row.skill or row.output for row in rows)}
    topics = Counter(str(row.meta["topic"]) for row in rows if row.meta.get("topic"))
    opening, opening_share = most_common_opening(words)
    return DiversityCard(
        n=len(rows),
        distinct=(distinct(words, 1), distinct(words, 2), distinct(words, 3)),
        near_duplicate_rate=near_duplicate_rate([row.input for row in rows]),
        vendi=vendi_score([row.input for row in rows]),
        vendi_n=min(len(rows), SAMPLE),
        opening=opening,
        opening_share=opening_share,
        label_entropy=normalised_entropy(per_label.values()),
        topic_entropy=normalised_entropy(topics.values()) if topics else None,
        labels=dict(sorted(per_label.items())),
        words=spread([len(row) for row in words]),
        public_words=float(np.median([len(text) for text in public])) if public else None,
        distance=divergence(words, public) if words and public else None,
        distance_within_public=divergence(*halves(public)) if len(public) > 1 else None,
    )


def distinct(texts: Iterable[Sequence[str]], size: int) -> float:
    """Different word n-grams as a share of all; 0 when there are none."""
    grams = [tuple(words[start : start + size]) for words in texts for start in range(len(words) - size + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0


def near_duplicate_rate(texts: Sequence[str], threshold: float = SOFT_DUPLICATE) -> float:
    """The share of texts that have another one at or above the threshold."""
    known = NearDuplicates(threshold)
    related: set[int] = set()
    for index, text in enumerate(texts):
        found = shingles(text)
        near = known.near(found)
        related.update(other for other, _ in near)
        related.update([index] if near else [])
        known.add_shingles(found)
    return len(related) / len(texts) if texts else 0.0


def most_common_opening(texts: Sequence[Sequence[str]]) -> tuple[str, float]:
    """The first words that most texts begin with, and the share that does; shorter texts count whole."""
    openings = Counter(" ".join(words[:OPENING_WORDS]) for words in texts)
    if not openings:
        return "", 0.0
    opening, count = min(openings.items(), key=lambda pair: (-pair[1], pair[0]))
    return opening, count / len(texts)


def normalised_entropy(counts: Iterable[int]) -> float:
    """Shannon entropy over its largest possible value; 1 where there is only one kind to choose from."""
    all_counts = list(counts)
    total = sum(all_counts)
    if len(all_counts) < 2 or not total:
        return 1.0 if total else 0.0
    entropy = -sum(count / total * math.log(count / total) for count in all_counts if count)
    return min(1.0, max(0.0, entropy / math.log(len(all_counts))))


def spread(lengths: Sequence[int]) -> dict[str, float]:
    """Mean, standard deviation and quantiles; zeros for nothing."""
    values = np.array(sorted(lengths) or [0], dtype=float)
    marks = np.quantile(values, QUANTILES)
    named = {f"q{round(100 * mark):02d}": float(value) for mark, value in zip(QUANTILES, marks, strict=True)}
    return {"mean": float(values.mean()), "sd": float(values.std()), **named}


def divergence(first: Iterable[Sequence[str]], second: Iterable[Sequence[str]]) -> float:
    """Jensen-Shannon divergence of the word frequencies of two collections, base 2, from 0 to 1."""
    one, two = _frequencies(first), _frequencies(second)
    if not one or not two:
        return 1.0
    total = 0.0
    for word in sorted(one.keys() | two.keys()):
        p, q = one.get(word, 0.0), two.get(word, 0.0)
        middle = (p + q) / 2
        total += sum(share * math.log2(share / middle) / 2 for share in (p, q) if share)
    return min(1.0, max(0.0, total))


def halves(texts: Iterable[list[str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Two halves that do not depend on the order of the texts."""
    ordered = sorted(texts)
    return ordered[::2], ordered[1::2]


def _frequencies(texts: Iterable[Sequence[str]]) -> dict[str, float]:
    counts = Counter(word for words in texts for word in words)
    total = counts.total()
    return {word: count / total for word, count in counts.items()}
