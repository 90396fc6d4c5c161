"""Examples dealt out to `public`, `gate` and `private`: deterministic, stratified, without leaks.

What an example is dealt to depends on its text and on `data.seed`, never on the order of
the rows. Near-duplicates always go the same way.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from toolkit.data.near_duplicates import groups, normalise
from toolkit.data.shared_text import own_texts
from toolkit.data.sources import Example
from toolkit.errors import DataError
from toolkit.recipe import Recipe
from toolkit.recipe.schema import LabelledSplit
from toolkit.types import Item, Row, digest

SPLITS: tuple[LabelledSplit, ...] = ("public", "gate", "private")
PRECEDENCE: tuple[LabelledSplit, ...] = ("private", "gate", "public")
"""An example that is in several files counts for the first of these only."""

MIN_PRIVATE = 10
MIN_FOR_EACH_LABEL = 2

Place = LabelledSplit | Literal["extra"]
Group = list[Example]


@dataclass(frozen=True, slots=True)
class Splits:
    """The items of each split, ordered by id.

    `extra` are labelled rows that no split took: human lessons to compare with.
    `dropped` counts what was left out, by reason.
    """

    items: Mapping[LabelledSplit, list[Item]]
    extra: list[Row] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def make_splits(examples: Sequence[Example], recipe: Recipe) -> Splits:
    """Split the examples of a recipe. Raises DataError when a split would be too small to measure with."""
    dropped: Counter[str] = Counter()
    unique = _unique(examples, dropped)
    together = [[unique[index] for index in indices] for indices in groups(own_texts([one.input for one in unique]))]
    fixed, pool = _by_file(together, dropped)
    data = recipe.file.data
    named = {one.split for one in examples if one.split}
    shares = {name: value for name, value in data.splits.items() if isinstance(value, float) and name not in named}
    places: dict[Place, list[Example]] = {name: list(fixed[name]) for name in SPLITS}
    dealt = deal(pool, shares, data.seed)
    for place, found in dealt.items():
        places.setdefault(place, []).extend(found)
    items = {name: _items(places[name], name, data.per_label.get(name), data.seed, dropped) for name in SPLITS}
    _check_sizes(items, recipe)
    extra = sorted((Row(one.input, one.output, one.skill) for one in places.get("extra", [])), key=lambda row: row.id)
    return Splits(items, extra, +dropped)


def deal(pool: Sequence[Group], shares: Mapping[LabelledSplit, float], seed: int) -> dict[Place, list[Example]]:
    """Deal groups of examples out by share; what the shares leave over is `extra`.

    Each split gets its share of each label, rounded up or down; only groups that do not
    fit may cost more. Large groups are dealt first, while there is room for them.
    """
    left = _quotas(pool, shares, seed)
    dealt: dict[Place, list[Example]] = {place: [] for place in left}
    for group in sorted(pool, key=lambda group: (-len(group), _lot(group, seed))):
        place = _choose(group, left, _lot(group, seed))
        dealt[place] += group
        left[place].subtract(one.stratum for one in group)
    return dealt


# -- dealing -----------------------------------------------------------------------------------


def _quotas(pool: Iterable[Group], shares: Mapping[LabelledSplit, float], seed: int) -> dict[Place, Counter[str]]:
    """How many examples of each label each place gets (largest remainders, ties by hash)."""
    weights: dict[Place, float] = {place: share for place, share in shares.items()}  # noqa: C416 - widens the key
    weights["extra"] = max(0.0, 1.0 - sum(shares.values()))
    if weights["extra"] < 1e-9:
        del weights["extra"]
    quotas: dict[Place, Counter[str]] = {place: Counter() for place in weights}
    for label, count in Counter(one.stratum for group in pool for one in group).items():
        exact = {place: count * weight for place, weight in weights.items()}
        for place, value in exact.items():
            quotas[place][label] = int(value + 1e-9)
        missing = count - sum(quota[label] for quota in quotas.values())
        lots = {place: digest([seed, label, place]) for place in weights}
        by_remainder = sorted(weights, key=lambda place: (int(exact[place] + 1e-9) - exact[place], lots[place]))
        for place in by_remainder[:missing]:
            quotas[place][label] += 1
    return quotas


def _choose(group: Group, left: Mapping[Place, Counter[str]], lot: str) -> Place:
    """A place with room for the whole group, drawn by lot in proportion to the room; else the roomiest."""
    needed = Counter(one.stratum for one in group)
    room = {place: sum(left[place][label] for label in needed) for place in left}
    fits = [place for place in left if all(left[place][label] >= count for label, count in needed.items())]
    if not fits:
        return max(left, key=lambda place: (room[place], place))
    drawn = int(lot[:12], 16) / 16**12 * sum(room[place] for place in fits)
    for place in fits:
        drawn -= room[place]
        if drawn < 0:
            return place
    return fits[-1]


def _lot(group: Group, seed: int) -> str:
    return min(digest([seed, normalise(one.input)]) for one in group)


# -- duplicates and leaks ----------------------------------------------------------------------


def _unique(examples: Sequence[Example], dropped: Counter[str]) -> list[Example]:
    """One example for each normalised text, from the best guarded split; none where its copies disagree."""
    copies: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        copies[normalise(one.input)].append(one)
    unique = []
    for same in copies.values():
        best = min(_rank(one.split) for one in same)
        rivals = [one for one in same if _rank(one.split) == best]
        if len({one.output for one in rivals}) > 1:
            dropped["same text, different labels"] += len(same)
            continue
        unique.append(min(rivals, key=lambda one: one.input))
        dropped["duplicate"] += len(same) - 1
    return sorted(unique, key=lambda one: (one.input, one.output))


def _by_file(
    together: Iterable[Group], dropped: Counter[str]
) -> tuple[dict[LabelledSplit, list[Example]], list[Group]]:
    """Examples whose file names their split, and the pool; near-duplicates follow the best guarded one."""
    fixed: dict[LabelledSplit, list[Example]] = {name: [] for name in SPLITS}
    pool = []
    for group in together:
        split = min((one.split for one in group), key=_rank)
        if split is None:
            pool.append(group)
            continue
        stays = [one for one in group if one.split == split]
        dropped[f"near-duplicate of {split}"] += len(group) - len(stays)
        fixed[split] += stays
    return fixed, pool


def _rank(split: LabelledSplit | None) -> int:
    return PRECEDENCE.index(split) if split else len(PRECEDENCE)


# -- items -------------------------------------------------------------------------------------


def _items(
    examples: Iterable[Example], split: LabelledSplit, most: int | None, seed: int, dropped: Counter[str]
) -> list[Item]:
    """Items of a split; of each label at most `most`, chosen by hash."""
    items = []
    taken: Counter[str] = Counter()
    for one in sorted(examples, key=lambda one: digest([seed, "cap", one.input])):
        if most and taken[one.stratum] >= most:
            dropped[f"over data.per_label.{split}"] += 1
            continue
        taken[one.stratum] += 1
        items.append(Item(item_id(one), split, one.input, one.output, one.skill, one.meta))
    return sorted(items, key=lambda item: item.id)


def item_id(example: Example) -> str:
    """Content hash: the same question with the same answer is the same item, in any file."""
    return digest([example.input, example.output])[:16]


def _check_sizes(items: Mapping[LabelledSplit, list[Item]], recipe: Recipe) -> None:
    """Raise DataError for a split that cannot tell anything, with how much is needed."""
    labels = list(recipe.labels)
    least = {
        "public": MIN_FOR_EACH_LABEL * len(labels) or MIN_PRIVATE,
        "gate": MIN_FOR_EACH_LABEL * len(labels) or MIN_PRIVATE,
        "private": MIN_PRIVATE,
    }
    for split, found in items.items():
        counts = Counter(item.output for item in found)
        lacking = [label for label in labels if not counts[label]] if split != "private" else []
        if len(found) >= least[split] and not lacking:
            continue
        what = f"only {len(found)} usable items" if found else "the split is empty"
        if lacking and found:
            what += f", none with the label {', '.join(lacking[:3])}"
        message = f"{what}; {_needed(split, len(labels))}"
        raise DataError(message, _remedy(split, recipe), path=recipe.path, key=f"data.splits.{split}")


def _needed(split: LabelledSplit, labels: int) -> str:
    if split == "private":
        return f"the exam needs at least {MIN_PRIVATE}, and some hundreds to show small gains"
    if not labels:
        return f"it needs at least {MIN_PRIVATE}"
    return f"it needs at least {MIN_FOR_EACH_LABEL} for each of the {labels} labels"


def _remedy(split: LabelledSplit, recipe: Recipe) -> str:
    share = recipe.file.data.splits.get(split)
    if isinstance(share, float):
        each = max(10, ceil(MIN_FOR_EACH_LABEL / share))
        group = "for each label" if recipe.labels else f"({ceil(MIN_PRIVATE / share)} for this split)"
        return f"have {each} different examples or more {group}, or change data.splits.{split}"
    if share is None:
        return f"write a fraction or a file for it, for example --set data.splits.{split}=0.2"
    return f"add items to {share}"
