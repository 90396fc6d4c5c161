"""Cores, memory and disk, without importing anything heavy."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as far as a run cares. Memory and disk in bytes."""

    system: str
    processor: str
    cores: int
    memory: int
    memory_free: int
    disk_free: int


def usable_cores() -> int:
    """Cores this process may use; hyper-threads do not help matrix work, but containers hide them anyway."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return psutil.cpu_count(logical=False) or 1


def existing(folder: Path) -> Path:
    """The folder, or the nearest of those above it that is there: it says which disk the folder will be on."""
    return next(path for path in [folder.resolve(), *folder.resolve().parents] if path.exists())


def machine(folder: Path = Path()) -> Machine:
    """This machine; the disk is the one that holds `folder`."""
    memory = psutil.virtual_memory()
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=usable_cores(),
        memory=memory.total,
        memory_free=memory.available,
        disk_free=shutil.disk_usage(existing(folder)).free,
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
