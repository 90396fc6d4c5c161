"""Which trainer a recipe means, and the interpreter that it runs in."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.cli.doctor import _trainers
from toolkit.errors import ChildError, RecipeError, TrainingError
from toolkit.process import Child
from toolkit.recipe import load_recipe
from toolkit.training import backends, mlx_trainer
from toolkit.training.trainer import BACKENDS, choose, open_trainer, require_trainer

NOWHERE = "/nowhere/bin/python"


@pytest.mark.parametrize(
    ("cuda", "metal", "best"), [(True, False, "unsloth"), (False, True, "mlx"), (False, False, "torch")]
)
def test_the_hardware_decides(monkeypatch: pytest.MonkeyPatch, cuda: bool, metal: bool, best: str) -> None:
    monkeypatch.setattr(backends, "has_cuda", lambda: cuda)
    monkeypatch.setattr(backends, "has_metal", lambda: metal)
    assert backends.suits() == best


@pytest.mark.parametrize("there", [True, False])
def test_auto_is_torch_where_the_better_one_is_not_installed(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr("toolkit.training.trainer.suits", lambda: "mlx")
    monkeypatch.setattr(mlx_trainer, "missing", lambda packages, python: [] if there else list(packages))
    assert choose("auto") == ("mlx" if there else "torch")
    assert type(open_trainer("auto")).__name__ == ("MlxTrainer" if there else "TorchTrainer")
    assert choose("torch") == "torch"


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.training.trainer.suits", lambda: "mlx")
    monkeypatch.setattr(mlx_trainer, "missing", lambda packages, python: ["mlx", "mlx_lm"])
    with pytest.raises(TrainingError, match="the mlx trainer cannot work here: not installed: mlx, mlx_lm") as caught:
        require_trainer("mlx")
    assert caught.value.fix == "make env-mlx   (or: pip install 'schoolhouse[mlx]')"
    found = {finding.what: finding for finding in _trainers()}
    assert (found["trainer mlx"].ok, found["trainer mlx"].needed) == (False, False)
    assert "make env-mlx" in found["trainer mlx"].fix
    assert found["trainer torch"].state == "can train (train.backend: auto)"


def test_a_named_interpreter_is_the_only_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert backends.interpreter("torch", ["json"], NOWHERE) == NOWHERE
    assert backends.missing(["json"], NOWHERE) == ["json"]
    assert all(open_trainer(name).problems(NOWHERE) for name in BACKENDS)
    with pytest.raises(TrainingError) as caught:
        require_trainer("torch", NOWHERE)
    assert caught.value.fix.startswith(f"{NOWHERE} -m pip install")


def test_packages_are_looked_for_here_then_in_the_environment_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    monkeypatch.setattr(backends, "environment", lambda backend: other)
    assert backends.interpreter("mlx", ["json"]) == sys.executable
    assert backends.missing(["json", "no_such_package"], str(other)) == ["no_such_package"]
    monkeypatch.setattr(backends, "missing", lambda packages, python: [] if python == str(other) else list(packages))
    assert backends.interpreter("mlx", ["mlx"]) == str(other)


def test_a_child_imports_from_its_own_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not from the folder that Schoolhouse stands in, not from the working directory, not from `PYTHONPATH`."""
    venv.create(tmp_path / "env", symlinks=True)
    [packages] = (tmp_path / "env").glob("[lL]ib/**/site-packages")
    for stub in ("psutil.py", "platformdirs.py"):
        (packages / stub).touch()
    (packages / "torch.py").write_text("import sys; raise RuntimeError(f'its own torch, found on {sys.path}')")
    hostile = tmp_path / "recipe"
    (hostile / "toolkit").mkdir(parents=True)
    for name in ("torch.py", "psutil.py", "toolkit/__init__.py"):
        (hostile / name).write_text("raise SystemExit('code of the working directory')")
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("PYTHONPATH", str(hostile))
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with (
        pytest.raises(ChildError, match="its own torch") as caught,
        Child("toolkit.models.torch_dtype", python=str(python)) as child,
    ):
        list(child.messages())
    assert str(hostile) not in caught.value.message
    assert f"{Path(backends.__file__).parents[2]}'" not in caught.value.message


def test_recipes_and_the_command_line_know_the_names() -> None:
    for name in ("auto", "torch", "mlx", "unsloth"):
        assert load_recipe("quickstart", [f"train.backend={name}"]).file.train.backend == name
    with pytest.raises(RecipeError):
        load_recipe("quickstart", ["train.backend=mlx9"])
    wrong = CliRunner().invoke(app, ["run", "quickstart", "--trainer", "mlx9", "--rounds", "1"])
    assert wrong.exit_code != 0
    assert "train.backend" in str(wrong.exception) + wrong.output
