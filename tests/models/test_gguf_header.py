from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.made_up_gguf import model, write
from toolkit.errors import ModelError
from toolkit.models.gguf_header import Header, read_header, read_tables
from toolkit.models.weights import weights_path


def test_a_header_is_read_without_the_weights(tmp_path: Path) -> None:
    assert read_header(model(tmp_path / "a.gguf", size=10**12)) == Header(
        architecture="qwen2",
        context=32_768,
        layers=28,
        width=1536,
        inner_width=9216,
        cache_width=28 * 2 * (128 + 128),
        vocabulary=5000,
        parameters=1536 * 1_000_000 + 7,
        chat_template=True,
    )


def test_tensors_have_their_shapes_rows_first(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gguf", {"some.number": 0.5, "some.words": ["w"] * 5000}, {"wide": (3, 4), "norm": (4,)})
    found = read_tables(path)
    assert found.values == {"some.number": 0.5, "some.words": 5000}
    assert found.shapes == {"wide": (4, 3), "norm": (4,)}


def test_heads_that_differ_from_layer_to_layer_are_added_up(tmp_path: Path) -> None:
    more = {"qwen2.attention.head_count_kv": [2, 0, 4], "qwen2.attention.key_length": 64}
    path = model(tmp_path / "a.gguf", layers=3, **more)
    assert read_header(path).cache_width == 6 * (64 + 128)


def test_what_a_file_does_not_say_is_0(tmp_path: Path) -> None:
    found = read_header(write(tmp_path / "a.gguf", {"some.flag": True, "some.number": 0.5}, {}))
    assert found == Header("", 0, 0, 0, 0, 0, 0, 0, False)


def test_files_that_are_cut_off_or_lie_are_errors(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.gguf", {"general.architecture": "llama", "a": ["x", "y"]}, {"t": (3, 4)})
    raw, broken = whole.read_bytes(), tmp_path / "broken.gguf"
    for length in range(len(raw)):
        broken.write_bytes(raw[:length])
        with pytest.raises(ModelError):
            read_header(broken)
    for place in range(4, len(raw)):  # lengths and types of any size: an error or another header, and never a hang
        broken.write_bytes(raw[:place] + b"\xff" + raw[place + 1 :])
        try:
            read_header(broken)
        except ModelError:
            continue


@pytest.mark.real
def test_the_shipped_student_is_read_right() -> None:
    try:
        path = weights_path("smollm2-135m-instruct")
    except ModelError as error:
        pytest.skip(str(error))
    found = read_header(path)
    assert (found.parameters, found.vocabulary, found.context) == (134_515_008, 49_152, 8192)
    assert found.cache_width == 30 * 3 * 128
