"""A student whose every weight was trained: exported from its weights as they are, never as an adapter."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file
from test_export_targets import KNOWN, SAME
from test_merge import rotated, values
from tiny_model import make_tiny, prompt
from tiny_trained import HEADS, KV_HEADS, MODULES, SHAPES, trained

from toolkit.errors import ExportError
from toolkit.export import export as module
from toolkit.export import gate
from toolkit.export.cards import model_card
from toolkit.export.export import Order, export
from toolkit.export.trained import Trained
from toolkit.models.hf_folder import hf_folder

NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "blk.0.attn_norm.weight": "model.layers.0.input_layernorm.weight",
    **dict(zip(list(SHAPES)[2:], (f"{name}.weight" for name in MODULES), strict=True)),
}


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Nobody is asked: the gate finds both the same."""
    monkeypatch.setattr(module, "inspect_trained", lambda student: KNOWN)
    monkeypatch.setattr(module, "check_parity", lambda *_: SAME)
    found = trained(tmp_path)
    shutil.rmtree(found.adapter)
    found.adapter.mkdir()
    (found.adapter / "config.json").write_text("{}")
    save_file(weights(), found.adapter / "model.safetensors")
    return found


def weights() -> dict[str, Any]:
    chance = np.random.default_rng(5)
    return {NAMES[name]: chance.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def test_the_merged_file_holds_its_weights(student: Trained, tmp_path: Path) -> None:
    made = export(student, Order("gguf", tmp_path / "out", "f16"), lambda *_: None)
    found = values(gguf.GGUFReader(made.folder / "tiny-smollm2-135m-instruct-f16.gguf"))
    expected = {name: weights()[stored] for name, stored in NAMES.items()}
    for name, heads in (("blk.0.attn_q.weight", HEADS), ("blk.0.attn_k.weight", KV_HEADS)):
        expected[name] = rotated(expected[name], heads)
    for name in SHAPES:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-6, err_msg=name)
    assert made.parity is SAME


def test_its_card_says_that_all_weights_were_trained(student: Trained) -> None:
    file = student.recipe.file
    full = file.model_copy(update={"train": file.train.model_copy(update={"method": "full"})})
    card = model_card(replace(student, recipe=replace(student.recipe, file=full)), None, usage=[], forced=False)
    assert "- all weights, learning rate" in card and "lora" not in card.lower()
    assert "- LoRA r=16" in model_card(student, None, usage=[], forced=False)


def test_there_is_no_adapter_to_export(student: Trained, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no adapter to export: all weights") as caught:
        export(student, Order("gguf-lora", tmp_path / "out"), lambda *_: None)
    assert caught.value.fix.endswith("--to gguf")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("to", ["hf", "mlx"])
def test_a_folder_for_transformers_holds_them_too(
    student: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: Any
) -> None:
    import torch

    from toolkit.export.hf_child import make
    from toolkit.models.torch_model import load_model, load_tokenizer, prompt_ids

    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_carry_out", lambda name, job, progress: make(job, lambda event: None))
    monkeypatch.setattr(module, "fast_dtype", lambda: "float32")
    full = hf_folder(make_tiny(tmp_path))  # a folder as a full training leaves it
    made = export(replace(student, adapter=full), Order(to, tmp_path / "out"), lambda *_: None)
    ids = torch.tensor([prompt_ids(load_tokenizer(made.folder), prompt("late?"))])
    with torch.no_grad():
        ours, theirs = (load_model(folder, "float32").cpu()(input_ids=ids).logits for folder in (full, made.folder))
    assert torch.equal(ours, theirs)


def test_its_answers_are_asked_of_its_own_weights(student: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    class Answering:
        def answer(self, prompts: Any, **_: Any) -> Any:
            return ((n, "late") for n in range(len(prompts)))

        def close(self) -> None: ...

    def opening(backend: str, base: Path, adapter: Path, *_: Any, **__: Any) -> Answering:
        opened.append(adapter)
        return Answering()

    monkeypatch.setattr(gate, "open_student", opening)
    prompts = gate.gate_prompts(student)
    for _ in range(2):  # the second time they are kept
        assert gate._trained_answers(student, prompts, 6, lambda *_: None) == ["late"] * len(prompts)
    assert opened == [student.adapter]
    save_file({name: tensor + 1 for name, tensor in weights().items()}, student.adapter / "model.safetensors")
    gate._trained_answers(student, prompts, 6, lambda *_: None)
    assert len(opened) == 2
