"""`compare` and `run --arms`: runs side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from toolkit.cli.console import open_console
from toolkit.cli.say import say_json
from toolkit.run.compare import compare, runs_to_compare

COLOURS = {"better": "green", "worse": "red"}
LONGEST_VALUE = 60


def print_comparison(names: Sequence[str], *, as_json: bool = False) -> None:
    """Scores, paired differences, and what differs in the recipes."""
    found = compare(runs_to_compare(names))
    if as_json:
        say_json(found)
        return
    console = open_console()
    console.print(_scores(found))
    console.print(_differences(found))
    if found["recipe"]:
        console.print(_recipe(found))
    for note in found["notes"]:
        console.print(Text(note, style="dim"))


def _scores(found: dict[str, Any]) -> Table:
    table = _table("", "student", f"{found['split']} score", "n", "rows", "calls", "rounds", "against untrained")
    for name, one in found["untrained"].items():
        table.add_row(*(Text(cell) for cell in (name, "untrained", _score(one), str(one["n"]))))
    for run in found["runs"]:
        score = _score(run)
        if run["spread"]:
            score += f"; {run['spread']['words']}"
        counts = (str(run[key]) for key in ("n", "rows", "calls", "rounds"))
        table.add_row(*(Text(cell) for cell in (run["name"], run["student"], score, *counts, run["verdict"] or "")))
    return table


def _differences(found: dict[str, Any]) -> Table:
    table = _table("comparison", "points", "better / worse", "p", "p corrected", "", "what differs")
    for pair in found["comparisons"]:
        points = f"{100 * pair['difference']:+.1f} [{100 * pair['low']:+.1f}, {100 * pair['high']:+.1f}]"
        name, counts = f"{pair['new']} − {pair['old']}", f"{pair['wins']} / {pair['losses']} of {pair['n']}"
        cells = (name, points, counts, f"{pair['p_value']:.2g}", f"{pair['p_adjusted']:.2g}")
        word = Text(pair["word"], style=COLOURS.get(pair["word"], "yellow"))
        table.add_row(*(Text(cell) for cell in cells), word, Text(", ".join(pair["changed"]) or "nothing"))
    return table


def _recipe(found: dict[str, Any]) -> Table:
    names = [run["name"] for run in found["runs"]]
    table = _table("recipe", *names)
    for key, values in found["recipe"].items():
        table.add_row(*(Text(cell) for cell in (key, *(_value(values[name]) for name in names))))
    return table


def _score(one: dict[str, Any]) -> str:
    return f"{one['score']:.1%} [{100 * one['low']:.1f}–{100 * one['high']:.1f}]" if one["n"] else ""


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    return table
