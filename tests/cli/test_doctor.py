from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from toolkit.cli import doctor
from toolkit.cli.app import app


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
