"""A person edits rows: keys, what is asked before something is lost, duplicates beside each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from answered import write_items
from made_up import app_of
from piloting import shown, until
from recorded import Recorder
from test_tui_data import choose, opened, special_rows
from test_tui_hostile import MARKS, TEXTS, is_harmless
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from toolkit.stages.decisions import take_decisions
from toolkit.types import Row
from tui.app import SchoolhouseApp
from tui.rows import Facets, RowLine, WholeRow, may_decide, next_similar
from tui.runs import Runs
from tui.screens.choose import ChooseScreen
from tui.screens.data import DataScreen
from tui.screens.edit_row import EditRowScreen
from tui.screens.sure import SureScreen
from tui.widgets.rows import in_full


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """Eight rows, then five that show every kind of verdict; the task has eight labels."""
    with Recorder(tmp_path / "quickstart-live") as recorder:
        recorder.begin()
        write_items(recorder.folder)
        recorder.generate(1, 8)
        special_rows(recorder)
        yield recorder


def left(recorder: Recorder) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((recorder.folder / "decisions").glob("*.json"))]


def take(recorder: Recorder) -> None:
    """What the worker does before it trains."""
    firewall = SimpleNamespace(check=lambda text: None)
    data = SimpleNamespace(labels=Runs().row_text(recorder.folder, 1, 0).labels)
    session: Any = SimpleNamespace(
        folder=recorder.folder, journal=recorder.journal, firewall=lambda: firewall, data=data
    )
    take_decisions(session)


async def edit(pilot: Pilot[None], app: SchoolhouseApp) -> EditRowScreen:
    await pilot.press("e")
    await until(pilot, lambda: isinstance(app.screen, EditRowScreen))
    assert isinstance(app.screen, EditRowScreen)
    return app.screen


# -- without a terminal ------------------------------------------------------------------------


def test_what_may_be_decided_about_an_edited_row() -> None:
    row, rejected = (RowLine(1, 0, "a", status, "x", "text") for status in ("accepted", "rejected"))
    assert may_decide({"a": "edit"}, row, "keep", keepable=False)
    assert may_decide({"a": "edit"}, row, "drop", keepable=False)
    assert may_decide({"a": "edit"}, rejected, "drop", keepable=False)
    assert not may_decide({"a": "edit"}, rejected, "keep", keepable=False)
    assert not may_decide({}, rejected, "keep", keepable=False)


def test_duplicates_are_looked_at_one_reason_after_the_other() -> None:
    facets = Facets(reasons=(("duplicate", 2), ("leak", 1), ("near_duplicate", 3)))
    assert next_similar(facets, None) == "duplicate"
    assert next_similar(facets, "duplicate") == "near_duplicate"
    assert next_similar(facets, "near_duplicate") is None
    assert next_similar(facets, "leak") == "duplicate"
    assert next_similar(Facets(), None) is None


def test_two_columns_are_as_wide_as_the_pane_and_hold_every_word() -> None:
    line = RowLine(1, 4, "a", "rejected", "late", "text", "near_duplicate")
    twin = WholeRow(RowLine(1, 0, "b", "accepted", "late", "text"), "where is my parcel " * 9, "late", "")
    row = WholeRow(line, "where is my box " * 9, "lost", "0.9 to: x", twin=twin)
    text = in_full(row, {}, False, 80, beside=True).plain
    columns = [found for found in text.split("\n") if "│" in found]
    assert {len(found.partition("│")[0]) for found in columns} == {39}
    assert max(map(len, columns)) <= 80
    lefts, rights = zip(*(found.split("│") for found in columns), strict=True)
    assert " ".join(lefts).split().count("box") == 9
    assert " ".join(rights).split().count("parcel") == 9
    assert "(0.9 alike)" in " ".join(" ".join(rights).split())


def test_a_row_that_repeats_another_word_for_word_is_not_edited(recorder: Recorder) -> None:
    same = recorder.journal.find_row(2, 0)
    assert same
    row = Row(same["input"], same["output"], same["skill"])
    recorder.journal.row(2, 5, row, status="rejected", reason="duplicate", detail=same["input"])
    assert "word for word row 1 of attempt 2" in Runs().row_text(recorder.folder, 2, 5).problem
    assert Runs().row_text(recorder.folder, 2, 0).problem == ""
    recorder.journal.row(2, 6, Row("x" * 30_000, "late"))
    assert "too many to edit here" in Runs().row_text(recorder.folder, 2, 6).problem


# -- with a terminal ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_text_and_label_by_keys_and_the_original_is_kept(recorder: Recorder, size: tuple[int, int]) -> None:
    app = app_of(recorder)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await opened(pilot, app)
        assert screen.row
        before = screen.row
        editor = await edit(pilot, app)
        assert "nothing is changed yet" in shown(app)
        await pilot.press("home", *"oh: ")
        await until(pilot, lambda: "not saved yet" in shown(app))
        await pilot.press("tab")
        assert isinstance(editor.focused, Input)
        editor.focused.value = ""
        await pilot.press(*"damag")
        await until(pilot, lambda: "is no label" in shown(app))
        await pilot.press("ctrl+s")
        assert app.screen is editor  # it cannot be trained on
        await pilot.press("tab", "down", "enter")
        await until(pilot, lambda: editor.edited[1] == "damaged_item")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "edited by you; it counts from the next training on" in shown(app))
        await until(pilot, lambda: "trained on as edited" in shown(app) and "oh: " in shown(app))
        (found,) = left(recorder)
        assert (found["row"], found["decision"], found["output"]) == (before.line.id, "edit", "damaged_item")
        assert found["input"] == "oh: " + before.input
        take(recorder)
        await until(pilot, lambda: "it counts from" not in shown(app) and "edited by you" in shown(app))
        again = await edit(pilot, app)  # an edit is edited further
        assert again.query_one(TextArea).text.startswith("oh: ")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await choose(pilot, "l", "damaged_item")
        await pilot.press("end")
        await until(pilot, lambda: "edited by a person: this is what came of it" in shown(app))
        assert "the original, row 1 of attempt 1" in shown(app)


async def test_leaving_an_edit_and_taking_one_back_are_asked_about(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        editor = await edit(pilot, app)
        await pilot.press("x", "escape")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is editor)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "Quit without saving?" in shown(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is editor)
        await pilot.press("escape", "y")
        await until(pilot, lambda: app.screen is screen)
        assert left(recorder) == []
        await edit(pilot, app)
        await pilot.press("x", "ctrl+s")
        await until(pilot, lambda: "edited by you" in shown(app))
        await pilot.press("k")
        await until(pilot, lambda: isinstance(app.screen, SureScreen))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        assert [found["decision"] for found in left(recorder)] == ["edit"]
        await pilot.press("k", "y")
        await until(pilot, lambda: "edited by you" not in shown(app))
        assert [found["decision"] for found in left(recorder)] == ["edit", "keep"]


async def test_hidden_characters_of_a_text_that_was_not_touched_stay(recorder: Recorder) -> None:
    recorder.journal.row(2, 7, Row("on my way \U0001f469\u200d\U0001f4bb\r\nbye", "parcel_late", "parcel_late"))
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("end")
        await until(pilot, lambda: screen.row and screen.row.line.seq == 7)
        editor = await edit(pilot, app)
        editor.query_one(Input).value = "wrong_item"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: left(recorder))
        assert left(recorder)[0]["input"] == "on my way \U0001f469\u200d\U0001f4bb\r\nbye"


async def test_duplicates_beside_each_other_and_the_quarantine_by_one_key(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("b", "u")
        await until(pilot, lambda: "reason: duplicate" in shown(app))
        await pilot.press("end")
        await until(pilot, lambda: screen.row and screen.row.twin and "│" in shown(app))
        await pilot.press("u")
        await until(pilot, lambda: "alike)" in shown(app) and "this row" in shown(app))
        await pilot.press("z")
        await until(pilot, lambda: "near 0.88 to gate item abc" in shown(app))
        assert screen.chosen.status == "quarantined"
        await pilot.press("z", "b")
        await until(pilot, lambda: not screen.chosen.any and "this row" not in shown(app))


async def test_another_label_by_one_key(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(pilot, app)
        assert screen.row
        before = screen.row.line
        await choose(pilot, "c", "damaged_item")
        await until(pilot, lambda: isinstance(app.screen, DataScreen) and left(recorder))
        (found,) = left(recorder)
        assert (found["row"], found["input"], found["output"]) == (before.id, screen.row.input, "damaged_item")
        await until(pilot, lambda: "trained on as edited" in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("enter")  # the label that it now has: nothing to do
        await until(pilot, lambda: isinstance(app.screen, DataScreen))
        assert len(left(recorder)) == 1


async def test_a_text_that_cannot_be_trained_on_gets_no_label(recorder: Recorder) -> None:
    recorder.journal.row(3, 0, Row("", "parcel_late"), status="rejected", reason="empty")
    app = app_of(recorder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("end")
        await until(pilot, lambda: screen.row and screen.row.line.attempt == 3)
        await choose(pilot, "c", "damaged_item")
        await until(pilot, lambda: "press e and change the text" in shown(app))
        assert not left(recorder)


async def test_an_answer_that_is_no_label_is_edited_as_text(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        recorder.row(1, "what is 2 + 2", "4")
        app = app_of(recorder)
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await opened(pilot, app)
            await pilot.press("c")
            await until(pilot, lambda: "this task has no labels" in shown(app))
            editor = await edit(pilot, app)
            await pilot.press("tab")
            assert editor.focused and editor.focused.id == "edit-answer"
            await pilot.press("end", "0", "ctrl+s")
            await until(pilot, lambda: left(recorder))
            assert left(recorder)[0]["output"] == "40"


@pytest.mark.parametrize("name", TEXTS)
async def test_a_hostile_row_is_harmless_in_the_editor_and_beside_its_twin(recorder: Recorder, name: str) -> None:
    evil = TEXTS[name][:15_000]
    recorder.journal.row(3, 0, Row(evil, evil, evil))
    recorder.journal.row(
        3, 1, Row(evil + "?", evil), status="rejected", reason="near_duplicate", detail=f"0.9 to: {evil}"
    )
    app = app_of(recorder)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("b", "end")
        await until(pilot, lambda: screen.row and screen.row.line.attempt == 3 and MARKS[name] in shown(app))
        assert is_harmless(app)
        editor = await edit(pilot, app)
        await until(pilot, lambda: MARKS[name] in shown(app))
        await pilot.press("x")
        await until(pilot, lambda: "is no label" in shown(app))  # the answer is none; it is said literally
        assert is_harmless(app)
        await pilot.press("escape", "y")
        await until(pilot, lambda: app.screen is screen)
        assert not left(recorder) and not editor.is_attached
