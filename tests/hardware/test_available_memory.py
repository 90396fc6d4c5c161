from __future__ import annotations

from pathlib import Path

import psutil

from toolkit.hardware.memory import available_bytes


def container(folder: Path, limit: str, used: int, cached: int) -> Path:
    """A cgroup folder as Linux shows it (Documentation/admin-guide/cgroup-v2.rst)."""
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon {used - cached}\nfile {cached}\ninactive_file {cached}\n")
    return folder


def test_a_containers_limit_counts_without_the_cache_of_files(tmp_path: Path) -> None:
    assert available_bytes(container(tmp_path, "1000000", 700_000, 200_000)) == 500_000
    assert available_bytes(container(tmp_path, "1000000", 1_100_000, 0)) == 0


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    assert 0 < available_bytes(tmp_path) <= total
    assert 0 < available_bytes(container(tmp_path, "max", 700_000, 0)) <= total
    assert available_bytes(container(tmp_path, str(2**60), 0, 0)) <= total
