"""What the benchmark of the trainers gives to all of them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_all_trainers_get_the_rows_and_settings_of_the_run(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("trainers_benchmark", ROOT / "benchmarks" / "trainers.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    lesson = module.Lesson.of(ROOT / "tests" / "data" / "recorded-run", 10_000)
    assert (len(lesson.examples), len(lesson.items)) == (252, 216), "180 of the teacher, 72 of the recipe"
    assert {example.answer for example in lesson.examples} == set(lesson.recipe.closed_answers)
    job = lesson.job(tmp_path / "x.gguf", tmp_path / "adapter", 7, epochs=5)
    assert (job.lr, job.epochs, job.seed, job.lora_r, job.method) == (2e-3, 5, 7, 16, "lora")
