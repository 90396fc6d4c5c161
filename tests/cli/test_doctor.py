from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from toolkit.cli import doctor
from toolkit.cli.app import app


def test_the_disks_of_weights_and_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each on a file system of its own is told apart, and the fix names what can be moved."""
    cache, runs = tmp_path / "cache", tmp_path / "runs"
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(cache))
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(runs))
    usage = SimpleNamespace(free=2 * 2**30)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    (found,) = doctor._disks(tmp_path)
    assert not found.ok and found.fix.endswith(f"du -sh {cache}") and "SCHOOLHOUSE_CACHE" in found.fix

    elsewhere = SimpleNamespace(stat=lambda: SimpleNamespace(st_dev=-1))
    module = sys.modules["toolkit.hardware.machine"]  # the package has a function of that name
    monkeypatch.setattr(module, "existing", lambda path: elsewhere if path == runs else tmp_path)
    weights, of_runs = doctor._disks(tmp_path)
    assert (weights.ok, of_runs.ok) == (False, True)
    assert str(cache) in weights.state and str(runs) in of_runs.state


@pytest.mark.parametrize(("ok", "needed", "code"), [(True, True, 0), (False, False, 0), (False, True, 1)])
def test_findings_as_json(monkeypatch: pytest.MonkeyPatch, ok: bool, needed: bool, code: int) -> None:
    def look(folder: Path) -> Iterator[doctor.Finding]:
        yield doctor.Finding("torch", "[missing]", ok, "pip install torch", needed)

    monkeypatch.setattr(doctor, "look", look)
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == code
    assert json.loads(result.output) == [
        {"what": "torch", "state": "[missing]", "ok": ok, "fix": "pip install torch", "needed": needed}
    ]
    plain = CliRunner().invoke(app, ["doctor"])
    assert plain.exit_code == code
    assert "[missing]" in plain.output
    assert ("schoolhouse demo" in plain.output) == (code == 0)
