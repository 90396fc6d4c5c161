"""What the training benchmark calls passed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "training.py"
PEERS = ("trl", "trl-tuned", "trl-padding-free", "unsloth")


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARK.parent))  # as for a script
    spec = importlib.util.spec_from_file_location("training_benchmark", BENCHMARK)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(BENCHMARK.parent))


@pytest.fixture
def figures() -> dict[str, Any]:
    """All were measured, and all targets hold."""
    kinds = {
        kind: {
            "times": {name: {"median": 9.0} for name in PEERS},
            "losses": {"ours": 1.0, **dict.fromkeys(PEERS, 1.05)},
            "losses of ours by seed": [1.0, 0.9, 1.1, 1.0],
            "asked": ["ours", *PEERS],
        }
        for kind in ("shared", "apart")
    }
    return {**kinds, "not installed": []}


def test_all_that_was_measured_holds(benchmark: ModuleType, figures: dict[str, Any]) -> None:
    reached, good = benchmark.passed(figures)
    assert good
    assert list(reached) == list(benchmark.TARGETS)
    assert None not in reached.values()


def test_a_contestant_that_failed_is_no_victory(benchmark: ModuleType, figures: dict[str, Any]) -> None:
    for found in ("times", "losses"):
        del figures["shared"][found]["trl-tuned"]
    reached, good = benchmark.passed(figures)
    assert reached["shared: times the fastest tuned TRL at least"] is None
    assert not good


def test_what_is_not_installed_holds_nothing_up(benchmark: ModuleType, figures: dict[str, Any]) -> None:
    for found in (figures["shared"], figures["apart"]):
        del found["times"]["unsloth"], found["losses"]["unsloth"]
    assert not benchmark.passed(figures)[1]  # it was there and did not answer
    for found in (figures["shared"], figures["apart"]):
        found["asked"].remove("unsloth")
    assert benchmark.passed({**figures, "not installed": ["unsloth"]})[1]


def test_fast_and_wrong_is_no_victory(benchmark: ModuleType, figures: dict[str, Any]) -> None:
    figures["apart"]["losses of ours by seed"] = [2.1, 2.0, 2.2, 2.0]
    reached, good = benchmark.passed(figures)
    assert (reached["apart: difference in loss, over the noise, at most"], good) == (5.0, False)


def test_what_seeds_do_to_the_loss_is_no_difference(benchmark: ModuleType, figures: dict[str, Any]) -> None:
    figures["apart"]["losses of ours by seed"] = [0.8, 1.2, 0.9, 0.9]
    assert benchmark.passed(figures)[1]
    figures["apart"]["losses of ours by seed"] = [1.0] * 4  # closer together than rounding lets expect
    assert benchmark.passed(figures)[0]["apart: difference in loss, over the noise, at most"] == 2.38


def test_the_time_left_follows_what_was_done(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(benchmark.time, "monotonic", lambda: now)
    clock = benchmark.TimeLeft(["load", "load", "trl", "trl"])
    now = 50.0  # twice as long as usual
    clock.did("load", "one is ready")
    assert capsys.readouterr().out == "[ 0.8 min, about 1.4 left] one is ready\n"
