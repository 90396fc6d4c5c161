"""Hostile texts where a person works on a run: the labelling desk and exports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judged import AGREEMENT, judged
from made_up import app_of
from piloting import shown, until
from recorded import three_rounds
from test_tui_export import ME, Exporting
from test_tui_hostile import MARKS, TEXTS, is_harmless
from test_tui_label import opened as opened_desk

from toolkit.journal import Journal
from toolkit.run.export_job import ExportState, _write
from toolkit.stages.desk import DeskAnswer, leave_answers
from tui.app import SchoolhouseApp
from tui.screens.export import ExportScreen
from tui.screens.run import RunScreen


@pytest.mark.parametrize("name", TEXTS)
async def test_a_hostile_answer_on_the_labelling_desk(tmp_path: Path, name: str) -> None:
    evil = TEXTS[name]
    recorder = judged(tmp_path / "polite-1", answers=False)
    leave_answers(recorder.folder, [DeskAnswer(evil, evil, evil)])
    recorder.journal.set_meta("judge", {**AGREEMENT, "model": evil, "key": evil})
    app = app_of(recorder, "broken")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened_desk(pilot, app)
        await until(pilot, lambda: MARKS[name] in shown(app))
        for key in ("y", "b", "tab", "question_mark"):
            await pilot.press(key)
            await pilot.pause(0.1)
            assert is_harmless(app), shown(app)
    recorder.__exit__()


@pytest.mark.parametrize("state", ["working", "done", "failed"])
@pytest.mark.parametrize("name", TEXTS)
async def test_a_hostile_text_in_an_export(tmp_path: Path, name: str, state: str) -> None:
    evil, folder = TEXTS[name], tmp_path / "quickstart-done"
    end = three_rounds(folder)
    with Journal(folder) as journal:
        journal.round_adapter(2, "adapters/round-2")
    parity = {"passed": state == "done", "sentence": evil}
    found = ExportState("gguf", "q8_0", state=state, what=evil, total=9, started=end - 75, worker=ME, folder=evil,
                        usage=(evil,), created=evil, parity=parity, message=evil, fix=evil,
                        ended=None if state == "working" else end)  # type: ignore[arg-type]  # fmt: skip
    _write(folder, found)
    manifest = folder / "exports" / "round-2-gguf-f16" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"files": {evil: {"bytes": 1}}, "parity": {"passed": evil}, "forced": evil}))
    app = SchoolhouseApp(Exporting(tmp_path, end), open_first=folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.verdict)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ExportScreen) and app.screen.view)
        await until(pilot, lambda: MARKS[name] in shown(app))
        assert is_harmless(app), shown(app)
