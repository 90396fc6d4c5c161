"""How long a run will take, from this machine's measured pace."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Pace:
    """Measured speeds. The defaults were measured on a 2-core laptop-class CPU.

    Args:
        row_seconds: teacher time for one accepted row, rejected ones included.
        example_seconds: training time for one example in one epoch.
        answer_seconds: one answer of the trained student.
        baseline_seconds: one answer of an untrained student with labels and examples in the prompt.
        load_seconds: starting one child process with its model.
        row_prompt_tokens, row_completion_tokens: what the teacher reads and writes for one accepted row.
    """

    row_seconds: float = 1.3
    example_seconds: float = 0.15
    answer_seconds: float = 0.06
    baseline_seconds: float = 0.12
    load_seconds: float = 10.0
    row_prompt_tokens: float = 60.0
    row_completion_tokens: float = 30.0


@dataclass(frozen=True, slots=True)
class Work:
    """What is still to be done, in units that `Pace` has speeds for."""

    rows: int = 0
    example_epochs: int = 0
    answers: int = 0
    baseline_answers: int = 0
    loads: int = 0


@dataclass(frozen=True, slots=True)
class Spending:
    """What else a run takes. `dollars` is None where no price is known."""

    prompt_tokens: int
    completion_tokens: int
    disk_bytes: int
    dollars: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds left, by stage."""

    stages: dict[str, float] = field(default_factory=dict)

    @property
    def seconds_left(self) -> float:
        return sum(self.stages.values())


def forecast(work: Work, pace: Pace) -> Forecast:
    """Seconds by stage for the work at this pace."""
    return Forecast(
        {
            "generate": work.rows * pace.row_seconds,
            "train": work.example_epochs * pace.example_seconds,
            "evaluate": work.answers * pace.answer_seconds + work.baseline_answers * pace.baseline_seconds,
            "load": work.loads * pace.load_seconds,
        }
    )


def measured(pace: Pace, **speeds: float | None) -> Pace:
    """The pace with those speeds replaced that have been measured by now."""
    return replace(pace, **{name: value for name, value in speeds.items() if value})
