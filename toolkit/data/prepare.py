"""A run's data: read and split once, then kept in the run's folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolkit.data.firewall import Firewall
from toolkit.data.meanings import read_meanings, write_meanings
from toolkit.data.near_duplicates import NearDuplicates
from toolkit.data.sealed import Sealed, as_lines, read_items
from toolkit.data.sources import Example, read_examples, read_seeds
from toolkit.data.splits import Splits, make_splits
from toolkit.errors import DataError, DiskFullError, JournalError, is_full
from toolkit.paths import write_text
from toolkit.recipe import Recipe
from toolkit.types import Item, Row

FOLDER = "data"
SEEDS = "seeds.json"
DONE = "prepared.json"
"""Written last: when it is there, everything else is."""

Doubts = Callable[[Recipe, Sequence[Example]], str]
"""What is odd about examples, in words; it raises DataError when they are of no use."""


@dataclass(frozen=True)
class RunData:
    """What a run measures with. The private items are in `sealed`."""

    public: list[Item]
    gate: list[Item]
    sealed: Sealed
    labels: dict[str, str]
    extra: list[Row] = field(default_factory=list)
    """Labelled rows that no split took."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """How many examples and seeds were left out, by reason."""
    seeds: list[str] = field(default_factory=list)
    """Unlabelled questions that data programs may start from; none is close to an evaluation item."""
    doubts: str = ""
    """What is odd about the data, in words."""

    @property
    def skills(self) -> dict[str, str]:
        """What lessons are planned for: the labels; where answers are none, the public items' skills."""
        return self.labels or dict.fromkeys(sorted({item.skill for item in self.public}), "")


def prepare(recipe: Recipe, run_folder: Path, doubts_about: Doubts | None = None) -> RunData:
    """The run's data; made the first time, read back afterwards without the original files.

    Args:
        doubts_about: looks at the examples when the data are made; what it says is kept with them.

    Raises:
        DataError: the data cannot be used; nothing is left behind that a later call would take for whole.
        JournalError: the folder's data were made for another choice of data, or are damaged.
    """
    folder = run_folder / FOLDER
    if (folder / DONE).is_file():
        return _read_back(recipe, folder)
    examples = read_examples(recipe)
    splits, seeds = make_splits(examples, recipe), read_seeds(recipe)
    doubts = doubts_about(recipe, examples) if doubts_about else ""
    with writing(folder):
        _write(splits, seeds, recipe, folder, doubts)
    return _read_back(recipe, folder)


def prepare_for_work(recipe: Recipe, run_folder: Path) -> RunData:
    """As `prepare`, and what the items mean is found the first time.

    Only the process that works on a run asks for this: sentence embeddings need torch, which is slow to import and
    large, and who only begins a run need not wait for it.
    """
    data, folder = prepare(recipe, run_folder), run_folder / FOLDER
    done = json.loads((folder / DONE).read_text(encoding="utf-8"))
    if done.get("meanings", False) is not None:
        return data  # runs of earlier versions have them already, or began without
    with writing(folder):
        _add_meanings(data, folder, done)
    return _read_back(recipe, folder)


def _add_meanings(data: RunData, folder: Path, done: dict[str, Any]) -> None:
    """Write the items' vectors, and leave out the seeds that say the same as an item in other words."""
    prints = data.sealed.fingerprints()
    own = Firewall(data.public, data.gate, prints).own
    done["meanings"] = write_meanings(folder, {"public": data.public, "gate": data.gate}, data.sealed, own)
    if done["meanings"] and data.seeds:
        guard = Firewall(data.public, data.gate, prints, meanings=read_meanings(folder))
        kept, dropped = usable_seeds(data.seeds, guard)
        done["dropped"] = dict(Counter(done["dropped"]) + Counter(dropped))
        write_text(folder / SEEDS, json.dumps(kept, ensure_ascii=False))
    write_text(folder / DONE, json.dumps(done, ensure_ascii=False))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say of a new run's folder that cannot be written what to do about it. Raises DataError."""
    try:
        yield
    except (OSError, DiskFullError) as error:
        why = "the disk is full" if is_full(error) else getattr(error, "strerror", None) or error
        fix = "free some space or choose another folder with SCHOOLHOUSE_RUNS, then run again"
        raise DataError(f"cannot be written: {why}", fix, path=folder) from error


def _write(splits: Splits, seeds: list[str], recipe: Recipe, folder: Path, doubts: str) -> None:
    write_text(folder / "public.jsonl", as_lines(splits.items["public"]))
    write_text(folder / "gate.jsonl", as_lines(splits.items["gate"]))
    write_text(folder / "extra.jsonl", "".join(_row_line(row) for row in splits.extra))
    sealed = Sealed.write(folder, splits.items["private"])
    kept: list[str] = []
    dropped: dict[str, int] = {}
    if seeds:
        public, gate = splits.items["public"], splits.items["gate"]
        kept, dropped = usable_seeds(seeds, Firewall(public, gate, sealed.fingerprints()))
    write_text(folder / SEEDS, json.dumps(kept, ensure_ascii=False))
    done = {"labels": recipe.labels, "dropped": {**splits.dropped, **dropped}, "meanings": None, "doubts": doubts}
    write_text(folder / DONE, json.dumps(done, ensure_ascii=False))


def usable_seeds(seeds: Iterable[str], firewall: Firewall) -> tuple[list[str], dict[str, int]]:
    """The seeds that no evaluation item and no other seed is close to, and how many were dropped, by reason."""
    kept: list[str] = []
    dropped: Counter[str] = Counter()
    near, seeds = NearDuplicates(), list(seeds)
    firewall.expect(seeds)
    for seed in seeds:
        if firewall.check(seed):
            dropped["seed too close to an evaluation item"] += 1
        elif near.nearest(firewall.own(seed)):
            dropped["near-duplicate of a seed"] += 1
        else:
            near.add(firewall.own(seed))
            kept.append(seed)
    return kept, dict(dropped)


def _row_line(row: Row) -> str:
    return json.dumps([row.input, row.output, row.skill], ensure_ascii=False) + "\n"


def _read_back(recipe: Recipe, folder: Path) -> RunData:
    try:
        done = json.loads((folder / DONE).read_text(encoding="utf-8"))
        lines = (folder / "extra.jsonl").read_text(encoding="utf-8").split("\n")
        extra = [Row(*json.loads(line)) for line in lines if line]
        seeds = json.loads((folder / SEEDS).read_text(encoding="utf-8")) if (folder / SEEDS).is_file() else []
    except (OSError, ValueError, TypeError) as error:
        raise JournalError(f"{folder} is damaged: {error}", "start a new run") from None
    if list(done["labels"]) != list(recipe.labels):
        raise JournalError(f"{folder} was made with other labels than the recipe's", "start a new run")
    items = {name: read_items(folder / f"{name}.jsonl") for name in ("public", "gate")}
    sealed, doubts = Sealed(folder), done.get("doubts", "")
    return RunData(items["public"], items["gate"], sealed, recipe.labels, extra, done["dropped"], seeds, doubts)
