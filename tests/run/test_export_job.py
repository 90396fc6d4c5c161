"""An export in a process of its own: what it tells on the way, how it fails, and that it can be stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import ExportError
from toolkit.export.export import Export
from toolkit.export.parity import Drift, Parity
from toolkit.journal import Journal
from toolkit.run import export_job
from toolkit.run.export import Done
from toolkit.run.export_job import LOG, STATE, ExportState, _write, export_state, main, start_export, stop_export

PARITY = Parity(prompts=50, same_answers=50, drift=Drift(50, 0.8, 0.8, -0.02, 0.02))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Journal(tmp_path / "run") as journal:
        journal.set_meta("state", "finished")
    return tmp_path / "run"


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def state_of(folder: Path) -> ExportState:
    found = export_state(folder)
    assert found
    return found


def test_an_export_tells_how_far_it_is_and_what_stands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def export_run(run: Any, to: str, *, quant: str, force: bool, progress: Any) -> Done:
        out = run.folder / "exports" / "round-2-gguf-q8_0"
        out.mkdir(parents=True)
        (out / "x.gguf").write_bytes(b"12345")
        for done in range(3):
            progress("asking", done, 3)
            seen.append(state_of(folder))
        progress("writing", 1, 1)
        seen.append(state_of(folder))
        return Done(Export(out, {"x.gguf": "sha"}, PARITY, ("llama-cli -m x.gguf",)), "made-up")

    monkeypatch.setattr("toolkit.run.export.export_run", export_run)
    assert main([str(folder), "gguf", "q8_0"]) == 0
    assert [found.what for found in seen] == ["asking"] * 3 + ["writing"]
    assert {found.state for found in seen} == {"working"} and seen[0].worker
    done = state_of(folder)
    assert (done.state, done.to, done.quant, done.files, done.size) == ("done", "gguf", "q8_0", 1, 5)
    assert done.parity and done.parity["passed"] and "50 of 50 greedy answers" in done.parity["sentence"]
    assert (done.usage, done.created, Path(done.folder).name) == (
        ("llama-cli -m x.gguf",), "made-up", "round-2-gguf-q8_0"
    )  # fmt: skip
    assert done.ended and done.ended >= done.started


def test_an_export_that_is_not_the_student_says_what_was_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def export_run(run: Any, to: str, **_: Any) -> Done:
        with Journal(folder) as journal:
            journal.event("parity", 2, to=to, passed=False, causes=["BOS"])
        raise ExportError("the exported student is not the trained one, because of: BOS", "repair what is named")

    monkeypatch.setattr("toolkit.run.export.export_run", export_run)
    assert main([str(folder), "gguf"]) == 1
    found = state_of(folder)
    assert (found.state, found.fix) == ("failed", "repair what is named")
    assert found.parity and found.parity["causes"] == ["BOS"]


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [(ValueError("odd [/"), "failed", "ValueError: odd [/"), (KeyboardInterrupt(), "stopped", "nothing of it is left")],
)
def test_an_unexpected_end_is_told_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, state: str, words: str
) -> None:
    def export_run(*_: Any, **__: Any) -> Done:
        raise error

    monkeypatch.setattr("toolkit.run.export.export_run", export_run)
    assert main([str(folder), "hf"]) == 1
    found = state_of(folder)
    assert found.state == state and words in found.message and found.parity is None


def test_an_export_begins_in_a_process_of_its_own_and_ends_with_the_fix(folder: Path) -> None:
    start_export(folder, "gguf", "q8_0")
    assert state_of(folder).state == "working"
    with pytest.raises(ExportError, match="going on"):
        start_export(folder, "hf")
    found = until(lambda: state_of(folder).state == "failed" and state_of(folder))
    assert found.worker and int(found.worker["pid"]) != os.getpid()
    assert found.message and (folder / LOG).is_file()
    start_export(folder, "dataset")  # the next one may begin
    until(lambda: state_of(folder).state == "failed")


def test_an_export_whose_process_is_gone_has_failed(folder: Path) -> None:
    assert export_state(folder) is None
    gone = ExportState("gguf", started=time.time(), worker={"pid": 2**22 - 3, "created": 1.0})
    _write(folder, gone)
    (folder / LOG).write_text("Traceback\nMemoryError: no room [/\n", encoding="utf-8")
    found = state_of(folder)
    assert found.state == "failed" and found.message.endswith("MemoryError: no room [/")
    assert str(folder / LOG) in found.fix
    _write(folder, replace(gone, worker=None))
    assert state_of(folder).state == "working"
    _write(folder, replace(gone, worker=None, started=time.time() - 100))
    assert state_of(folder).state == "failed"
    for damaged in ("{", "[]", '{"odd": 1}', "null"):
        (folder / STATE).write_text(damaged, encoding="utf-8")
        assert export_state(folder) is None


SLOW = """
import sys, time
from toolkit.run import export, export_job
def slow(run, to, *, progress, **_):
    progress("asking", 1, 50)
    time.sleep(60)
export.export_run = slow
sys.exit(export_job.main(sys.argv[1:]))
"""


def test_an_export_is_stopped_on_wish(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    real = export_job.subprocess.Popen

    def popen(command: list[str], **options: Any) -> Any:
        return real([command[0], str(tmp_path / "slow.py"), *command[4:]], **options)

    monkeypatch.setattr(export_job.subprocess, "Popen", popen)
    monkeypatch.setenv("PYTHONPATH", str(Path(export_job.__file__).parents[2]))
    stop_export(folder)  # nothing is going on
    start_export(folder, "gguf")
    until(lambda: state_of(folder).what == "asking")
    stop_export(folder)
    assert until(lambda: state_of(folder).state == "stopped" and state_of(folder)).message.startswith("the export was")


def test_the_state_is_plain_json(folder: Path) -> None:
    _write(folder, ExportState("ollama", "q4_k_m", usage=("a", "b")))
    assert json.loads((folder / STATE).read_text())["usage"] == ["a", "b"]
    assert state_of(folder).usage == ("a", "b")
