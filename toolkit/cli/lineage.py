"""`lineage`: which rows stood in which training, what the scores did, and what a batch was worth."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolkit.cli.console import open_console
from toolkit.cli.display import Display
from toolkit.cli.say import say_json
from toolkit.harmless import one_line
from toolkit.run import Run
from toolkit.run.report.text import p_value

MOST_SKILLS = 30
MEANING = "scores on public and gate items together; p corrected for a round's skills (Holm)"


def print_lineage(name: str, leave_out: str | None, *, as_json: bool = False, rows: bool = False) -> None:
    """The lineage of a run; with `leave_out`, what that batch was worth; with `rows`, every row too."""
    run = Run.open(name)
    console = open_console()
    if leave_out is not None:
        with nullcontext() if as_json else Display(run):
            found = run.leave_out(leave_out)
        if as_json:
            say_json(found)
            return
        console.print(Text(one_line(found["sentence"]), style="bold"))
        console.print(Text(found["caveat"], style="dim"))
        return
    told = run.lineage()
    if as_json:
        say_json(told)
        return
    for one in told["rounds"]:
        _print_round(console, one)
    if told["rounds"]:
        console.print(Text(MEANING, style="dim"))
    for one in told["leave_outs"]:
        console.print(Text(one_line(one["sentence"])))
    if rows:
        console.print(_rows(told["rows"]))
    console.print(Text(told["note"], style="dim"))


def _print_round(console: Console, one: dict[str, Any]) -> None:
    batches = ", ".join(f"{b['rows']} of attempt {b['attempt']} ({b['operation']})" for b in one["batches"])
    decision = one["decision"] or "not decided"
    console.print(Text(f"round {one['round']}, {decision}: {one['trained_on']} rows: {batches}", style="bold"))
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("skill", "rows", "new", one["against"], f"round-{one['round']}", "points", "p", ""):
        table.add_column(column, overflow="fold")
    for skill in sorted(one["skills"], key=lambda found: found["difference"])[:MOST_SKILLS]:
        points = f"{100 * skill['difference']:+.0f} [{100 * skill['low']:+.0f}, {100 * skill['high']:+.0f}]"
        shares = (f"{skill[key]['score']:.0%}" for key in ("before", "after"))
        counts = (str(skill["rows"]), str(skill["new_rows"]))
        cells = (
            one_line(skill["skill"]) or "–",
            *counts,
            *shares,
            points,
            p_value(skill["p_adjusted"]),
            skill["words"],
        )
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _rows(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        "row", "attempt", "made for", "trained on in", "skill", "plan", "input", box=box.SIMPLE, pad_edge=False
    )
    for one in rows:
        marks = ", ".join(f"{key} {value}" for key, value in one["plan"].items() if key != "skill")
        made_for = f"round {one['round']}" if one["round"] else "–"
        trainings = ", ".join(map(str, one["trainings"])) or "–"
        cells = (one["id"], str(one["attempt"]), made_for, trainings, one["skill"], marks, one["input"])
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    return table
