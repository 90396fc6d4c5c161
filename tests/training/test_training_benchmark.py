"""What the training benchmark calls passed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "training.py"
PEERS = ("trl", "trl-tuned", "trl-padding-free", "unsloth")


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("training_benchmark", BENCHMARK)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def figures() -> dict[str, Any]:
    """All were measured, and all targets hold."""
    kinds = {
        kind: {
            "times": {name: {"median": 9.0} for name in PEERS},
            "losses": {"ours": 1.0, **dict.fromkeys(PEERS, 1.05)},
        }
        for kind in ("shared", "apart")
    }
    return {**kinds, "asked": ["ours", *PEERS], "not installed": []}


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
    figures |= {"asked": ["ours", *PEERS[:3]], "not installed": ["unsloth"]}
    assert benchmark.passed(figures)[1]


def test_fast_and_wrong_is_no_victory(benchmark: ModuleType, figures: dict[str, Any]) -> None:
    figures["apart"]["losses"]["ours"] = 2.1
    reached, good = benchmark.passed(figures)
    assert (reached["apart: difference in loss, over the noise, at most"], good) == (10.0, False)
