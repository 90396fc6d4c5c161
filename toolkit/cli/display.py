"""What a person sees while a run is carried out. It reads the journal and nothing else."""

from __future__ import annotations

import threading
import time
from operator import itemgetter
from types import TracebackType
from typing import Any

from rich.text import Text

from toolkit.cli.console import open_console
from toolkit.journal import JournalReader
from toolkit.run import Run
from toolkit.stages.funnel import Funnel, GrowingFunnel

POLL_SECONDS = 0.5
REPLIES_A_LOOK = 2000
SPINNER = 2  # columns that stand before the status line
STAGE_WORDS = {
    "prepare": "reading the data",
    "baseline": "asking the untrained student",
    "plan": "the engineer plans",
    "generate": "the teacher writes",
    "train": "the student learns",
    "evaluate": "the student is asked",
    "exam": "the sealed exam",
    "seeds": "the student learns with another seed",
    "leave-out": "the student learns and is asked without a batch of the rows",
}


class Display:
    """Prints what happens as lines; on a terminal, with a live status line below them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._console = open_console()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="display", daemon=True)
        self._seen = 0
        self._stages_seen = 0

    def __enter__(self) -> Display:
        reader = JournalReader(self._run.folder)
        self._seen = max((event["id"] for event in reader.events(limit=1_000_000)), default=0)
        self._stages_seen = len(reader.stages())
        reader.close()
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        reader = JournalReader(self._run.folder)
        if not self._console.is_terminal:
            while not self._stop.wait(POLL_SECONDS):
                self._print_news(reader)
            self._print_news(reader)
            return
        counting = GrowingFunnel()
        with self._console.status(Text("starting")) as status:
            while not self._stop.wait(POLL_SECONDS):
                self._print_news(reader)
                status.update(Text(status_line(reader, counting, self._console.width - SPINNER)))
            self._print_news(reader)

    def _print_news(self, reader: JournalReader) -> None:
        """Stages that began and events, in the order in which they happened."""
        stages, events = reader.stages(), reader.events(after=self._seen)
        news = [
            (stage["started"], _round(stage) + STAGE_WORDS.get(str(stage["name"]), str(stage["name"])), "dim")
            for stage in stages[self._stages_seen :]
        ]
        news += [(event["at"], line, "") for event in events if (line := event_line(event))]
        for at, line, style in sorted(news, key=itemgetter(0)):
            self._console.print(Text(f"{_clock(at)}  {line}", style=style))
        self._stages_seen = len(stages)
        self._seen = max((event["id"] for event in events), default=self._seen)


def event_line(event: dict[str, Any]) -> str:
    """An event in words; an empty text for those that are not for this display."""
    data, kind = event["data"], event["kind"]
    if kind == "score":
        interval = f"[{data['low']:.1%}, {data['high']:.1%}] n={data['n']}"
        return f"{data['student']:<10} {data['split']:<8} {data['score']:6.1%}  {interval}"
    if kind == "submission":
        return f"round {event['round']}: {data['accepted']} rows accepted after {data['calls']} calls"
    if kind == "round_ended":
        return f"round {event['round']}: {data['decision']} ({data['reason']})"
    if kind == "attempt_failed":
        attempt = data.get("attempt", event["round"])
        return f"attempt {attempt} failed: {data['error_class']}, {data['accepted']} valid rows"
    if kind == "diversity":
        return "; ".join(data["warnings"])
    if kind == "steered":
        return f"steering note: {data['text']}"
    if kind == "trial" and not data["passed"]:
        return f"attempt {data['attempt']}: its program made {data['accepted']} valid rows on trial"
    if kind == "verdict":
        return str(data["sentence"])
    if kind == "log":
        return " ".join(str(data["text"]).split())  # a program's line begins no line of ours
    return ""


def status_line(reader: JournalReader, counting: GrowingFunnel, width: int) -> str:
    """The stage that is going on, how far it is, and when the run will be done; what is said fits into the width."""
    stages = reader.stages()
    if not stages:
        return "starting"
    stage, line = stages[-1], ""
    before = _round(stage) + STAGE_WORDS.get(str(stage["name"]), str(stage["name"]))
    forecast = reader.last_event("forecast") if stage["name"] != "leave-out" else None  # the run itself has ended
    left = max(0.0, forecast["data"]["ends_at"] - time.time()) if forecast else 0.0
    after = f"about {left / 60:.0f} min left" if forecast else ""
    for progress in _progress(reader, stage, counting):
        line = " · ".join(part for part in (before, progress, after) if part)
        if len(line) <= width:
            break
    return line


def _progress(reader: JournalReader, stage: dict[str, Any], counting: GrowingFunnel) -> list[str]:
    """How far a stage is: the longest words first."""
    if stage["name"] == "generate":
        totals = reader.call_totals()
        pace = totals["completion_tokens"] / totals["seconds"] if totals["seconds"] else 0
        return _funnel_words(counting.look(reader, reader.row_counts(), reader.rounds(), REPLIES_A_LOOK), pace)
    if stage["name"] == "train":
        steps = reader.training_steps(stage["round"])
        return [_step_words(steps[-1]) if steps else "loading"]
    if stage["name"] in ("seeds", "leave-out") and (steps := reader.further_steps(stage["started"])):
        return [_step_words(steps[-1])]
    return [f"{time.time() - stage['started']:.0f} s"]


def _funnel_words(found: Funnel, pace: float) -> list[str]:
    counts = {
        "asked": found.asked,
        "answered": found.answered,
        "parsed": found.usable,
        "valid": found.valid,
        "unique": found.unique,
        "trained": found.trained,
    }
    wide = " → ".join(f"{count} {name}" for name, count in counts.items())
    bare = "→".join(str(count) for count in counts.values())
    return [f"{wide}, {pace:.0f} tokens/s", wide, f"asked {bare} trained", bare, f"{found.unique} rows"]


def _step_words(step: dict[str, Any]) -> str:
    words = f"step {step['step']}/{step['steps']}, loss {step['loss']:.3f}"
    left = step["seconds_left"]
    return words if left is None else f"{words}, {left:.0f} s to go"


def _round(stage: dict[str, Any]) -> str:
    return f"round {stage['round']}: " if stage["round"] else ""


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
