"""Events in words, for the log. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tui.text import clean, percent

Tone = Literal["plain", "quiet", "good", "bad", "live"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log; `tone` chooses its colour.

    Args:
        instead: for a line that tells what the exam found, what stands there until a person opens the verdict.
    """

    at: float
    text: str
    tone: Tone = "plain"
    instead: str | None = None


def log_line(event: dict[str, Any]) -> LogLine | None:
    """An event in words; None for those that other parts of the screen show."""
    words = WORDS.get(event["kind"])
    if words is None:
        return None
    text, tone = words(event["round"], event["data"])
    return LogLine(event["at"], clean(text, 1000), tone, _instead(event["kind"], event["data"]))


def _instead(kind: str, data: dict[str, Any]) -> str | None:
    if kind == "verdict":
        return "the exam was sat; its verdict waits: press v"
    return "" if data.get("split") == "private" else None


Words = tuple[str, Tone]
Data = dict[str, Any]


def _score(_round: int | None, data: Data) -> Words:
    who = data.get("student") or data.get("name")
    interval = f"{100 * data['low']:.1f}–{100 * data['high']:.1f} %"
    return f"{who} on {data['split']}: {percent(data['score'])} ({interval}, n={data['n']})", "plain"


def _round_ended(number: int | None, data: Data) -> Words:
    tones: dict[str, Tone] = {"accepted": "good", "rejected": "bad"}
    decision = str(data.get("decision", ""))
    return f"round {number} {decision}: {data.get('reason', '')}", tones.get(decision, "plain")


def _submission(number: int | None, data: Data) -> Words:
    return f"round {number}: {data.get('accepted')} rows accepted after {data.get('calls')} calls", "plain"


def _attempt_failed(number: int | None, data: Data) -> Words:
    attempt = data.get("attempt", number)
    return f"attempt {attempt} failed: {data.get('error_class')}, {data.get('accepted')} valid rows", "bad"


def _failed(_number: int | None, data: Data) -> Words:
    fix = f" Fix: {data['fix']}" if data.get("fix") else ""
    return f"{data.get('error')}{fix}", "bad"


def _verdict(_number: int | None, data: Data) -> Words:
    tones: dict[str, Tone] = {"helped": "good", "hurt": "bad"}
    return str(data.get("sentence", "")), tones.get(str(data.get("word") or data.get("verdict")), "plain")


def _started(_number: int | None, data: Data) -> Words:
    return f"started: {data.get('teacher')} teaches {data.get('student')}, engineer {data.get('engineer')}", "quiet"


def _approval(_number: int | None, data: Data) -> Words:
    name = str(data.get("path", "")).rpartition("/")[2]
    if data.get("problem"):
        return f"{name} cannot be used: {data['problem']}", "bad"
    return f"{name} waits for your approval", "live"


def _trial(_number: int | None, data: Data) -> Words:
    made = f"attempt {data.get('attempt')}: its program made {data.get('accepted')} valid rows on trial"
    return made, "quiet" if data.get("passed") else "bad"


def _diversity(number: int | None, data: Data) -> Words:
    warnings = "; ".join(map(str, data.get("warnings") or ())) or "nothing is narrow"
    return f"round {number}, variety: {warnings}", "quiet"


WORDS: dict[str, Callable[[int | None, Data], Words]] = {
    "run_started": _started,
    "resumed": lambda _number, _data: ("goes on where it stopped", "quiet"),
    "paused": lambda _number, _data: ("paused; everything so far is kept", "live"),
    "score": _score,
    "baseline": _score,
    "submission": _submission,
    "attempt_failed": _attempt_failed,
    "trial": _trial,
    "diversity": _diversity,
    "general": lambda number, data: (f"round {number}: {data.get('count')} general rows against forgetting", "quiet"),
    "steered": lambda _number, data: (f"the engineer has your note: {data.get('text', '')}", "live"),
    "approval_wanted": _approval,
    "replenish": lambda number, _data: (f"round {number}: rows are missing, the program is run again", "quiet"),
    "round_ended": _round_ended,
    "verdict": _verdict,
    "failed": _failed,
    "log": lambda _number, data: (str(data.get("text", "")), "quiet"),
    "run_ended": lambda _number, data: (f"ended: {data.get('reason', '')}", "plain"),
}
