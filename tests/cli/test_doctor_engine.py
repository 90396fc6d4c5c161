"""Doctor says which library runs GGUF files, and what the other one would bring."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.cli import doctor
from toolkit.errors import ModelError
from toolkit.models import gguf_engine


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_up(engine: str, compiler: str | None = None) -> None:
        monkeypatch.setattr(gguf_engine, "engine", lambda: engine)
        monkeypatch.setattr(doctor.shutil, "which", lambda name: compiler)

    return set_up


def test_with_llama_cpp_python_nothing_is_missing(here: Callable[..., None]) -> None:
    here("llama-cpp-python")
    used, other = doctor._engine()
    assert used.ok and "llama-cpp-python runs" in used.state
    assert "needs no compiler" in other.state and not other.needed and not other.fix


@pytest.mark.parametrize(("compiler", "begins"), [(None, "sudo apt install"), ("/usr/bin/cc", "pip install llama")])
def test_without_it_the_gain_and_the_way_to_it_are_told(
    here: Callable[..., None], compiler: str | None, begins: str
) -> None:
    here("xllamacpp", compiler)
    used, other = doctor._engine()
    assert used.ok and "xllamacpp runs" in used.state
    assert "exports to GGUF" in other.state and not other.needed
    assert other.fix.startswith(begins) and "pip install llama-cpp-python" in other.fix


def test_without_either_doctor_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def neither() -> None:
        raise ModelError("neither can be used", "pip install xllamacpp")

    monkeypatch.setattr(gguf_engine, "engine", neither)
    [found] = doctor._engine()
    assert not found.ok and found.needed and found.fix == "pip install xllamacpp"
