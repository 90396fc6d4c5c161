"""Unpacking GGUF files, and measuring the fast dtype."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from safetensors import SafetensorError

from toolkit.errors import ModelError
from toolkit.models import hf_folder as module
from toolkit.models import torch_dtype
from toolkit.models.hf_folder import gguf_fingerprint, hf_folder
from toolkit.models.weights import present, weights_path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_missing_and_a_damaged_file_leave_nothing_behind(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no weights file"):
        hf_folder(tmp_path / "nowhere.gguf")
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises(ModelError, match=r"bad.gguf could not be unpacked"):
        hf_folder(bad)
    assert [path for path in (cache / "unpacked").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("I/O error: No space left (os error 28)")],
)
def test_a_full_disk_is_said_with_the_way_out(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "_unpack", full)
    with pytest.raises(ModelError, match="the disk is full") as caught:
        module._serve(iter([{"gguf": "a.gguf", "folder": str(tmp_path)}]), lambda _: None)
    assert "SCHOOLHOUSE_CACHE" in caught.value.fix


def test_the_fingerprint_sees_both_ends_and_the_size(tmp_path: Path) -> None:
    path, seen = tmp_path / "a.gguf", set()
    for content in (b"a" * 3_000_000, b"b" + b"a" * 2_999_999, b"a" * 2_999_999 + b"b", b"a" * 3_000_001):
        path.write_bytes(content)
        seen.add(gguf_fingerprint(path))
    assert len(seen) == 4


@pytest.mark.real
@pytest.mark.skipif(not present("smollm2-135m-instruct"), reason="schoolhouse models pull smollm2-135m-instruct")
def test_the_real_folder_says_what_the_gguf_says() -> None:
    gguf = pytest.importorskip("gguf")
    from safetensors import safe_open

    weights = weights_path("smollm2-135m-instruct")
    folder = hf_folder(weights)
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert "quantization_config" not in config
    assert str(Path.home()) not in json.dumps(config)
    reader = gguf.GGUFReader(weights)
    packed = next(tensor for tensor in reader.tensors if tensor.name == "blk.0.ffn_down.weight")
    exact = gguf.quants.dequantize(packed.data, packed.tensor_type)
    with safe_open(folder / "model.safetensors", framework="np") as stored:
        assert "lm_head.weight" not in stored.keys()  # noqa: SIM118 - not a dict
        assert (stored.get_tensor("model.layers.0.mlp.down_proj.weight") == exact).all()


def test_the_dtype_is_measured_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dtype = torch_dtype.fast_dtype()
    assert dtype in ("float32", "bfloat16")

    def not_again(*_: object, **__: object) -> None:
        raise AssertionError("measured twice")

    monkeypatch.setattr(torch_dtype, "Child", not_again)
    assert torch_dtype.fast_dtype() == dtype
    known = json.loads((cache / "measured.json").read_text())
    (cache / "measured.json").write_text(json.dumps(dict.fromkeys(known, "bfloat16")))
    assert torch_dtype.fast_dtype() == "bfloat16"
    (cache / "measured.json").write_text("{cut short")
    with pytest.raises(AssertionError, match="measured twice"):
        torch_dtype.fast_dtype()
