"""Train: a fresh student from the base weights, on the rows that this round may use."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from toolkit.stages.session import Session
from toolkit.training.trainer import Example, TrainJob, open_trainer
from toolkit.types import Row

KEPT = {"fresh": set[str](), "accepted": {"accepted"}, "not_worse": {"accepted", "undecided"}}
"""`train.rows` -> the decisions after which a round's rows are carried on to later rounds."""


def lesson(session: Session, number: int, submission: list[Row]) -> list[Row]:
    """The rows of round `number`: this submission, after those that earlier rounds left."""
    kept = KEPT[session.recipe.file.train.rows]
    earlier = [found for found in session.journal.rounds() if found["number"] < number]
    carried = [found["attempt"] for found in earlier if found["decision"] in kept]
    rows = [row for attempt in carried for row in session.journal.accepted_rows(attempt)]
    unique = {row.id: row for row in [*rows, *submission]}
    return list(unique.values())


def train(session: Session, number: int, attempt: int) -> Path:
    """Train the student of round `number` on the submission of an attempt; returns its adapter folder.

    Trained already: returns at once.
    """
    rows = lesson(session, number, session.journal.accepted_rows(attempt))
    arm = session.recipe.file.engineer.mode
    session.journal.round(number, attempt=attempt, arm=arm, row_ids=[row.id for row in rows])
    output = session.folder / "adapters" / f"round-{number}"
    with session.stage("train", number):
        adapter = open_trainer(session.recipe.file.train.backend).train(
            _job(session, rows, output), lambda message: _note(session, number, message)
        )
    _keep(session, number, adapter)
    return adapter


def _job(session: Session, rows: list[Row], output: Path) -> TrainJob:
    settings = session.recipe.file.train
    return TrainJob(
        gguf=session.student_gguf,
        examples=[Example(session.prompts.trained(row.input), row.output) for row in rows],
        output=output,
        lora_r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        lr=settings.lr,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        warmup=settings.warmup,
        max_length=settings.max_length,
        dtype=settings.dtype,
        checkpoint_steps=settings.checkpoint_steps,
        seed=settings.seed,
        python=settings.python,
    )


def _note(session: Session, number: int, message: dict[str, Any]) -> None:
    """Journal what the trainer says; a step is also a place where the run may pause."""
    kind = message.get("event")
    if kind == "step":
        session.journal.training_step(
            number,
            int(message["step"]),
            steps=int(message["steps"]),
            loss=float(message["loss"]),
            lr=float(message["lr"]),
            tokens_per_second=float(message["tokens_per_second"]),
        )
        session.safe_point()
    elif kind == "memory":
        session.journal.memory(int(message["peak_bytes"]))
    elif kind not in (None, "done"):
        session.journal.event("training", number, **{key: value for key, value in message.items() if key != "event"})


def _keep(session: Session, number: int, adapter: Path) -> None:
    """Note the adapter with the hash of its weights, relative to the run folder."""
    weights = next(adapter.glob("*.safetensors"))
    relative = adapter.relative_to(session.folder)
    session.journal.artifact(str(relative), "adapter", hashlib.sha256(weights.read_bytes()).hexdigest(), number)
    session.journal.round_adapter(number, str(relative))
