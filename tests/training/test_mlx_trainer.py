"""The mlx trainer from inside: gradients, memory, checkpoints; and SmolLM2 for real.

What every trainer must do stands in test_trainer_contract.py. These run in the interpreter
that has mlx, which may not be this one.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tiny_model import make_tiny, prompt, tiny_job

from toolkit.errors import TrainingError
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_model import load_model, load_tokenizer
from toolkit.models.weights import present, weights_path
from toolkit.training.backends import interpreter
from toolkit.training.encode import encode
from toolkit.training.mlx_model import rope_settings
from toolkit.training.mlx_trainer import NEEDED, MlxTrainer
from toolkit.training.torch_child import Training
from toolkit.training.torch_trainer import _message
from toolkit.training.trainer import Example, TrainJob, open_trainer

PROBLEMS = MlxTrainer().problems()
needs_mlx = pytest.mark.skipif(bool(PROBLEMS), reason=f"{PROBLEMS[0].what}; {PROBLEMS[0].fix}" if PROBLEMS else "")

BEGIN = """
import json, sys
from mlx.utils import tree_flatten
from toolkit.errors import TrainingError
from toolkit.models.torch_model import load_tokenizer
from toolkit.training.encode import encode
from toolkit.training.mlx_child import Training
from pathlib import Path
job = json.loads(Path(sys.argv[1]).read_text())
rows = encode(load_tokenizer(Path(job["model"])), job["rows"], 512)
events = []
training = Training(job, rows, events.append)
batch = training.plan[0]
"""


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


def in_mlx(job: TrainJob, code: str) -> Any:
    """What `code` prints as JSON after `BEGIN`, in the interpreter that has mlx."""
    message = job.output.with_name("message.json")
    message.write_text(json.dumps(_message(job, "f", job.output, lambda: "auto")), encoding="utf-8")
    root = str(Path(__file__).resolve().parents[2])
    command = [interpreter("mlx", NEEDED), "-c", f"{BEGIN}\n{code}", str(message)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root}, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def job_of(gguf: Path, tmp_path: Path, **changes: object) -> TrainJob:
    """Six rows in one batch, with a system prompt long enough to be shared."""
    rows = [Example(prompt(f"m{'y' * n}", "Give one label. " * 4), "late") for n in range(6)]  # type: ignore[arg-type]
    return tiny_job(gguf, tmp_path / "adapter", **{"examples": rows, "epochs": 4, "batch_size": 6, **changes})


@needs_mlx
def test_sharing_the_prefix_gives_the_gradients_of_whole_rows(gguf: Path, tmp_path: Path) -> None:
    found = in_mlx(
        job_of(gguf, tmp_path),
        """
training.learn(batch)  # so that no matrix is zero
shared, found = training.shared, []
for lean in (True, False):
    training.lean = lean
    loss, gradients = training.backward(batch)
    found.append((loss, dict(tree_flatten(gradients))))
worst = max(float(abs(g - found[1][1][n]).max() / abs(found[1][1][n]).max()) for n, g in found[0][1].items())
learnt = [name for name, _ in tree_flatten(training.model.trainable_parameters())]
print(json.dumps({"shared": shared, "losses": [loss for loss, _ in found], "worst": worst, "learnt": learnt}))
""",
    )
    assert found["shared"] > 60
    assert found["losses"][0] == pytest.approx(found["losses"][1], rel=1e-5)
    assert found["worst"] < 1e-4
    assert len(found["learnt"]) == 2 * 14
    assert not [name for name in found["learnt"] if "lora_" not in name or "lm_head" in name]


@needs_mlx
def test_from_the_same_start_every_step_has_torchs_loss(gguf: Path, tmp_path: Path) -> None:
    """Rows, batches, loss, clipping, optimizer and schedule are the torch trainer's."""
    from safetensors.torch import save_file

    job = tiny_job(gguf, tmp_path / "adapter", lr=1e-2)
    message = _message(job, "f", job.output)
    torch_training = Training(message, encode(load_tokenizer(Path(message["model"])), message["rows"], 512))
    start = {}
    for name, weight in torch_training.weights.items():
        layer, part = name.removeprefix("base_model.model.").split(".lora_")
        start[f"{layer}.lora_{part[0].lower()}"] = weight.detach().T.contiguous()
    save_file(start, tmp_path / "start.safetensors")
    expected = [torch_training.learn(batch) for batch in torch_training.plan]
    found = in_mlx(
        job,
        """
import mlx.core as mx
training.model.load_weights(list(mx.load(str(Path(sys.argv[1]).with_name("start.safetensors"))).items()), strict=False)
print(json.dumps([training.learn(batch) for batch in training.plan]))
""",
    )
    assert len(found) == 24
    assert [lr for lr, _ in found] == pytest.approx([lr for lr, _ in expected])
    assert [loss for _, loss in found] == pytest.approx([loss for _, loss in expected], rel=1e-3)


@needs_mlx
def test_out_of_memory_halves_the_parts_and_keeps_the_sum(gguf: Path, tmp_path: Path) -> None:
    found = in_mlx(
        job_of(gguf, tmp_path),
        """
whole, gradients = training.backward(batch)
real, most = training.gradients, 2
def small(part, answers):
    if len(part) > most:
        raise RuntimeError("[malloc] Unable to allocate 99 bytes.")
    return real(part, answers)
training.gradients = small
parts, others = training.backward(batch)
a, b = dict(tree_flatten(gradients)), dict(tree_flatten(others))
worst = max(float(abs(a[n] - b[n]).max() / (abs(a[n]).max() + 1e-12)) for n in a)
most, message = 0, ""
try:
    training.backward(batch)
except TrainingError as error:
    message = error.message
print(json.dumps({"whole": whole, "parts": parts, "worst": worst, "events": events, "message": message}))
""",
    )
    assert found["parts"] == pytest.approx(found["whole"], rel=1e-5)
    assert found["worst"] < 1e-4
    assert [event["rows_at_once"] for event in found["events"]] == [3, 2, 1]
    assert found["message"].startswith("memory ran out, even with 1 of 6 rows at once")


@needs_mlx
def test_a_model_that_reshapes_its_logits_is_trained_the_plain_way(gguf: Path, tmp_path: Path) -> None:
    found = in_mlx(
        job_of(gguf, tmp_path),
        """
lean, kind = training.lean, type(training.model)
call = kind.__call__
kind.__call__ = lambda self, *args, **kw: 2 * call(self, *args, **kw)
other = Training(job, rows, events.append)
print(json.dumps([lean, other.lean, training.backward(batch)[0], other.backward(batch)[0]]))
""",
    )
    assert found[:2] == [True, False]
    assert found[2] != pytest.approx(found[3], rel=1e-2)


@needs_mlx
def test_a_checkpoint_of_another_shape_is_refused(gguf: Path, tmp_path: Path) -> None:
    message = in_mlx(
        job_of(gguf, tmp_path),
        """
tensors, state = training.snapshot()
other = Training({**job, "settings": {**job["settings"], "lora_r": 2}}, rows, events.append)
try:
    other.restore(3, tensors, state)
except TrainingError as error:
    print(json.dumps(error.message))
""",
    )
    assert message == "the checkpoint at step 3 does not fit this student"


@needs_mlx
def test_all_weights_are_learnt_and_transformers_opens_them(gguf: Path, tmp_path: Path) -> None:
    """The loss that a second step begins with is that of the folder after one."""
    once, twice = (
        job_of(gguf, tmp_path / name, method="full", epochs=epochs, warmup=0.0, lr=1e-2)
        for name, epochs in (("once", 1), ("twice", 2))
    )
    found = []
    for job in (once, twice):
        events: list[dict[str, Any]] = []
        MlxTrainer().train(job, events.append)
        found.append([event["loss"] for event in events if event["event"] == "step"][-1])
    assert found[1] < 0.9 * found[0]
    assert found[1] == pytest.approx(plain_loss(once.output, once), rel=1e-4)


def plain_loss(folder: Path, job: TrainJob) -> float:
    import torch

    model = load_model(folder, "float32").cpu()
    total = tokens = 0.0
    for row in encode(load_tokenizer(folder), job.rows(), 512):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row.ids])).logits[0, row.start - 1 : -1]
        total += torch.nn.functional.cross_entropy(logits, torch.tensor(row.ids[row.start :]), reduction="sum").item()
        tokens += len(row.ids) - row.start
    return total / tokens


@needs_mlx
def test_qlora_learns_over_4_bits(gguf: Path, tmp_path: Path) -> None:
    """The tiny model is 48 wide, which no group of 64 weights divides: this one is wider."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig.from_pretrained(hf_folder(gguf), hidden_size=128, intermediate_size=128, head_dim=32)
    LlamaForCausalLM(config).save_pretrained(hf_folder(gguf))
    found = in_mlx(
        job_of(gguf, tmp_path, method="qlora", lora_targets=("q_proj", "v_proj"), lr=1e-2),
        """
losses = [training.learn(batch)[1] for batch in training.plan]
learnt = [name for name, _ in tree_flatten(training.model.trainable_parameters())]
kinds = sorted({type(one).__name__ for name, one in training.model.named_modules() if "_proj" in name})
print(json.dumps({"losses": losses, "learnt": learnt, "kinds": kinds, "head": type(training.model.lm_head).__name__}))
""",
    )
    assert found["losses"][-1] < 0.98 * found["losses"][0]
    assert len(found["learnt"]) == 2 * 2 * 2
    assert {"QuantizedLinear", "LoRALinear"} <= set(found["kinds"])
    assert "Linear" not in found["kinds"]
    assert found["head"] == "Linear"


@needs_mlx
def test_a_layer_that_the_student_has_not_is_refused(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the student has no layer named 'c_attn'") as caught:
        MlxTrainer().train(job_of(gguf, tmp_path, lora_targets=("q_proj", "c_attn")), lambda event: None)
    assert "q_proj" in caught.value.fix


def test_the_rotary_settings_stand_where_mlx_lm_reads_them() -> None:
    assert rope_settings({"rope_theta": 5.0}) == {}
    assert rope_settings({"rope_parameters": {"rope_type": "default", "rope_theta": 1e5}}) == {"rope_theta": 1e5}
    scaled = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0}
    assert rope_settings({"rope_parameters": scaled}) == {
        "rope_theta": 5e5,
        "rope_scaling": {"rope_type": "llama3", "factor": 8.0},
    }
    gemma = {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}
    assert rope_settings({"rope_parameters": gemma}) == {"rope_theta": 1e6, "rope_local_base_freq": 1e4}


@needs_mlx
@pytest.mark.real
@pytest.mark.skipif(not present("smollm2-135m-instruct"), reason="schoolhouse models pull smollm2-135m-instruct")
def test_smollm2_begins_where_torch_begins_and_answers_with_the_adapter(tmp_path: Path) -> None:
    """Six rows, two steps: MLX on a CPU trains six tokens a second."""
    from toolkit.students.student import open_student

    kinds = {"parcel_late": "where is my parcel", "refund": "i want my money back", "password": "cannot log in"}
    rows = [Example(prompt(f"{text}{mark}"), kind) for mark in ("", "?") for kind, text in kinds.items()]  # type: ignore[arg-type]
    gguf = weights_path("smollm2-135m-instruct")
    steps: dict[str, list[float]] = {}
    for name in ("mlx", "torch"):
        job = TrainJob(
            gguf=gguf, examples=rows, output=tmp_path / name, epochs=1, batch_size=3, dtype="float32", warmup=0.0
        )
        events: list[dict[str, Any]] = []
        open_trainer(name).train(job, events.append)
        steps[name] = [event["loss"] for event in events if event["event"] == "step"]
    assert steps["mlx"][0] == pytest.approx(steps["torch"][0], rel=1e-3)
    assert steps["mlx"][-1] < 0.8 * steps["mlx"][0]
    student = open_student("torch", gguf, tmp_path / "mlx")
    answers = dict(student.answer([row.messages for row in rows[:2]], max_new_tokens=8))
    student.close()
    assert sorted(answers) == [0, 1]
