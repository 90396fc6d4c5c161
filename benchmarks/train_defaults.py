"""What `train.lr` and `train.epochs` do to the score and to the time, on the rows of a run.

    python benchmarks/train_defaults.py RUN [--lr 1e-3 --lr 2e-3] [--epochs 2 --epochs 3] [--rows 384] [--quick]

Every setting trains a fresh student on the same rows and answers the public and gate items of
that run; `private` is not touched. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from itertools import product
from pathlib import Path

from toolkit.data.prepare import RunData, prepare
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.evaluation.statistics import score_of
from toolkit.models.weights import weights_path
from toolkit.run import Run
from toolkit.run.students import run_prompts, run_recipe
from toolkit.students.student import open_student
from toolkit.training.trainer import Example, TrainJob, open_trainer
from toolkit.types import Json, Outcome, Row


def measure(rows: list[Row], data: RunData, prompts: TaskPrompts, gguf: Path, lr: float, epochs: int) -> Json:
    """Score and seconds of one setting."""
    with tempfile.TemporaryDirectory() as folder:
        examples = [Example(prompts.trained(row.input), row.output) for row in rows]
        job = TrainJob(gguf=gguf, examples=examples, output=Path(folder) / "adapter", lr=lr, epochs=epochs)
        begun = time.perf_counter()
        adapter = open_trainer("torch").train(job, lambda _: None)
        trained = time.perf_counter() - begun
        student = open_student("torch", gguf, adapter, Path(folder) / "student.log")
        items = [*data.public, *data.gate]
        answers = student.answer([prompts.trained(item.input) for item in items], max_new_tokens=20)
        outcomes = [
            Outcome(items[i].id, text, float(text.strip() == items[i].output), items[i].skill) for i, text in answers
        ]
        student.close()
    found = score_of(outcomes)
    return {"lr": lr, "epochs": epochs, "rows": len(rows), "train_seconds": round(trained), **found.to_json()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--lr", type=float, action="append")
    parser.add_argument("--epochs", type=int, action="append")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="one setting, 32 rows")
    chosen = parser.parse_args()
    run = Run.open(chosen.run)
    recipe = run_recipe(run)
    rows = [row for attempt in run.reader.attempts() for row in run.reader.accepted_rows(attempt["id"])]
    rows = rows[: 32 if chosen.quick else chosen.rows]
    settings = list(product(chosen.lr or [1e-3, 2e-3], chosen.epochs or [2, 3]))[: 1 if chosen.quick else None]
    data, gguf = prepare(recipe, run.folder), weights_path(recipe.file.student.model)
    figures = []
    for lr, epochs in settings:
        figures.append(measure(rows, data, run_prompts(run), gguf, lr, epochs))
        print(figures[-1], flush=True)
    report = {"name": "train_defaults", "machine": platform.processor() or platform.machine(), "figures": figures}
    print(json.dumps({**report, "targets": {}, "pass": True}))


if __name__ == "__main__":
    main()
