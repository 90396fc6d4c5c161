"""The torch trainer on a tiny random model: resume, fingerprint, errors, and what is learnt."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tiny_model import LABELS, TEMPLATE, make_tiny, prompt, tiny_job
from warm_children import running

from toolkit.errors import ModelError, Paused, TrainingError
from toolkit.models.hf_folder import hf_folder
from toolkit.students.student import open_student
from toolkit.training import files
from toolkit.training.encode import Encoded, batches, encode
from toolkit.training.schedule import learning_rate
from toolkit.training.steps import Reporter
from toolkit.training.torch_child import Training
from toolkit.training.trainer import Example, TrainJob, open_trainer, require_method

Events = list[dict[str, Any]]
OTHERWISE: tuple[dict[str, Any], ...] = (
    {"lora_targets": ("q_proj",)},
    {"method": "full"},
    {"schedule": "linear"},
    {"seed": 1},
)


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return make_tiny(tmp_path)


def train(job: TrainJob) -> Events:
    events: Events = []
    assert open_trainer("auto").train(job, events.append) == job.output
    return events


def last_loss(events: Events) -> float:
    return float([event for event in events if event["event"] == "step"][-1]["loss"])


def training_here(job: TrainJob) -> Training:
    """The loop's object in this process."""
    from toolkit.models.torch_model import load_tokenizer
    from toolkit.training.torch_trainer import _message

    message = _message(job, "f", job.output)
    return Training(message, encode(load_tokenizer(Path(message["model"])), message["rows"], 512))


def loss_here(job: TrainJob) -> float:
    """The last loss of a training that nothing interrupts."""
    training = training_here(job)
    return [training.learn(batch)[1] for batch in training.plan][-1]


def test_another_job_moves_the_old_adapter_aside(gguf: Path, tmp_path: Path) -> None:
    first, second = (tiny_job(gguf, tmp_path / "adapter", epochs=1, seed=seed) for seed in (0, 1))
    train(first)
    assert last_loss(train(second)) > 0
    described = json.loads((second.output / "job.json").read_text())
    assert described["fingerprint"] == second.fingerprint() != first.fingerprint()
    assert (tmp_path / "adapter.replaced" / "job.json").is_file()


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    for step in (1, 2, 3):
        files.save_checkpoint(tmp_path, step, {"a": torch.ones(2)}, {"step": step})
    whole = (tmp_path / "step-00000003.safetensors").read_bytes()
    assert sorted(path.name[5:13] for path in tmp_path.iterdir()) == ["00000002", "00000003"]
    for damage in (b"cut short", b"", whole[:-1]):
        (tmp_path / "step-00000003.safetensors").write_bytes(damage)
        found = files.newest_checkpoint(tmp_path)
        assert found is not None
        assert (found[0], found[2]) == (2, {"step": 2})
    (tmp_path / "step-00000003.safetensors").write_bytes(whole)
    assert (files.newest_checkpoint(tmp_path) or [0])[0] == 3


def test_stopped_after_any_step_the_end_is_the_same(gguf: Path, tmp_path: Path) -> None:
    """In one process: a fresh object goes on from what the last one left, at every step."""
    job = tiny_job(gguf, tmp_path / "a", lora_dropout=0.2, epochs=2)
    whole = training_here(job)
    expected = [whole.learn(batch)[1] for batch in whole.plan]
    losses: list[float] = []
    for step in range(whole.steps):
        training = training_here(job)
        if found := files.newest_checkpoint(tmp_path):
            training.restore(*found)
        assert training.step == step
        losses.append(training.learn(training.plan[step])[1])
        files.save_checkpoint(tmp_path, training.step, *training.snapshot())
    assert losses == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["lint", "step"])
def test_killed_before_a_checkpoint_or_between_two(gguf: Path, tmp_path: Path, kind: str) -> None:
    """SIGKILL at a moment that no checkpoint marks."""
    broken = tiny_job(gguf, tmp_path / "broken", epochs=6, checkpoint_steps=4)
    expected = loss_here(broken)

    def kill(event: dict[str, Any]) -> None:
        if event["event"] == kind:
            for child in running():
                child.kill()

    with pytest.raises(TrainingError, match="ended with code -9"):
        open_trainer("torch").train(broken, kill)
    assert last_loss(train(broken)) == pytest.approx(expected, abs=1e-6)


def test_a_child_that_does_not_stop_is_ended(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.training.torch_trainer.STOP_SECONDS", 0.0)
    job = tiny_job(gguf, tmp_path / "a", epochs=400, checkpoint_steps=10_000)

    def pause(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            raise Paused("paused", "resume")

    with pytest.raises(Paused):
        open_trainer("torch").train(job, pause)
    assert not running()


def test_steps_are_told_at_most_five_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("toolkit.training.steps.time.perf_counter", lambda: now[0])
    told: list[dict[str, Any]] = []
    reporter = Reporter(told.append, 1000, 500)
    for step in range(501, 1001):
        now[0] += 0.01
        reporter.step(step, 1.0, 1e-3, 100)
    assert len(told) == 25 or len(told) == 26
    assert told[-1]["step"] == 1000
    since = [one for event in told for one in event["since"]]
    assert [one["step"] for one in since] == list(range(501, 1001)), "no step is left out"
    assert max(one["ago"] for one in since) <= 0.25
    assert told[0]["tokens_per_second"] == pytest.approx(10_000)
    assert told[0]["seconds_left"] == pytest.approx((1000 - told[0]["step"]) * 0.01, abs=0.1)


def test_every_answer_ends_with_the_end_token(gguf: Path, tmp_path: Path) -> None:
    training = training_here(tiny_job(gguf, tmp_path / "a"))
    assert all(row.ids[-1] == 2 for batch in training.plan for row in batch)


def test_a_row_that_is_too_long_is_named(gguf: Path, tmp_path: Path) -> None:
    rows = [Example(prompt("short"), "late"), Example(prompt("long " * 30), "late")]  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=r"row 2 has \d+ tokens, more than train.max_length \(100\)"):
        train(tiny_job(gguf, tmp_path / "a", examples=rows, max_length=100))
    assert not (tmp_path / "a").exists()


def test_a_template_that_changes_the_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    gguf = make_tiny(tmp_path, TEMPLATE.replace("m['content']", "m['content'] | upper"))
    with pytest.raises(TrainingError, match="row 1: the model's chat template changes the answer"):
        train(tiny_job(gguf, tmp_path / "a"))


def test_a_loss_that_is_no_number_ends_the_training(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the loss is nan at step") as caught:
        train(tiny_job(gguf, tmp_path / "a", lr=1e30))
    assert "train.lr" in caught.value.fix


def test_bfloat16_learns_too_and_keeps_the_adapter_in_float32(gguf: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    training = training_here(tiny_job(gguf, tmp_path / "a", dtype="bfloat16", lr=1e-2))
    assert {str(p.dtype) for p in training.weights.values()} == {"torch.float32"}
    assert str(training.trainee.model.get_output_embeddings().weight.dtype) == "torch.bfloat16"
    losses = [training.learn(batch)[1] for batch in training.plan]
    assert losses[-1] < 0.8 * losses[0]
    training.save(hf_folder(gguf), tmp_path / "a", {"fingerprint": "f", "method": "lora"})
    assert {str(t.dtype) for t in load_file(tmp_path / "a" / "adapter_model.safetensors").values()} == {"torch.float32"}


def test_no_rows_and_an_unknown_trainer_are_refused(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no rows"):
        train(tiny_job(gguf, tmp_path / "a", examples=[]))
    with pytest.raises(TrainingError, match="no trainer 'mlx9'"):
        open_trainer("mlx9")


def test_batches_hold_every_row_once_an_epoch_in_an_order_of_the_seed() -> None:
    rows = [Encoded([n] * (n % 9 + 2), 1) for n in range(50)]
    plan = list(batches(rows, 8, 2, seed=1))
    assert sorted(row.ids[0] for batch in plan[:7] for row in batch) == list(range(50))
    assert plan == list(batches(rows, 8, 2, seed=1)) != list(batches(rows, 8, 2, seed=2))
    assert all(max(len(r.ids) for r in batch) - min(len(r.ids) for r in batch) <= 6 for batch in plan)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_learning_rate_rises_and_falls(schedule: str) -> None:
    rates = [learning_rate(step, 100, 1.0, 0.1, schedule) for step in range(100)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.02 < rates[0] < 0.2
    assert rates[55] == pytest.approx(0.5)


def test_a_cosine_falls_late_and_a_constant_stays() -> None:
    assert learning_rate(30, 100, 1.0, 0.1, "cosine") > learning_rate(30, 100, 1.0, 0.1, "linear")
    assert [learning_rate(step, 100, 1.0, 0.1, "constant") for step in (0, 10, 99)] == [1 / 11, 1.0, 1.0]


# -- options ------------------------------------------------------------------------------------


def test_only_the_named_layers_get_an_adapter(gguf: Path, tmp_path: Path) -> None:
    training = training_here(tiny_job(gguf, tmp_path / "a", lora_targets=("q_proj", "v_proj")))
    assert {name.split(".")[-4] for name in training.weights} == {"q_proj", "v_proj"}
    before = training.backward(training.plan[0])
    for batch in training.plan:
        training.learn(batch)
    assert training.backward(training.plan[0]) < 0.95 * before


def test_a_layer_that_is_not_there_is_refused(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no layer named 'qproj'") as caught:
        training_here(tiny_job(gguf, tmp_path / "a", lora_targets=("q_proj", "qproj")))
    assert "k_proj" in caught.value.fix


def test_full_fine_tuning_gives_a_model_that_students_open(gguf: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    job = tiny_job(gguf, tmp_path / "full", method="full", lr=3e-3, epochs=16)
    events = train(job)
    assert last_loss(events) < 1.0
    assert train(job) == []
    names = {path.name for path in job.output.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "job.json"} <= names
    assert not {"adapter_config.json", "adapter_model.safetensors"} & names
    base, learnt = (load_file(folder / "model.safetensors") for folder in (hf_folder(gguf), job.output))
    assert base.keys() == learnt.keys()
    assert not torch.equal(base["model.embed_tokens.weight"], learnt["model.embed_tokens.weight"])
    AutoModelForCausalLM.from_pretrained(job.output, local_files_only=True)
    with closing(open_student("torch", gguf, job.output)) as student:
        answers = dict(student.answer([example.messages for example in job.examples[:8]], choices=LABELS))
    assert sum(answers[n] == job.examples[n].answer for n in range(8)) >= 5  # the base model guesses
    with pytest.raises(ModelError, match="trained in full") as caught:
        open_student("llama_cpp", gguf, job.output)
    assert "student.backend: torch" in caught.value.fix


def test_methods_that_cannot_be_followed_are_refused(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = tiny_job(gguf, tmp_path / "a", method="qlora")
    monkeypatch.setattr("toolkit.training.trainer.has_cuda", lambda: False)
    with pytest.raises(TrainingError, match="qlora needs an NVIDIA GPU"):
        train(four)
    monkeypatch.setattr("toolkit.training.trainer.has_cuda", lambda: True)
    monkeypatch.setattr("toolkit.training.trainer.missing", lambda names, python: list(names))
    with pytest.raises(TrainingError, match="qlora needs bitsandbytes") as caught:
        train(four)
    assert caught.value.fix.endswith("pip install bitsandbytes")
    with pytest.raises(TrainingError, match=r"other trainer cannot do train\.method: full") as caught:
        require_method("other", "full")
    assert "train.backend: torch" in caught.value.fix
    assert not (tmp_path / "a").exists()


def test_the_child_itself_refuses_4_bits_without_a_gpu(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="needs an NVIDIA GPU"):
        training_here(tiny_job(gguf, tmp_path / "a", method="qlora"))


def test_the_fingerprint_is_that_of_what_comes_out(gguf: Path, tmp_path: Path) -> None:
    plain = tiny_job(gguf, tmp_path / "a")
    same = [tiny_job(gguf, tmp_path / "b", accumulation=2), tiny_job(gguf, tmp_path / "a", checkpoint_steps=7)]
    other = [tiny_job(gguf, tmp_path / "a", **change) for change in OTHERWISE]
    assert {job.fingerprint() for job in same} == {plain.fingerprint()}
    assert len({job.fingerprint() for job in [plain, *other]}) == 1 + len(OTHERWISE)


def test_accumulation_changes_no_gradient(gguf: Path, tmp_path: Path) -> None:
    gradients = []
    for accumulation in (1, 2, 3):
        training = training_here(tiny_job(gguf, tmp_path / "a", accumulation=accumulation))
        assert training.micro.rows == {1: 4, 2: 2, 3: 2}[accumulation]
        loss = training.backward(training.plan[0])
        gradients.append((loss, {name: p.grad.clone() for name, p in training.weights.items()}))
    for loss, found in gradients[1:]:
        assert loss == pytest.approx(gradients[0][0], rel=1e-5)
        for name, gradient in found.items():
            expected = gradients[0][1][name]
            assert (gradient - expected).abs().max() <= 1e-4 * expected.abs().max() + 1e-8
