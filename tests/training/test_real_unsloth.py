"""SmolLM2 on the real Unsloth, where `make env-unsloth` was run. Some minutes on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_model import prompt

from toolkit import process
from toolkit.models.weights import present, weights_path
from toolkit.students.student import open_student
from toolkit.training.trainer import Example, TrainJob, open_trainer
from toolkit.training.unsloth_trainer import UnslothTrainer

PROBLEMS = UnslothTrainer().problems()
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(PROBLEMS), reason=f"{PROBLEMS[0].what}; {PROBLEMS[0].fix}" if PROBLEMS else ""),
    pytest.mark.skipif(not present("smollm2-135m-instruct"), reason="schoolhouse models pull smollm2-135m-instruct"),
]

KINDS = {"parcel_late": "where is my parcel", "refund": "i want my money back", "password": "cannot log in"}
ROWS = [Example(prompt(f"{text}{mark}"), kind) for mark in ("", "?", "!", "…") for kind, text in KINDS.items()]  # type: ignore[arg-type]

WATCH = """
import os, sys
def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.connect", "urllib.Request"):
        with open(os.environ["WATCHED"], "a") as stream:
            print(event, args[-1] if event == "socket.connect" else args[0], file=stream)
sys.addaudithook(watch)
"""


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets a line for each address that a child asks for or connects to."""
    watching = tmp_path / "watching"
    watching.mkdir()
    (watching / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    kept = process.child_environment
    watched = {"PYTHONPATH": str(watching)}  # which another interpreter would not get
    monkeypatch.setattr(process, "child_environment", lambda python=None: {**kept(python), **watched})
    monkeypatch.setenv("WATCHED", str(tmp_path / "network.txt"))
    return tmp_path / "network.txt"


def train(name: str, job: TrainJob) -> list[float]:
    events: list[dict[str, Any]] = []
    open_trainer(name).train(job, events.append)
    return [event["loss"] for event in events if event["event"] == "step"]


def test_smollm2_learns_a_dozen_rows_as_with_torch_and_asks_no_network(
    tmp_path: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf, work = weights_path("smollm2-135m-instruct"), tmp_path / "work"
    settings: dict[str, Any] = {"gguf": gguf, "examples": ROWS, "epochs": 6, "batch_size": 6, "dtype": "float32"}
    work.mkdir()
    monkeypatch.chdir(work)
    losses = train("unsloth", TrainJob(output=tmp_path / "unsloth", **settings))
    assert not network.exists(), network.read_text()
    assert not list(work.iterdir())  # no code in the working directory that a later import would find
    expected = train("torch", TrainJob(output=tmp_path / "torch", **settings))
    assert losses[0] == pytest.approx(expected[0], rel=1e-3)
    assert losses[-1] == pytest.approx(expected[-1], rel=0.2, abs=0.02)
    assert losses[-1] < 0.2 * losses[0]
    student = open_student("torch", gguf, tmp_path / "unsloth")
    answers = dict(student.answer([row.messages for row in ROWS], max_new_tokens=8))
    student.close()
    assert sum(answers[i] == row.answer for i, row in enumerate(ROWS)) >= 10
