"""The unsloth trainer without Unsloth: what is missing, what is started, and its child on a stand-in.

The stand-in is transformers and peft behind Unsloth's two functions. What every trainer must do
stands in test_trainer_contract.py, which runs the real Unsloth where `make env-unsloth` was run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_model import make_tiny, tiny_job

from toolkit.errors import TrainingError
from toolkit.models.hf_folder import hf_folder
from toolkit.training import torch_trainer, unsloth_trainer
from toolkit.training.trainer import BACKENDS, TrainJob, choose, open_trainer, require_trainer
from toolkit.training.unsloth_trainer import UnslothTrainer

STAND_IN = """
import json, os, sys
from pathlib import Path

late = [name for name in ("torch", "transformers", "peft") if name in sys.modules]
scratch = Path(os.environ["UNSLOTH_COMPILE_LOCATION"]).parent
seen = {name: value for name, value in os.environ.items() if name.startswith(("HF_", "TRANSFORMERS_", "UNSLOTH_"))}
note = {"late": late, "env": seen, "scratch": str(scratch), "was": sorted(path.name for path in scratch.iterdir())}
record = Path(os.environ["STAND_IN_NOTES"])
record.write_text(json.dumps(note))

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def is_bfloat16_supported():
    return False


class FastLanguageModel:
    @staticmethod
    def from_pretrained(name, *, dtype, local_files_only, trust_remote_code, load_in_4bit, full_finetuning, **others):
        assert local_files_only and not trust_remote_code and not load_in_4bit
        record.write_text(json.dumps({**note, "load": {**others, "dtype": str(dtype), "full": full_finetuning}}))
        return AutoModelForCausalLM.from_pretrained(name, dtype=dtype, local_files_only=True), None

    @staticmethod
    def get_peft_model(model, *, target_modules, random_state, max_seq_length, use_gradient_checkpointing, **lora):
        left = os.environ.get("STAND_IN_LEAVES")
        targets = [name for name in target_modules if name != left]
        return get_peft_model(model, LoraConfig(target_modules=targets, task_type="CAUSAL_LM", **lora))
"""


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The stand-in is installed for children; the file is what it says of its process."""
    packages = tmp_path / "packages"
    packages.joinpath("unsloth_zoo").mkdir(parents=True)
    packages.joinpath("unsloth_zoo", "__init__.py").touch()
    packages.joinpath("unsloth.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    monkeypatch.setenv("STAND_IN_NOTES", str(tmp_path / "notes.json"))
    monkeypatch.setattr(unsloth_trainer, "interpreter", lambda *_: sys.executable)
    yield tmp_path / "notes.json"


def run(job: TrainJob) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    assert UnslothTrainer().train(job, events.append) == job.output
    return events


def losses(events: list[dict[str, Any]]) -> list[float]:
    return [event["loss"] for event in events if event["event"] == "step"]


def test_it_is_one_of_the_trainers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BACKENDS["unsloth"] == "toolkit.training.unsloth_trainer"
    assert isinstance(open_trainer("unsloth"), UnslothTrainer)
    monkeypatch.setattr("toolkit.training.trainer.suits", lambda: "unsloth")
    for there, chosen in ((True, "unsloth"), (False, "torch")):
        absent: list[str] = [] if there else ["unsloth"]
        monkeypatch.setattr(unsloth_trainer, "missing", lambda packages, python, absent=absent: absent)
        monkeypatch.setattr(unsloth_trainer, "_version_in", lambda python: "2026.10.9")
        assert choose("auto") == chosen


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsloth_trainer, "has_metal", lambda: False)
    monkeypatch.setattr(unsloth_trainer, "missing", lambda packages, python: ["unsloth", "unsloth_zoo"])
    with pytest.raises(
        TrainingError, match="the unsloth trainer cannot work here: not installed: unsloth, unsloth_zoo"
    ):
        require_trainer("unsloth")
    assert open_trainer("unsloth").problems()[0].fix.startswith("make env-unsloth ")
    [named] = open_trainer("unsloth").problems("/other/python")
    assert named.fix == "/other/python -m pip install 'schoolhouse[unsloth]'"


@pytest.mark.parametrize(
    ("found", "cuda", "well"),
    [
        ("2026.10.8", False, False),
        ("2026.9.14", False, False),
        ("2026.10.8", True, True),
        ("2026.10.9", False, True),
        ("2026.11.1.post2", False, True),
        ("", False, True),
    ],
)
def test_releases_that_need_a_gpu_are_told(monkeypatch: pytest.MonkeyPatch, found: str, cuda: bool, well: bool) -> None:
    monkeypatch.setattr(unsloth_trainer, "has_metal", lambda: False)
    monkeypatch.setattr(unsloth_trainer, "has_cuda", lambda: cuda)
    monkeypatch.setattr(unsloth_trainer, "missing", lambda packages, python: [])
    monkeypatch.setattr(unsloth_trainer, "_version_in", lambda python: found)
    problems = UnslothTrainer().problems()
    assert [problem.what for problem in problems] == (
        [] if well else [f"unsloth {found} needs a GPU, 2026.10.9 trains without one"]
    )


def test_an_interpreter_is_asked_for_the_version_and_may_not_know(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    assert unsloth_trainer._version_in(str(other)) == unsloth_trainer._version_in(sys.executable)
    assert unsloth_trainer._version_in("/nowhere/python") == ""


def test_apple_silicon_is_sent_to_mlx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsloth_trainer, "has_metal", lambda: True)
    assert [problem.fix for problem in UnslothTrainer().problems()] == ["write `train.backend: mlx`"]


def test_what_is_started(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's module and interpreter, and a scratch folder that is empty before and gone after."""
    started: dict[str, Any] = {}

    class Recorded:
        def __init__(self, module: str, *, python: str | None, log: Path) -> None:
            started.update(module=module, python=python)

        def send(self, message: dict[str, Any]) -> None:
            started.update(message, was=list(Path(message["scratch"]).iterdir()))

        def messages(self) -> Iterator[dict[str, Any]]:
            yield {"event": "done"}

        def close(self) -> None:
            started["after"] = Path(started["scratch"]).exists()

    monkeypatch.setattr(torch_trainer, "Child", Recorded)
    job = tiny_job(gguf, tmp_path / "adapter", python="/other/python", dtype="auto")
    run(job)
    assert (started["module"], started["python"]) == ("toolkit.training.unsloth_child", "/other/python")
    assert started["model"] == str(hf_folder(gguf))
    assert started["settings"]["dtype"] == "auto"  # the child measures, with its own torch
    assert started["job"]["trainer"] == "unsloth"
    assert (started["was"], started["after"]) == ([], True)
    assert not Path(started["scratch"]).exists()


def test_the_child_trains_as_the_torch_trainer_does(gguf: Path, tmp_path: Path, notes: Path) -> None:
    from safetensors.torch import load_file

    mine, torchs = (tiny_job(gguf, tmp_path / name, epochs=2) for name in ("mine", "torchs"))
    expected: list[dict[str, Any]] = []
    events = run(mine)
    open_trainer("torch").train(torchs, expected.append)
    assert losses(events)[-1] == pytest.approx(losses(expected)[-1], rel=1e-4)
    tensors = [load_file(job.output / "adapter_model.safetensors") for job in (mine, torchs)]
    assert tensors[0].keys() == tensors[1].keys()
    assert all((tensors[0][name] - tensors[1][name]).abs().max() < 1e-4 for name in tensors[0])
    configs = [json.loads((job.output / "adapter_config.json").read_text()) for job in (mine, torchs)]
    assert configs[0] | {"target_modules": None} == configs[1] | {"target_modules": None}  # written in another way


def test_unsloth_is_imported_first_offline_and_writes_into_the_scratch_folder(
    gguf: Path, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSLOTH_ALLOW_CPU", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    run(tiny_job(gguf, tmp_path / "adapter", epochs=1))
    seen = json.loads(notes.read_text())
    assert seen["late"] == []
    assert {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"} <= {
        name for name, value in seen["env"].items() if value == "1"
    }
    assert "UNSLOTH_DISABLE_STATISTICS" in seen["env"]
    assert "UNSLOTH_ALLOW_CPU" not in seen["env"]
    assert seen["was"] == []
    assert not Path(seen["scratch"]).exists()
    assert Path(seen["scratch"]).name.startswith("schoolhouse-unsloth-")
    load = {"max_seq_length": 512, "dtype": "torch.float32", "full": False, "use_exact_model_name": True}
    assert load.items() <= seen["load"].items()


def test_less_memory_is_the_same_batch(gguf: Path, tmp_path: Path, notes: Path) -> None:
    whole, parts = (tiny_job(gguf, tmp_path / str(n), epochs=1, accumulation=n) for n in (1, 4))
    assert losses(run(whole))[-1] == pytest.approx(losses(run(parts))[-1], rel=1e-4)


def test_all_weights_are_learnt_with_method_full(gguf: Path, tmp_path: Path, notes: Path) -> None:
    mine, torchs = (tiny_job(gguf, tmp_path / name, epochs=2, method="full") for name in ("mine", "torchs"))
    expected: list[dict[str, Any]] = []
    open_trainer("torch").train(torchs, expected.append)
    assert losses(run(mine))[-1] == pytest.approx(losses(expected)[-1], rel=1e-3)
    assert {path.name for path in mine.output.iterdir()} == {path.name for path in torchs.output.iterdir()}
    assert json.loads(notes.read_text())["load"]["full"] is True


@pytest.mark.parametrize("driver", [True, False])
def test_four_bits_need_a_gpu(
    gguf: Path, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch, driver: bool
) -> None:
    """Without a driver nothing is started; a torch that sees no GPU is found out by the child."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr("toolkit.training.trainer.has_cuda", lambda: driver)
    monkeypatch.setattr("toolkit.training.trainer.missing", lambda packages, python: [])
    with pytest.raises(TrainingError, match="qlora needs an NVIDIA GPU") as caught:
        run(tiny_job(gguf, tmp_path / "adapter", method="qlora"))
    assert caught.value.fix == "write `train.method: lora`"
    assert notes.exists() == driver
    assert not (tmp_path / "adapter").exists()


def test_a_layer_that_would_stay_untrained_is_named(
    gguf: Path, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_LEAVES", "down_proj")
    with pytest.raises(TrainingError, match="Unsloth would leave layers of tiny untrained: down_proj"):
        run(tiny_job(gguf, tmp_path / "adapter"))
    assert run(tiny_job(gguf, tmp_path / "two", epochs=1, lora_targets=("q_proj", "v_proj")))
    config = json.loads((tmp_path / "two" / "adapter_config.json").read_text())
    assert sorted(config["target_modules"]) == ["q_proj", "v_proj"]
    with pytest.raises(TrainingError, match="no layer named 'w_proj'"):
        run(tiny_job(gguf, tmp_path / "none", lora_targets=("q_proj", "w_proj")))
