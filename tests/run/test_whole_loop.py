"""The whole loop on real models, killed for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.journal import DATABASE, JournalReader
from toolkit.run import Run

pytestmark = pytest.mark.real
ROOT = Path(__file__).resolve().parents[2]
RECORDED = f"teacher.model=replay/{ROOT / 'tests/run/teacher.jsonl'}"
SMALL = [
    "data.labels=[late_parcel, broken_item, double_charge]",
    "data.per_label={public: 2, gate: 2, private: 4}",
    "acceptance.probe=off",
    "budget.min_rows=6",
]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path))
    return tmp_path


def start(*arguments: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, as a person starts it."""
    command = [sys.executable, "-m", "toolkit.cli", *arguments]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def overrides(*more: str) -> list[str]:
    return [part for override in (*SMALL, *more) for part in ("--set", override)]


def kill_when(process: subprocess.Popen[str], runs: Path, seen: Callable[[JournalReader], object]) -> None:
    """SIGKILL as soon as the journal shows what we wait for."""
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        databases = list(runs.glob(f"*/{DATABASE}"))
        if databases and seen(JournalReader(databases[0].parent)):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return
        time.sleep(0.05)
    output = process.communicate(timeout=5)[0] if process.poll() is not None else "it still runs"
    pytest.fail(f"it ended before it could be killed:\n{output}")


def test_a_run_that_is_killed_twice_goes_on_and_asks_nothing_again(runs: Path) -> None:
    smaller = ("budget.rows=24", "budget.rounds=2", "train.epochs=1", "train.checkpoint_steps=1")
    arguments = overrides(RECORDED, *smaller)
    kill_when(start("run", "recipes/quickstart", *arguments), runs, lambda j: j.outcomes("few-shot", "public"))
    assert Run.open("last").status == "broken"

    kill_when(start("resume", "last"), runs, lambda j: len(j.training_steps(1)) >= 2)
    before = JournalReader(Run.open("last").folder)
    asked = {call["hash"]: call["at"] for call in before.calls()}
    rows = [(row["id"], row["status"]) for row in before.rows(attempt=1)]

    output, _ = start("resume", "last").communicate(timeout=600)
    run = Run.open("last")
    assert run.status == "finished", output
    after = {call["hash"]: call["at"] for call in run.reader.calls()}
    assert asked.items() <= after.items(), "an answered question was asked again"
    assert [(row["id"], row["status"]) for row in run.reader.rows(attempt=1)] == rows

    summary = run.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert [found["round"] for found in summary["rounds"]] == [1, 2]
    assert summary["rows"]["accepted"] <= 24
    assert summary["exam"]["n"] == 12
    assert summary["verdict"]["word"] in ("helped", "cannot tell", "hurt")
    assert len(run.reader.openings("private")) == 1, "the sealed items were opened once"
    assert summary["peak_memory_bytes"] < 6 * 2**30


def test_the_real_teacher_writes_and_the_student_answers(runs: Path) -> None:
    labels = ("data.labels=[late_parcel, broken_item]", "data.per_label={public: 2, gate: 2, private: 5}")
    smaller = ("budget.rows=6", "budget.min_rows=4", "budget.rounds=1", "budget.teacher_calls=3", "train.epochs=1")
    arguments = overrides(*labels, *smaller)
    output, _ = start("run", "recipes/quickstart", *arguments).communicate(timeout=600)
    run = Run.open("last")
    assert run.status == "finished", output
    summary = run.summary()
    assert 1 <= summary["calls"] <= 3
    assert 4 <= summary["rows"]["accepted"] <= 6
    assert summary["tokens"]["completion"] > 30
    dataset = run.rows()
    assert set(dataset["output"]) <= {"late_parcel", "broken_item"}

    chat, _ = start("chat", "last", "where is my parcel, it said tuesday").communicate(timeout=120)
    assert "base student" in chat
    assert "trained student" in chat
