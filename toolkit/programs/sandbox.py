"""Runs a data program where it can reach nothing but the teacher and the checks.

The interpreter is pydantic-monty: a subset of Python in a process of its own, without
files, network or environment. Clock and random seed are fixed, so a program that is run
again makes the same calls in the same order, which is what makes a run durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from toolkit.types import Json

ErrorClass = Literal["execution timeout", "code runtime error", "other"]
PRELUDE = Path(__file__).with_name("prelude.py")
OUTPUT_LIMIT = 200_000


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
    from pydantic_monty import CollectString, Monty, MontyCrashedError, MontyError

    limits = limits or Limits()
    printed = CollectString(max_bytes=OUTPUT_LIMIT)
    try:
        with Monty() as pool, pool.checkout(script_name="program.py", **_rules(limits, seed)) as session:
            session.feed_run(PRELUDE.read_text(encoding="utf-8"))
            session.feed_run(source, inputs=dict(inputs), external_lookup=dict(functions), print_callback=printed)
    except MontyCrashedError as error:
        kind: ErrorClass = "execution timeout" if error.timed_out else "code runtime error"
        return Ending(kind, str(error), printed.output)
    except MontyError as error:
        text = error.display() if hasattr(error, "display") else str(error)
        timed_out = isinstance(error.exception(), TimeoutError)
        return Ending("execution timeout" if timed_out else "code runtime error", text, printed.output)
    return Ending(printed=printed.output)


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
