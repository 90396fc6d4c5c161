"""A student whose every weight was trained is refused by name, not met by a missing file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_trained import trained

from toolkit.errors import ExportError
from toolkit.export.export import Order, Target, _checked


@pytest.mark.parametrize("to", ["gguf", "gguf-lora", "ollama", "hf", "mlx"])
def test_only_its_rows_are_exported(tmp_path: Path, to: Target) -> None:
    student = trained(tmp_path)
    for name in ("model.safetensors", "config.json"):
        (student.adapter / name).write_bytes(b"{}")
    with pytest.raises(ExportError, match="this student was trained in full") as caught:
        _checked(Order(to, tmp_path / "out"), student)
    assert "opens with transformers" in caught.value.fix
    assert _checked(Order("dataset", tmp_path / "out"), student).to == "dataset"
