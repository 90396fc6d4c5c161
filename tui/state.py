"""What the screens show, as plain values: journal records in, view states out.

Pure: no terminal, no files, no clock. Times are seconds since the epoch, scores 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from toolkit.types import BASELINES, exam_was_sat
from tui.eventlog import LogLine, log_line
from tui.person import ASKS_NO_MODEL, Note, Waiting, notes_of, waiting_for
from tui.text import clean
from tui.variety import Card, with_card

Record = dict[str, Any]
Status = Literal["running", "finished", "paused", "broken"]
StageState = Literal["waiting", "live", "stopped", "done"]

STAGES = ("prepare", "baseline", "plan", "generate", "train", "evaluate", "exam")
SAMPLES_KEPT = 300
LOG_KEPT = 500


@dataclass(frozen=True, slots=True)
class RecipeLine:
    """One recipe in the list; `problem` says why it cannot be run."""

    name: str
    path: Path
    about: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in the list; `best` is its score, if it has one yet."""

    name: str
    folder: Path
    recipe: str
    status: Status
    started: float
    best: float | None
    unread: bool = False
    """It sat its exam, and nobody has opened the verdict."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the recipe allows; 0 where nobody knows."""

    rounds: int = 0
    rows: int = 0
    teacher_calls: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the run; stages of a round are those of the newest round."""

    name: str
    state: StageState = "waiting"
    started: float = 0.0
    ended: float | None = None

    def seconds(self, now: float) -> float | None:
        """How long it took, or takes so far; None when it has not begun, or nobody saw it end."""
        if self.state == "waiting" or (self.state == "stopped" and self.ended is None):
            return None
        return max(0.0, (self.ended if self.ended is not None else now) - self.started)


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """A student's score on a split with its 95 % interval and the number of items."""

    student: str
    split: str
    score: float
    low: float
    high: float
    n: int

    @property
    def round(self) -> int | None:
        """The round of a trained student; None for a baseline."""
        number = self.student.removeprefix("round-")
        return int(number) if number != self.student and number.isdigit() else None


@dataclass(frozen=True, slots=True)
class Sample:
    """A row as the teacher wrote it (cleaned), with what the checks said of it."""

    key: tuple[int, int]
    skill: str
    input: str
    output: str
    accepted: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Teaching:
    """The teacher's work: calls, tokens, rows accepted and rejected, the newest reason first by count."""

    calls: int = 0
    tokens: int = 0
    tokens_per_second: float = 0.0
    accepted: int = 0
    rejected: tuple[tuple[str, int], ...] = ()

    @property
    def rejected_total(self) -> int:
        return sum(count for _, count in self.rejected)


@dataclass(frozen=True, slots=True)
class Training:
    """The newest round's training so far: its losses, one a step."""

    round: int = 0
    losses: tuple[tuple[int, float], ...] = ()
    steps: int = 0
    seconds_left: float | None = None

    @property
    def step(self) -> int:
        return self.losses[-1][0] if self.losses else 0


@dataclass(frozen=True, slots=True)
class Yield:
    """What became of the questions to the teacher: each is a count, from those to rows that were trained on."""

    asked: int = 0
    answered: int = 0
    usable: int = 0
    rows: int = 0
    valid: int = 0
    unique: int = 0
    trained: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What a look at the journal found: new events and rows, everything else as it now is."""

    status: Status
    events: Sequence[Record] = ()
    stages: Sequence[Record] = ()
    rows: Sequence[Record] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    totals: Mapping[str, Any] = field(default_factory=dict)
    recent_calls: Sequence[Record] = ()
    steps: Sequence[Record] = ()
    verdict: Mapping[str, Any] | None = None
    read: bool = False
    """Whether a person has opened the verdict."""
    limits: Limits | None = None
    attempts: Sequence[tuple[int, float]] = ()
    """Number and start of each attempt."""
    notes_left: Sequence[str] = ()
    """Notes that the worker has not taken yet."""
    waiting: Sequence[Path] = ()
    """Files that wait for approval."""
    gained: Yield = Yield()
    last_round: bool = False


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything that the Run screen shows."""

    name: str
    status: Status = "paused"
    seen: bool = False
    """Whether the journal was looked at yet."""
    names: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    stages: tuple[Stage, ...] = tuple(Stage(name) for name in STAGES if name != "plan")
    round: int = 0
    worked: float = 0.0
    """Seconds of all ended stages."""
    open_since: float | None = None
    ends_at: float | None = None
    forecast: float | None = None
    """Seconds left, as the newest forecast said."""
    scores: tuple[ScorePoint, ...] = ()
    decisions: Mapping[int, str] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    teaching: Teaching = Teaching()
    training: Training = Training()
    log: tuple[LogLine, ...] = ()
    verdict: str = ""
    examined: bool = False
    """Whether the sealed items were opened; a run without an accepted round leaves them sealed."""
    read: bool = False
    """Whether a person has opened the verdict."""
    failure: tuple[str, str] | None = None
    cards: tuple[Card, ...] = ()
    notes: tuple[Note, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    asked: tuple[Record, ...] = ()
    """Events that asked for approval."""
    gained: Yield = Yield()
    memory: int = 0
    """The most bytes that the run's processes held, in any stage."""
    last_round: bool = False
    """Whether a person wants no round after this one."""
    taken: tuple[tuple[float, str], ...] = ()
    """When each note was taken, and its text."""

    @property
    def unread(self) -> bool:
        """Whether its exam was sat, and the verdict waits for a person."""
        return self.examined and not self.read

    @property
    def reads_notes(self) -> bool:
        """Whether the engineer asks a model, and so sees notes."""
        return self.names.get("engineer") not in ASKS_NO_MODEL

    @property
    def live(self) -> Stage | None:
        return next((stage for stage in self.stages if stage.state == "live"), None)

    def elapsed(self, now: float) -> float:
        """Working time so far in seconds; pauses do not count."""
        return self.worked + (max(0.0, now - self.open_since) if self.open_since is not None else 0.0)

    def seconds_left(self, now: float) -> float | None:
        if self.status != "running" or self.ends_at is None:
            return None
        return max(0.0, self.ends_at - now)

    def progress(self, now: float) -> float | None:
        """The share of the whole run that is done, by time; None before the first forecast."""
        if self.status == "finished":
            return 1.0
        left, elapsed = self.seconds_left(now) if self.status == "running" else self.forecast, self.elapsed(now)
        return None if left is None or elapsed + left <= 0 else elapsed / (elapsed + left)

    def score(self, student: str, split: str) -> ScorePoint | None:
        return next((found for found in self.scores if (found.student, found.split) == (student, split)), None)

    def baselines(self, split: str) -> list[ScorePoint]:
        found = (self.score(name, split) for name in BASELINES)
        return [point for point in found if point]

    def by_round(self, split: str) -> list[ScorePoint]:
        """Trained students' scores on a split, by round."""
        points = [point for point in self.scores if point.split == split and point.round is not None]
        return sorted(points, key=lambda point: point.round or 0)


def advance(view: RunView, news: News) -> RunView:
    """The view after a look at the journal."""
    view = replace(view, seen=True, status=news.status, limits=news.limits or view.limits)
    for event in news.events:
        view = _with_event(view, event)
    view = _with_stages(view, news.stages)
    lines = [line for line in map(log_line, news.events) if line]
    return replace(
        view,
        log=(*view.log, *lines)[-LOG_KEPT:],
        samples=_merged(view.samples, news.rows),
        teaching=_teaching(news),
        training=_training(news.steps) or view.training,
        verdict=clean(str((news.verdict or {}).get("sentence", "")), 600),
        examined=exam_was_sat(news.verdict),
        read=news.read,
        notes=notes_of(view.taken, news.notes_left, news.attempts),
        waiting=waiting_for(news.waiting, view.asked),
        gained=news.gained,
        last_round=news.last_round,
    )


def _with_stages(view: RunView, records: Sequence[Record]) -> RunView:
    number = max((record["round"] or 0 for record in records), default=0)
    newest = {record["name"]: record for record in records if record["round"] in (None, number)}
    planned = (view.reads_notes and bool(view.names)) or any(record["name"] == "plan" for record in records)
    usual = [name for name in STAGES if planned or name != "plan"]
    names = [*usual, *(name for name in newest if name not in STAGES)]
    last = records[-1] if records else None
    open_since = last["started"] if last and last["ended"] is None and view.status == "running" else None
    return replace(
        view,
        round=number,
        stages=tuple(_stage(name, newest.get(name), last, view.status) for name in names),
        worked=sum(record["ended"] - record["started"] for record in records if record["ended"] is not None),
        open_since=open_since,
        memory=max((record["peak_memory_bytes"] or 0 for record in records), default=0),
    )


def _stage(name: str, record: Record | None, last: Record | None, status: Status) -> Stage:
    if record is None:
        return Stage(name)
    state: StageState = "done"
    if record["ended"] is None:
        state = "live" if status == "running" else "stopped"
    elif status in ("paused", "broken") and record is last:
        state = "stopped"  # a pause and a failure end the stage's record, but not its work
    return Stage(name, state, record["started"], record["ended"])


def _with_event(view: RunView, event: Record) -> RunView:
    kind, data = event["kind"], event["data"]
    if kind in ("run_started", "resumed"):
        names = {key: clean(str(value), 80) for key, value in data.items()}
        return replace(view, names={**view.names, **names}, failure=None)
    if kind == "forecast":
        return replace(view, ends_at=float(data["ends_at"]), forecast=float(data["seconds_left"]))
    if kind in ("score", "baseline"):
        return replace(view, scores=_with_score(view.scores, data))
    if kind == "round_ended" and event["round"] is not None:
        return replace(view, decisions={**view.decisions, event["round"]: str(data.get("decision", ""))})
    if kind == "diversity":
        return replace(view, cards=with_card(view.cards, event))
    if kind == "approval_wanted":
        return replace(view, asked=(*view.asked, event))
    if kind == "steered":
        return replace(view, taken=(*view.taken, (event["at"], str(data.get("text", "")))))
    if kind == "failed":
        failure = (clean(str(data.get("error", "")), 600), clean(str(data.get("fix", "")), 300))
        return replace(view, failure=failure)
    return view


def _with_score(scores: tuple[ScorePoint, ...], data: Record) -> tuple[ScorePoint, ...]:
    student = str(data.get("student") or data.get("name"))
    score, low, high = (float(data[key]) for key in ("score", "low", "high"))
    point = ScorePoint(student, str(data["split"]), score, low, high, int(data["n"]))
    others = tuple(old for old in scores if (old.student, old.split) != (point.student, point.split))
    return (*others, point)


def _merged(samples: tuple[Sample, ...], records: Iterable[Record]) -> tuple[Sample, ...]:
    """A resumed program submits its rows again: the same place is the same sample."""
    merged = {sample.key: sample for sample in samples}
    for record in records:
        sample = _sample(record)
        merged[sample.key] = sample
    return tuple(merged.values())[-SAMPLES_KEPT:]


def _sample(record: Record) -> Sample:
    return Sample(
        key=(record["attempt"], record["seq"]),
        skill=clean(str(record["skill"]), 60),
        input=clean(str(record["input"])),
        output=clean(str(record["output"]), 120),
        accepted=record["status"] == "accepted",
        reason=clean(str(record["reason"]), 80),
        detail=clean(str(record["detail"]), 160),
    )


def _teaching(news: News) -> Teaching:
    seconds = sum(call["seconds"] for call in news.recent_calls)
    tokens = sum(call["completion_tokens"] for call in news.recent_calls)
    rejected = sorted(news.counts.get("rejected", {}).items(), key=lambda pair: -pair[1])
    return Teaching(
        calls=int(news.totals.get("calls", 0)),
        tokens=int(news.totals.get("completion_tokens", 0)),
        tokens_per_second=tokens / seconds if seconds > 0 else 0.0,
        accepted=int(news.counts.get("accepted", 0)),
        rejected=tuple((clean(str(reason), 60) or "no reason", int(count)) for reason, count in rejected),
    )


def _training(steps: Sequence[Record]) -> Training | None:
    if not steps:
        return None
    losses = tuple((int(step["step"]), float(step["loss"])) for step in steps)
    return Training(int(steps[-1]["round"]), losses, int(steps[-1]["steps"]), steps[-1].get("seconds_left"))
