"""Plans that do not fit are refused, with what would fit. Figures are made up: the files are mostly holes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.models import made_up_gguf
from toolkit.cli.work import memory_line
from toolkit.errors import ModelError
from toolkit.models.catalog import Entry
from toolkit.recipe import Recipe, recipe_from_text
from toolkit.run import Run
from toolkit.stages import memory_needs
from toolkit.stages.memory_needs import memory_plan, require_memory

RECIPE = {
    "name": "school",
    "task": {"about": "Messages.", "system": "Classify.", "labels": ["late", "broken"]},
    "data": {"path": "data.jsonl"},
}


@pytest.fixture(autouse=True)
def no_card_and_no_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_needs.shutil, "which", lambda name: None)
    monkeypatch.setattr(memory_needs, "CATALOG", ())


@pytest.fixture
def files(tmp_path: Path) -> Path:
    made_up_gguf.model(tmp_path / "large.gguf", size=8_000_000_000)
    made_up_gguf.model(tmp_path / "small.gguf", layers=4, width=192, size=100_000_000)
    return tmp_path


def recipe(
    files: Path, writer: str = "large", learner: str = "small", context: int = 2048, **sections: dict[str, object]
) -> Recipe:
    """A recipe with these files as teacher and student; a name with a slash stands for itself."""

    def name(which: str) -> str:
        return which if "/" in which else f"llama_cpp/{files / which}.gguf"

    values: dict[str, object] = {
        **RECIPE,
        "teacher": {"model": name(writer), "context": context},
        "student": {"model": str(files / f"{learner}.gguf")},
        "engineer": sections.get("engineer", {}),
        "train": sections.get("train", {}),
    }
    return recipe_from_text(json.dumps(values), files, files / "recipe.yaml")


def refused(wanted: Recipe, free: int) -> ModelError:
    with pytest.raises(ModelError) as caught:
        require_memory(wanted, free)
    return caught.value


def test_what_fits_is_not_refused(files: Path) -> None:
    plan = memory_plan(recipe(files))
    assert 8.5e9 < plan.teacher < 10e9
    require_memory(recipe(files), free=plan.peak)


def test_a_large_teacher_is_refused_with_both_figures(files: Path) -> None:
    error = refused(recipe(files), 4_000_000_000)
    assert "writing rows" in error.message and "4.0 GB are free" in error.message
    assert "openai/NAME@URL" in error.fix and "teacher.context" not in error.fix


def test_a_context_that_fits_is_named(files: Path) -> None:
    long = recipe(files, context=262_144)
    short = recipe(files, context=32_768)
    error = refused(long, memory_plan(short).teacher)
    assert "--set teacher.context=32768" in error.fix
    require_memory(short, memory_plan(short).teacher)


def test_a_smaller_teacher_of_the_catalog_is_named_if_its_weights_are_here(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry(name, "", size, "", "", 0, 0, "", ()) for name, size in (("tiny", 1), ("middle", 2), ("away", 3))]
    monkeypatch.setattr(memory_needs, "CATALOG", tuple(entries))
    monkeypatch.setattr(memory_needs, "present", lambda name: name != "away")
    monkeypatch.setattr(memory_needs, "weights_path", lambda name: files / f"{Path(name).stem}.gguf")
    made_up_gguf.model(files / "middle.gguf", size=2_000_000_000)
    made_up_gguf.model(files / "tiny.gguf", layers=2, width=192, size=50_000_000)
    made_up_gguf.model(files / "away.gguf", layers=2, width=192, size=60_000_000)
    assert "--teacher llama_cpp/middle" in refused(recipe(files), 4_000_000_000).fix
    assert "--teacher llama_cpp/tiny" in refused(recipe(files), 2_000_000_000).fix


SERVER = "openai/any@http://127.0.0.1:1/v1"


def test_training_that_is_too_large_names_the_parts_of_a_batch(files: Path) -> None:
    at_once = recipe(files, SERVER, "large", train={"batch_size": 64})
    in_parts = recipe(files, SERVER, "large", train={"batch_size": 64, "accumulation": 4})
    error = refused(at_once, memory_plan(in_parts).training)
    assert "training" in error.message and "--set train.accumulation=4" in error.fix
    require_memory(in_parts, memory_plan(in_parts).training)


def test_where_all_weights_are_too_many_an_adapter_is_named(files: Path) -> None:
    whole = recipe(files, SERVER, "large", train={"method": "full"})
    adapter = recipe(files, SERVER, "large")
    assert memory_plan(whole).training > memory_plan(adapter).training + 10_000_000_000
    error = refused(whole, memory_plan(adapter).training)
    assert "--set train.method=lora" in error.fix and "accumulation" not in error.fix


def test_teacher_and_engineer_of_other_weights_are_loaded_side_by_side(files: Path) -> None:
    other = f"llama_cpp/{files / 'small.gguf'}"
    alone, both = recipe(files), recipe(files, engineer={"kind": "plan", "model": other})
    assert memory_plan(both).teacher > memory_plan(alone).teacher + 100_000_000
    unasked = recipe(files, engineer={"kind": "bandit", "model": other})
    assert memory_plan(unasked) == memory_plan(alone)


def test_a_teacher_elsewhere_and_weights_that_cannot_be_read_take_nothing(files: Path) -> None:
    assert memory_plan(recipe(files, "ollama/qwen3:8b")).teacher == 0
    (files / "odd.gguf").write_bytes(b"GGUF" + bytes(4))
    assert memory_plan(recipe(files, "replay/x", "odd")).peak == 0
    require_memory(recipe(files, "replay/x", "odd"), free=0)


def test_with_a_graphics_card_nothing_is_refused(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_needs.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    require_memory(recipe(files), free=0)


def test_a_run_that_does_not_fit_leaves_no_folder(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_needs, "available_bytes", lambda: 4_000_000_000)
    with pytest.raises(ModelError, match=r"of memory, and 4\.0 GB are free"):
        Run.create(recipe(files), files / "run")
    assert not (files / "run").exists()


def test_the_forecast_tells_each_stage_that_is_known(files: Path) -> None:
    plan = memory_plan(recipe(files))
    line = memory_line(recipe(files))
    assert f"{plan.teacher / 1e9:.1f} GB to write rows and {plan.training / 1e9:.1f} GB to train" in line
    assert "to write rows" not in memory_line(recipe(files, "ollama/qwen3:8b"))
