"""An export's folder is whole or absent, and its manifest is true."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from toolkit.errors import DiskFullError, ExportError
from toolkit.export.folder import whole_export, write_manifest


def made(out: Path, text: str) -> None:
    with whole_export(out) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file.txt").write_text(text)
        write_manifest(folder, {"to": "test"})


def test_the_manifest_has_size_and_hash_of_every_file(tmp_path: Path) -> None:
    made(tmp_path / "out", "hello")
    found = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert found["to"] == "test"
    assert found["files"] == {"deep/file.txt": {"sha256": hashlib.sha256(b"hello").hexdigest(), "bytes": 5}}


def test_an_export_that_fails_leaves_nothing_and_keeps_the_last_one(tmp_path: Path) -> None:
    made(tmp_path / "out", "old")
    with pytest.raises(RuntimeError), whole_export(tmp_path / "out") as folder:
        (folder / "half").write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "deep" / "file.txt").read_text() == "old"


def test_a_later_export_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    made(tmp_path / "out", "old")
    made(tmp_path / "out", "new")
    assert (tmp_path / "out" / "deep" / "file.txt").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ExportError, match="is no export"), whole_export(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("manifest", ['{"name": "an extension"}', '{"files": {}}', "[]", "not JSON"])
def test_a_manifest_of_another_program_makes_no_export(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ExportError, match="is no export"), whole_export(tmp_path):
        pass
    assert (tmp_path / "manifest.json").read_text() == manifest


def test_an_export_with_files_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    made(tmp_path / "out", "old")
    (tmp_path / "out" / "deep" / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"also holds deep/notes.txt, which no export wrote"):
        made(tmp_path / "out", "new")
    (tmp_path / "out" / "deep" / "notes.txt").unlink()
    with pytest.raises(ExportError, match=r"also holds late\.txt"), whole_export(tmp_path / "out") as folder:
        write_manifest(folder, {})
        (tmp_path / "out" / "late.txt").write_text("came while the export was made")
    assert (tmp_path / "out" / "deep" / "file.txt").read_text() == "old"
    assert (tmp_path / "out" / "late.txt").is_file()


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError), whole_export(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
