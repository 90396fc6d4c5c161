"""Start-up stays light, and no layer reaches up: checked in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ["torch", "transformers", "peft", "datasets", "llama_cpp", "xllamacpp", "unsloth", "mlx"]
HEAVY += ["scipy", "pandas", "pyarrow"]


def heavy_after(code: str) -> str:
    """The heavy modules that are loaded after running `code` in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(','.join(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


@pytest.mark.parametrize(
    "code",
    [
        "import toolkit",
        "import tui",
        "from toolkit import Recipe, Run",
        "import toolkit.cli.app, toolkit.cli.show, toolkit.cli.display, toolkit.cli.doctor",
        "import toolkit.loop",
        "import toolkit.training.trainer, toolkit.students.student, toolkit.models.chat, toolkit.data.prepare",
        "from typer.testing import CliRunner; from toolkit.cli.app import app\n"
        "assert 'doctor' in CliRunner().invoke(app, ['--help']).output",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    assert heavy_after(code) == ""


def test_the_check_itself_would_notice() -> None:
    assert heavy_after("import scipy") == "scipy"


def test_the_layers_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout
