"""Runs a data program where it can reach nothing but the teacher and the checks.

The interpreter is pydantic-monty: a subset of Python in a process of its own, without
files, network or environment. Clock and random seed are fixed, so a program that is run
again makes the same calls in the same order, which is what makes a run durable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from toolkit.types import Json

if TYPE_CHECKING:
    from pydantic_monty import MontyError

ErrorClass = Literal["execution timeout", "code runtime error", "other"]
PRELUDE = Path(__file__).with_name("prelude.py")
OUTPUT_LIMIT = 200_000
ERROR_LIMIT = 4_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use of this machine. Time spent waiting for the teacher is free."""

    memory_bytes: int = 256_000_000
    seconds: float = 30.0
    host_calls: int = 20_000


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended: well, or with an error that can be debugged from."""

    error_class: ErrorClass | None = None
    error: str = ""
    printed: str = ""


def run_program(
    source: str,
    functions: Mapping[str, Callable[..., Json]],
    inputs: Mapping[str, Json],
    *,
    seed: int,
    limits: Limits | None = None,
) -> Ending:
    """Run a program from its start to its end.

    Args:
        source: the program; the prelude stands before it.
        functions: host functions by name. What they raise ends up in the program.
        inputs: JSON values that the program sees as global names.
    """
    from pydantic_monty import CollectString, Monty, MontyComplete, MontyError

    limits = limits or Limits()
    printed = CollectString(max_bytes=OUTPUT_LIMIT)
    try:
        with Monty() as pool, pool.checkout(script_name="program.py", **_rules(limits, seed)) as session:
            session.feed_run(PRELUDE.read_text(encoding="utf-8"))
            watch = _Stopwatch()
            lookup = {name: watch.paused(function) for name, function in functions.items()}
            step = session.feed_start(source, inputs=dict(inputs), external_lookup=lookup, print_callback=printed)
            while not isinstance(step, MontyComplete):
                if watch.seconds > limits.seconds:
                    return Ending("execution timeout", _too_slow(limits), printed.output)
                step = step.resume_auto()
    except MontyError as error:
        kind, text = _verdict(error, limits)
        return Ending(kind, text, printed.output)
    return Ending(printed=printed.output)


class _Stopwatch:
    """Wall clock of a program, without the time its host functions take.

    The interpreter's own limit does not see the time that large values need to cross over.
    """

    def __init__(self) -> None:
        self._started, self._waited = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started - self._waited

    def paused(self, function: Callable[..., Json]) -> Callable[..., Json]:
        """The function, with the watch standing still while it runs."""

        @wraps(function)
        def call(*arguments: Any) -> Json:
            began = time.monotonic()
            try:
                return function(*arguments)
            finally:
                self._waited += time.monotonic() - began

        return call


def _too_slow(limits: Limits) -> str:
    return f"time limit: the program itself may run for {limits.seconds:g} s, not counting the teacher"


def _verdict(error: MontyError, limits: Limits) -> tuple[ErrorClass, str]:
    """The error's class, and its text for a person or an engineer who is to mend the program."""
    text = error.display() if hasattr(error, "display") else str(error)
    last = text.strip().rsplit("\n", 1)[-1]
    if getattr(error, "timed_out", False) or "time limit exceeded" in last:
        return "execution timeout", _short(f"{text}\n{_too_slow(limits)}")
    if "suspension limit" in last:
        told = f"it called the host more than {limits.host_calls} times: does its loop ever end?"
        return "execution timeout", _short(f"{text}\n{told}")
    if f"> {OUTPUT_LIMIT} bytes" in last:
        return "code runtime error", f"OutputLimit: the program printed more than {OUTPUT_LIMIT} bytes"
    return "code runtime error", _short(text)


def _short(text: str) -> str:
    """Both ends of a long error: where it happened, and what it was."""
    if len(text) <= ERROR_LIMIT:
        return text
    return f"{text[: ERROR_LIMIT // 2]}\n…\n{text[-ERROR_LIMIT // 2 :]}"


def _rules(limits: Limits, seed: int) -> dict[str, Any]:
    return {
        "limits": {
            "max_memory": limits.memory_bytes,
            "max_feed_duration_secs": limits.seconds,
            "max_suspensions": limits.host_calls,
            "max_recursion_depth": 200,
        },
        "os_policy": {"datetime": datetime(2000, 1, 1, tzinfo=UTC), "sleep": "zero", "random_start": {"seed": seed}},
    }
