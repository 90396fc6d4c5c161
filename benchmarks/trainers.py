"""Whether all trainers bring a student to the same score: the rows of a run, each trainer, the same items.

    python benchmarks/trainers.py RUN [--quick] [--seed 0 --seed 1 …] [--mlx small|real] [--rows 10000]

RUN is a run's folder; its journal has the rows of its largest round, and the public and gate items are beside it.
Each trainer trains a fresh student as the recipe says, and the torch student answers for all of them, held to the
labels as in a run. torch and unsloth train the recipe's student. MLX has no fast matrix products on Linux: unless
`--mlx real` is asked for, it and torch train a small random model of bytes in full on the same rows (`--mlx real`:
about an hour for quickstart on 2 cores). Scores stand with n and 95 % intervals, differences are paired by item; with
several seeds the items of all of them count, clustered by item. A difference of the seed's size is in it all the same.

The last line is one JSON object; the exit code is 0 when no two trainers are more than 3 points apart. A trainer that
is not installed is named, and holds nothing up.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from toolkit.data.prepare import FOLDER
from toolkit.data.sealed import read_items
from toolkit.evaluation.prompts import TaskPrompts
from toolkit.evaluation.scorers import open_scorer
from toolkit.evaluation.statistics import paired, score_of
from toolkit.journal import JournalReader
from toolkit.models.weights import weights_path
from toolkit.recipe import Recipe, recipe_from_text
from toolkit.students.student import open_student
from toolkit.training.trainer import Example, TrainJob, open_trainer
from toolkit.types import Item, Outcome

TESTS = Path(__file__).resolve().parent.parent / "tests"
APART = 0.03
SMALL = {"hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 3, "initializer_range": 0.05}
SMALL_TRAINING: dict[str, Any] = {"method": "full", "lr": 3e-3, "epochs": 16, "dtype": "float32"}


@dataclass(frozen=True, slots=True)
class Lesson:
    """What all trainers get, and what their students are asked."""

    recipe: Recipe
    examples: list[Example]
    items: list[Item]

    @classmethod
    def of(cls, folder: Path, most: int) -> Lesson:
        """Of the round of a run with the most rows; at most so many of them."""
        with closing(JournalReader(folder)) as reader:
            place = Path(reader.meta("recipe_folder", str(folder)))
            recipe = recipe_from_text(reader.meta("recipe"), place, place / "recipe.yaml")
            wanted = set(max((one["row_ids"] for one in reader.rounds()), key=len, default=[]))
            rows = {row["id"]: row for row in reader.rows(status="accepted") if row["id"] in wanted}
        prompts = prompts_of(recipe)
        examples = [Example(prompts.trained(row["input"]), row["output"]) for row in list(rows.values())[:most]]
        items = [item for split in ("public", "gate") for item in read_items(folder / FOLDER / f"{split}.jsonl")]
        return cls(recipe, examples, items)

    def job(self, gguf: Path, output: Path, seed: int, **changes: Any) -> TrainJob:
        train = self.recipe.file.train
        names = ("method", "lora_r", "lora_alpha", "lora_dropout", "lr", "schedule", "epochs", "batch_size")
        settings = {name: getattr(train, name) for name in (*names, "accumulation", "warmup", "max_length", "dtype")}
        targets = train.lora_targets
        settings["lora_targets"] = targets if isinstance(targets, str) else tuple(targets)
        job = TrainJob(gguf=gguf, examples=self.examples, output=output, seed=seed, **settings)
        return replace(job, **changes)


def prompts_of(recipe: Recipe) -> TaskPrompts:
    return TaskPrompts(recipe.file.task.system, recipe.labels, recipe.file.task.answer)


def taught(trainer: str, lesson: Lesson, job: TrainJob) -> tuple[list[Outcome], float]:
    """The outcomes of a student that this trainer trained, and the seconds of the training."""
    told = [time.monotonic()]

    def tell(event: dict[str, Any]) -> None:
        if event.get("event") == "step" and time.monotonic() - told[0] > 20:
            told[0] = time.monotonic()
            left = f"about {event['seconds_left']:.0f} s left"
            print(f"  {trainer}: step {event['step']}/{event['steps']}, loss {event['loss']:.3f}, {left}", flush=True)

    begun = time.perf_counter()
    adapter = open_trainer(trainer).train(job, tell)
    seconds = time.perf_counter() - begun
    task, most = lesson.recipe.file.task, lesson.recipe.file.student.max_new_tokens
    scorer, prompts = open_scorer(task.scored_by), prompts_of(lesson.recipe)
    with closing(open_student("torch", job.gguf, adapter, job.output.with_name("student.log"))) as student:
        asked = [prompts.trained(item.input) for item in lesson.items]
        answers = dict(student.answer(asked, max_new_tokens=most, choices=lesson.recipe.closed_answers))
    scored = [(item, answers[place]) for place, item in enumerate(lesson.items)]
    return [Outcome(f"{item.id}/{job.seed}", text, scorer(item, text), item.skill) for item, text in scored], seconds


def compare(
    trainers: Sequence[str], lesson: Lesson, gguf: Path, seeds: Sequence[int], **changes: Any
) -> dict[str, Any]:
    """Scores of each trainer's student, and their paired differences."""
    outcomes: dict[str, list[Outcome]] = {}
    figures: dict[str, Any] = {"not installed": []}
    for trainer in trainers:
        if problems := open_trainer(trainer).problems():
            print(f"{trainer}: not measured, {problems[0].what}; {problems[0].fix}", flush=True)
            figures["not installed"].append(trainer)
            continue
        for seed in seeds:
            with tempfile.TemporaryDirectory() as place:
                job = lesson.job(gguf, Path(place) / "adapter", seed, **changes)
                found, seconds = taught(trainer, lesson, job)
            outcomes.setdefault(trainer, []).extend(found)
            figures.setdefault(trainer, {})[f"seed {seed}"] = {**score_of(found).to_json(), "seconds": round(seconds)}
            print(f"{trainer}, seed {seed}: {score_of(found)}, {seconds:.0f} s", flush=True)
    figures["differences"] = {}
    sources = {f"{item.id}/{seed}": item.id for item in lesson.items for seed in seeds}
    for one, other in combinations(outcomes, 2):
        found = paired(outcomes[one], outcomes[other], sources if len(seeds) > 1 else None)
        figures["differences"][f"{one} - {other}"] = {
            name: round(getattr(found, name), 4) for name in ("difference", "low", "high", "p_value", "n")
        }
        points = f"{100 * found.difference:+.1f} points [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
        print(f"{one} - {other}: {points}, n={found.n}, p={found.p_value:.2f}", flush=True)
    return figures


@contextmanager
def small_model() -> Iterator[Path]:
    """A random model of bytes in a cache of its own, where trainers and students find it."""
    sys.path.insert(0, str(TESTS))
    from tiny_model import _model, make_tiny
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    kept = os.environ.get("SCHOOLHOUSE_CACHE")
    with tempfile.TemporaryDirectory() as place:
        os.environ["SCHOOLHOUSE_CACHE"] = place
        try:
            set_seed(0)
            config = LlamaConfig(**{**_model().config.to_dict(), **SMALL})
            yield make_tiny(Path(place), model=LlamaForCausalLM(config))
        finally:
            os.environ.pop("SCHOOLHOUSE_CACHE")
            if kept is not None:
                os.environ["SCHOOLHOUSE_CACHE"] = kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("--quick", action="store_true", help="32 rows, one epoch")
    parser.add_argument("--seed", type=int, action="append", help="as many as wanted; 0 without")
    parser.add_argument("--mlx", choices=("small", "real"), default="small")
    parser.add_argument("--rows", type=int, default=10_000)
    chosen = parser.parse_args()
    lesson = Lesson.of(chosen.run, 32 if chosen.quick else chosen.rows)
    seeds, quick = chosen.seed or [0], {"epochs": 1} if chosen.quick else {}
    model = lesson.recipe.file.student.model
    print(f"{len(lesson.examples)} rows, {len(lesson.items)} items, seeds {seeds}", flush=True)
    real = ("torch", "unsloth", "mlx") if chosen.mlx == "real" else ("torch", "unsloth")
    figures: dict[str, Any] = {"rows": len(lesson.examples), "seeds": seeds}
    figures[model] = compare(real, lesson, weights_path(model), seeds, **quick)
    if chosen.mlx == "small":
        with small_model() as gguf:
            print("a small random model, trained in full", flush=True)
            figures["small"] = compare(("torch", "mlx"), lesson, gguf, seeds, **{**SMALL_TRAINING, **quick})
    differences = [
        one for found in (figures[model], figures.get("small", {})) for one in found.get("differences", {}).values()
    ]
    passed = bool(differences) and all(abs(one["difference"]) <= APART for one in differences)
    report = {"name": "trainers", "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"}
    targets = {"difference between two trainers, share of the items, at most": APART}
    print(json.dumps({**report, "figures": figures, "targets": targets, "pass": passed}))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
