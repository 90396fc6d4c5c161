"""A mistake is one clear error with the fix, a non-zero exit code, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def schoolhouse(*arguments: str, runs: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SCHOOLHOUSE_RUNS": str(runs)}
    command = [sys.executable, "-m", "toolkit.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "nothing-like-it"], 2, ["nothing-like-it", "schoolhouse recipes"]),
        (["run", "recipes/quickstart", "--set", "train.lorar=8"], 2, ["--set", "train.lorar", "lora_r"]),
        (["run", "recipes/quickstart", "--set", "train.lr=fast"], 2, ["train.lr"]),
        (["run", "recipes/quickstart", "--set", "student.model=smollm"], 3, ["smollm", "smollm2-135m-instruct"]),
        (["run", "recipes/quickstart", "--set", "teacher.model=lama_cpp/x"], 3, ["llama_cpp"]),
        (["run", "recipes/quickstart", "--set", "data.path=/no/such/file.csv"], 2, ["/no/such/file.csv"]),
        (["run", "recipes/banking77"], 2, ["data.path"]),
        (["show", "nothing-like-it"], 5, ["schoolhouse runs"]),
        (["show", "last"], 5, ["schoolhouse demo"]),
        (["resume", "last"], 5, ["no runs"]),
        (["models", "path", "smollm"], 3, ["smollm2-135m-instruct"]),
    ],
)
def test_a_mistake_is_named_with_its_fix(arguments: list[str], code: int, words: list[str], tmp_path: Path) -> None:
    done = schoolhouse(*arguments, runs=tmp_path / "runs")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert not list(tmp_path.rglob("run.db")), "nothing half-written"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_without_a_compiler_the_set_up_goes_on_and_says_what_is_missing(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(
        [shutil.which("make") or "make", "-n", "setup", f"PYTHON={sys.executable}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "no C compiler: xllamacpp is used" in done.stdout
    assert "build-essential" in done.stdout
