"""Small recipes and data files for the tests of this folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from toolkit.data.sources import Example
from toolkit.recipe import Recipe, load_recipe

LABELS = ("late_parcel", "broken_item", "refund_status")

SUBJECTS = (
    "kettle",
    "garden hose",
    "lamp",
    "sofa cover",
    "bread knife",
    "mirror",
    "teapot",
    "bicycle pump",
    "rug",
    "vase",
)
PHRASES = {
    "late_parcel": (
        "Two weeks and still no sign of the {}",
        "{} was due Monday, nobody rang",
        "when does my {} get here??",
    ),
    "broken_item": ("Opened the box: {} in pieces", "a crack runs right across this {}", "{} won't switch on at all"),
    "refund_status": (
        "You owe me for the {} I posted back",
        "money for {} hasn't shown up",
        "returned {}; bank says nothing",
    ),
}


def messages() -> list[tuple[str, str]]:
    """30 different messages for each of three labels."""
    return [(phrase.format(subject), label) for label in LABELS for phrase in PHRASES[label] for subject in SUBJECTS]


def write_csv(path: Path, rows: Iterable[tuple[str, ...]], header: tuple[str, ...] = ("text", "intent")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def recipe_in(folder: Path, *overrides: str, path: str | None = "data.csv") -> Recipe:
    """A recipe with three labels; `overrides` as after --set."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "name": "tiny",
        "task": {"about": "Messages to a shop.", "system": "Classify.", "labels": list(LABELS)},
        "data": {"path": path, "columns": {"input": "text", "output": "intent"}},
    }
    (folder / "recipe.yaml").write_text(json.dumps(values), encoding="utf-8")
    return load_recipe(folder, overrides)


def examples(rows: Iterable[tuple[str, str]]) -> list[Example]:
    return [Example(text, label, label, "data.csv", line) for line, (text, label) in enumerate(rows, 2)]
