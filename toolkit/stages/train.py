"""Train: a fresh student from the base weights, on the rows that this round may use."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.stages.decisions import decided, take_decisions
from toolkit.stages.general import general_examples, note_general
from toolkit.stages.given import given_rows
from toolkit.stages.session import LEAVE_OUT, SEED, SEEDS, Session
from toolkit.training.trainer import Example, TrainJob, open_trainer
from toolkit.types import Row

KEPT = {"fresh": set[str](), "accepted": {"accepted"}, "not_worse": {"accepted", "undecided"}}
"""`train.rows` -> the decisions after which a round's rows are carried on to later rounds."""


def lesson(session: Session, number: int, attempt: int) -> list[Row]:
    """The rows of round `number`: its submission, after those that earlier rounds left, as a person wants them.

    With `train.examples` the recipe's own examples stand before all.
    """
    kept = KEPT[session.recipe.file.train.rows]
    earlier = [found for found in session.journal.rounds() if found["number"] < number]
    carried = [found["attempt"] for found in earlier if found["decision"] in kept]
    attempts = [*carried, attempt]
    generated = [row for one in attempts for row in session.journal.accepted_rows(one)]
    unique = {row.id: row for row in [*given_rows(session), *generated]}
    return decided(session, number, list(unique.values()), attempts)


def train(session: Session, number: int, attempt: int) -> Path:
    """Train the student of round `number` on the submission of an attempt; returns its adapter folder.

    Trained already: returns at once.
    """
    take_decisions(session)
    rows = lesson(session, number, attempt)
    session.journal.round(number, attempt=attempt, arm=session.arm, row_ids=[row.id for row in rows])
    note_general(session, number, len(rows))
    output = adapter_of(session, f"round-{number}")
    with session.stage("train", number):
        adapter = open_trainer(trainer_of(session)).train(
            _job(session, rows, output, session.recipe.file.train.seed), lambda message: _note(session, number, message)
        )
    _keep(session, number, adapter)
    return adapter


def train_seeds(session: Session, number: int) -> dict[str, Path]:
    """Students of round `number` with other training seeds, as many as the recipe wants: name -> adapter folder.

    The round's own student is the first seed and not among them. Trained already: returns at once.
    """
    settings = session.recipe.file.train
    record = next(found for found in session.journal.rounds() if found["number"] == number)
    rows = lesson(session, number, record["attempt"])
    adapters: dict[str, Path] = {}
    for seed in range(settings.seed + 1, settings.seed + settings.seeds):
        name = f"round-{number}{SEED}{seed}"
        adapters[name] = output = adapter_of(session, name)
        if not output.is_dir():
            text = f"round {number} is trained again with seed {seed}, to see the spread"
            session.journal.event("log", text=text)
        with session.stage(SEEDS, number):
            open_trainer(trainer_of(session)).train(
                _job(session, rows, output, seed), partial(_listen, session, number, name)
            )
        _note_artifact(session, number, output)
    return adapters


def train_apart(session: Session, number: int, student: str, rows: list[Row]) -> Path:
    """Train a student of its own name as round `number`'s was, on other rows; returns its adapter folder."""
    output = adapter_of(session, student)
    job = _job(session, rows, output, session.recipe.file.train.seed)
    with session.stage(LEAVE_OUT, number):
        open_trainer(trainer_of(session)).train(job, partial(_listen, session, number, student))
    _note_artifact(session, number, output)
    return output


def trainer_of(session: Session) -> str:
    """The trainer's name: what `auto` meant where the run began."""
    return str(session.journal.meta("trainer", session.recipe.file.train.backend))


def adapter_of(session: Session, student: str) -> Path:
    """The folder of a trained student's adapter."""
    return session.folder / "adapters" / student


def _listen(session: Session, number: int, student: str, message: dict[str, Any]) -> None:
    """Journal what a training beside a round's own says, as `student`'s.

    At each of its steps the run may pause; the last one is an event as well.
    """
    kind = message.get("event")
    if kind == "step":
        taken, steps = message.get("since", [message]), int(message["steps"])
        session.journal.steps_of(number, taken, steps=steps, student=student)
    if kind == "memory":
        session.journal.memory(int(message["peak_bytes"]))
        return
    if kind != "step" or message["step"] == message["steps"]:
        data = {key: value for key, value in message.items() if key not in ("event", "since")}
        session.journal.event("lint" if kind == "lint" else "training", number, student=student, **data)
    if kind == "step":
        session.safe_point()


def _job(session: Session, rows: list[Row], output: Path, seed: int) -> TrainJob:
    settings, targets = session.recipe.file.train, session.recipe.file.train.lora_targets
    lessons = [Example(session.prompts.trained(row.input), row.output) for row in rows]
    return TrainJob(
        gguf=session.student_gguf,
        examples=[*lessons, *general_examples(session, len(rows))],
        output=output,
        method=settings.method,
        lora_r=settings.lora_r,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        lora_targets=targets if isinstance(targets, str) else tuple(targets),
        lr=settings.lr,
        schedule=settings.schedule,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        accumulation=settings.accumulation,
        warmup=settings.warmup,
        max_length=settings.max_length,
        dtype=settings.dtype,
        checkpoint_steps=settings.checkpoint_steps,
        seed=seed,
        python=settings.python,
    )


def _note(session: Session, number: int, message: dict[str, Any]) -> None:
    """Journal what the trainer says; a step is also a place where the run may pause."""
    kind = message.get("event")
    if kind == "step":
        session.journal.steps_of(number, message.get("since", [message]), steps=int(message["steps"]))
        session.safe_point()
    elif kind == "memory":
        session.journal.memory(int(message["peak_bytes"]))
    elif kind == "gpu_memory":
        held = f"{message['peak_bytes'] / 2**30:.1f} GiB"
        session.journal.event(
            "log", number, text=f"round {number}: the GPU held {held} at most while the student learnt"
        )
    elif kind == "lint":
        session.journal.event("lint", number, **{key: value for key, value in message.items() if key != "event"})
    elif kind not in (None, "done"):
        session.journal.event("training", number, **{key: value for key, value in message.items() if key != "event"})


def _keep(session: Session, number: int, adapter: Path) -> None:
    """Note the round's adapter, relative to the run folder."""
    session.journal.round_adapter(number, _note_artifact(session, number, adapter))


def _note_artifact(session: Session, number: int, adapter: Path) -> str:
    """Journal an adapter with the hash of its weights; returns its path in the run folder."""
    weights = next(adapter.glob("*.safetensors"))
    relative = str(adapter.relative_to(session.folder))
    session.journal.artifact(relative, "adapter", hashlib.sha256(weights.read_bytes()).hexdigest(), number)
    return relative
