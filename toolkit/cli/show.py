"""`runs` and `show`: a run's figures for people."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolkit.cli.attempts import attempt_details, attempts_table
from toolkit.cli.console import open_console
from toolkit.cli.say import say, say_json
from toolkit.run import Run
from toolkit.run.report.text import lesson_size, p_value
from toolkit.run.unread import keep_read
from toolkit.stages.funnel import funnel


def print_runs() -> None:
    """All runs, newest first; what an exam found is not told here before `show` or the screens have told it."""
    found = Run.list()
    if not found:
        say("no runs yet; start one with `schoolhouse demo`")
        return
    table = _table("run", "recipe", "status", "started", "last score")
    for line in found:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(line.started))
        best = f"{line.best:.1%}" if line.best is not None else ""
        best = "verdict unread" if line.unread else best
        table.add_row(*(Text(cell) for cell in (line.name, line.recipe, line.status, started, best)))
    _console().print(table)


def print_run(name: str, *, as_json: bool = False, attempts: bool = False) -> None:
    """One run: verdict, scores, rows, time; with `attempts`, the tree of data programs too."""
    run = Run.open(name)
    summary, replies = run.summary(), funnel(run.reader)
    if as_json:
        say_json({**summary, "funnel": asdict(replies)})
        return
    _console().print(Text(f"{summary['run']}  {summary['recipe']}  {summary['status']}", style="bold"))
    _print_verdict(summary)
    if summary["stopped"]:
        _console().print(Text(f"no further round: {summary['stopped']}", style="dim"))
    _console().print(_scores(summary))
    if attempts:
        _console().print(attempts_table(summary["attempts"]))
        for line in attempt_details(summary["attempts"]):
            _console().print(line)
    if summary["gains"]:
        _console().print(_gains(summary["gains"]))
    _console().print(_uses(summary))
    _console().print(Text(replies.words()))
    _console().print(_rows(summary))
    _console().print(_engineer(summary))
    _console().print(_costs(summary))
    if summary["status"] in ("paused", "broken"):
        say(f"go on with: schoolhouse resume {run.name}")
    if summary["verdict"] and sys.stdout.isatty():  # a run in the background prints too, and nobody reads it
        keep_read(run.reader)


def _print_verdict(summary: dict[str, Any]) -> None:
    """The verdict with its evidence, what so few items can show, and later looks at them."""
    if summary["verdict"]:
        _console().print(Text(summary["verdict"]["sentence"], style=_colour(summary["verdict"]["word"])))
        if evidence := summary["verdict"].get("evidence"):
            _console().print(Text(evidence, style="dim"))
        if spread := summary["verdict"].get("spread"):
            _console().print(Text(f"over training seeds: {spread['words']}", style="dim"))
    if summary["power"]:
        _console().print(Text(summary["power"], style="dim"))
    if judge := summary["judge"]:
        _console().print(Text(f"judged by {judge['model']}: {judge['words']}", style="dim"))
    for later in summary["later_verdicts"]:
        _console().print(Text(f"later, for: {later['reason']}. {later['sentence']}", style="yellow"))


def _scores(summary: dict[str, Any]) -> Table:
    table = _table("student", "rows", "public", "gate", "probe", "private", "decision")
    sealed = "private" if summary["exam"] else "gate"
    for name, score in summary["baselines"].items():
        cells = {sealed: _score(score)}
        table.add_row(name, "", "", cells.get("gate", ""), "", cells.get("private", ""), "untrained")
    examined = summary["exam"]["student"] if summary["exam"] else None
    for found in summary["rounds"]:
        private = _score(summary["exam"]) if examined == f"round-{found['round']}" else ""
        scores = [_score(found[split]) for split in ("public", "gate", "probe")]
        table.add_row(f"round {found['round']}", lesson_size(found), *scores, private, found["decision"] or "…")
    return table


def _gains(gains: list[dict[str, Any]]) -> Text:
    """Rounds against the untrained student, corrected for being several."""
    rounds = [
        f"round {one['round']} {100 * one['difference']:+.1f} [{100 * one['low']:+.0f}, {100 * one['high']:+.0f}]"
        f" p {p_value(one['p_adjusted'])}"
        for one in gains
    ]
    corrected = f", p corrected for {len(gains)} rounds (Holm)" if len(gains) > 1 else ""
    return Text(f"points against {gains[0]['against']} on gate{corrected}: {'; '.join(rounds)}")


def _uses(summary: dict[str, Any]) -> Text:
    """How often the measuring splits were used up."""
    uses, gate = summary["uses"], summary["uses"]["gate"]
    chosen = f"gate: decided on {gate} round{'s' * (gate != 1)}"
    if not uses["private"]:
        return Text(f"{chosen}; sealed items: not opened")
    worn = "; they are spent" if uses["private"] > 1 else ""
    times = "once" if uses["private"] == 1 else f"{uses['private']} times"
    return Text(f"{chosen}; sealed items: opened {times} ({', '.join(uses['reasons'])}){worn}")


def _rows(summary: dict[str, Any]) -> Text:
    rows = summary["rows"]
    off = "" if "embeddings" in summary["firewall"] else "; embeddings off"
    firewall = f"firewall: {', '.join(summary['firewall'])}{off}"
    reasons = ", ".join(f"{reason} {count}" for reason, count in rows["rejected"].items())
    text = f"rows: {rows['accepted']} accepted, {sum(rows['rejected'].values())} rejected"
    text += f" ({reasons})" if reasons else ""
    text += f"\nand {rows['given']} of the recipe's own examples in every training" if rows["given"] else ""
    return Text(f"{text}\n{firewall}")


def _engineer(summary: dict[str, Any]) -> Text:
    """Attempts and what became of them; the gain over the best use of the untrained student."""
    found = summary["engineer"]
    lines = [f"attempts: {found['attempts']}"]
    if found["mats"]:
        lines[0] += f", {found['mats']:.2f} for each successful submission (MATS)"
    if found["failures"]:
        lines[0] += f"; failed: {', '.join(f'{name} {count}' for name, count in found['failures'].items())}"
    if found["calls"]:
        lines.append(f"engineer: {found['calls']} calls, {found['tokens']['completion']} tokens written")
    if exam := summary["exam"]:
        relative = f", {100 * exam['gain_relative']:+.1f} % relative" if exam["gain_relative"] is not None else ""
        lines.append(f"gain: {exam['gain_points']:+.1f} points{relative} against {exam['baseline']}")
    return Text("\n".join(lines))


def _costs(summary: dict[str, Any]) -> Text:
    seconds = ", ".join(f"{name} {_duration(value)}" for name, value in summary["seconds"].items())
    tokens = summary["tokens"]
    total = _duration(sum(summary["seconds"].values()))
    return Text(
        f"time: {total} ({seconds})\n"
        f"teacher: {summary['calls']} calls, {tokens['completion']} tokens written, {tokens['prompt']} read"
        f" ({tokens['cached']} of them from the cache)\n"
        f"peak memory: {summary['peak_memory_bytes'] / 2**30:.1f} GiB"
    )


def _score(score: dict[str, Any]) -> str:
    if not score["n"]:
        return ""
    return f"{score['score']:.1%} [{100 * score['low']:.0f}–{100 * score['high']:.0f}] n={score['n']}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def _colour(word: str) -> str:
    return {"helped": "bold green", "hurt": "bold red"}.get(word, "bold yellow")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _console() -> Console:
    """As wide as the terminal is now."""
    return open_console()
