from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import ModelError
from toolkit.models.catalog import CATALOG, Wheels, entry, full_name


def test_every_entry_can_be_had_without_a_model_hub() -> None:
    for found in CATALOG:
        wheels = [source for source in found.sources if isinstance(source, Wheels)]
        assert wheels, found.name
        for source in wheels:
            whole, rest = divmod(found.size, source.part_size)
            assert len(source.parts) == whole + bool(rest)


def test_hashes_and_names_are_well_formed_and_unique() -> None:
    assert len({found.name for found in CATALOG}) == len({found.sha256 for found in CATALOG}) == len(CATALOG)
    assert all(len(found.sha256) == 64 and int(found.sha256, 16) for found in CATALOG)


@pytest.mark.parametrize("typed", ["smollm2-135", "smollm2-135m-instrct", "SmolLM"])
def test_an_unknown_name_brings_the_nearest_one(typed: str) -> None:
    with pytest.raises(ModelError) as caught:
        entry(typed)
    assert "smollm2-135m-instruct" in caught.value.fix
    assert "schoolhouse models" in caught.value.fix


def test_capitals_in_a_name_do_not_matter() -> None:
    assert entry("SmolLM2-135M-Instruct") is CATALOG[0]


@pytest.mark.parametrize("typed", ["qwen2.5-coder-1.5b", "Qwen2.5-Coder", "qwen2.5-coder-1.5b-instruct"])
def test_the_first_parts_of_one_name_are_enough(typed: str) -> None:
    assert entry(typed).name == "qwen2.5-coder-1.5b-instruct"
    assert full_name(f"llama_cpp/{typed}") == "llama_cpp/qwen2.5-coder-1.5b-instruct"


def test_a_beginning_of_several_names_is_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.models.catalog.names", lambda: ["a-1", "a-1-large", "a-2"])
    assert [full_name(name) for name in ("a", "a-1", "a-2", "openai/a", "")] == ["a", "a-1", "a-2", "openai/a", ""]


def test_the_commands_take_a_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path))
    for command in ("path", "verify"):
        said = CliRunner().invoke(app, ["models", command, "llama_cpp/qwen2.5-coder-1.5b"])
        assert "the weights of qwen2.5-coder-1.5b-instruct are not on this machine" in str(said.exception)
