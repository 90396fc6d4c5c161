"""What a person decides about rows reaches the training; the queries behind the Data screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from recorded import Recorder

from toolkit.errors import SchoolhouseError
from toolkit.journal import RowFilter
from toolkit.stages.decisions import decided, decisions_left, leave, leave_decision, take_decisions
from toolkit.stages.edits import EDITED_BY, EDITED_FROM, Edit, edit_problem
from toolkit.types import Row

LEAK = "where is the leak"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin()
        recorder.journal.attempt(1, operation="draft", program="", plan={})
        recorder.row(1, "where is it", "parcel_late")
        recorder.row(1, "100 % sure", "refund_status")
        recorder.row(1, "where is it?", "parcel_late", "rejected", ("near_duplicate", "0.95 to: where is it"))
        recorder.row(1, LEAK, "parcel_late", "rejected", ("label_in_text", "parcel_late"))
        recorder.row(1, "too near", "parcel_late", "quarantined", ("leak", "exact 1.00 to gate item 7"))
        yield recorder


def session_of(recorder: Recorder) -> Any:
    hit = SimpleNamespace(words="exact 1.00 to gate item 7")
    firewall = SimpleNamespace(check=lambda text: hit if text == LEAK else None)
    data = SimpleNamespace(labels=dict.fromkeys(("parcel_late", "refund_status", "wrong_item"), ""))
    return SimpleNamespace(folder=recorder.folder, journal=recorder.journal, firewall=lambda: firewall, data=data)


def ids(recorder: Recorder) -> dict[str, str]:
    return {record["input"]: record["id"] for record in recorder.journal.rows()}


def lesson_after(recorder: Recorder, decisions: dict[str, str], number: int = 1) -> list[str]:
    session, known = session_of(recorder), ids(recorder)
    for text, decision in decisions.items():
        leave_decision(recorder.folder, known[text], decision)  # type: ignore[arg-type]
    take_decisions(session)
    rows = decided(session, number, recorder.journal.accepted_rows(1), [1])
    return [row.input for row in rows]


def test_a_dropped_row_is_not_trained_on_and_a_kept_one_is(recorder: Recorder) -> None:
    assert lesson_after(recorder, {"100 % sure": "drop", "where is it?": "keep"}) == ["where is it", "where is it?"]
    assert decisions_left(recorder.folder) == {}
    assert lesson_after(recorder, {"100 % sure": "keep"}) == ["where is it", "100 % sure", "where is it?"]


def test_what_is_close_to_an_evaluation_item_is_never_kept(recorder: Recorder) -> None:
    assert lesson_after(recorder, {LEAK: "keep", "too near": "keep"}) == ["where is it", "100 % sure"]


def test_a_round_that_has_begun_keeps_its_rows(recorder: Recorder) -> None:
    recorder.journal.round(1, attempt=1, arm="iterative", row_ids=[])
    recorder.wait(5)
    assert lesson_after(recorder, {"where is it": "drop"}) == ["where is it", "100 % sure"]
    assert lesson_after(recorder, {}, number=2) == ["100 % sure"]


def test_a_decision_waits_in_the_folder_until_it_is_taken(recorder: Recorder) -> None:
    leave_decision(recorder.folder, "a", "drop")
    leave_decision(recorder.folder, "a", "keep")
    recorder.folder.joinpath("decisions", "9.json").write_text("{damaged", encoding="utf-8")
    assert decisions_left(recorder.folder) == {"a": "keep"}
    take_decisions(session_of(recorder))
    assert recorder.journal.decisions() == {"a": "keep"}
    with pytest.raises(SchoolhouseError):
        leave_decision(recorder.folder, "a", "burn")  # type: ignore[arg-type]


def test_rows_by_filter_and_page(recorder: Recorder) -> None:
    reader = recorder.journal
    assert reader.row_total(RowFilter()) == 5
    assert [row["seq"] for row in reader.row_page(RowFilter(), 2, 2)] == [2, 3]
    assert reader.row_total(RowFilter(status="rejected")) == 2
    assert reader.row_total(RowFilter(reason="leak", attempt=1)) == 1
    assert [row["input"] for row in reader.row_page(RowFilter(text="0 % s"), 0, 9)] == ["100 % sure"]
    assert reader.row_total(RowFilter(text="refund")) == 1  # outputs are searched too
    assert reader.row_total(RowFilter(text="_here")) == 0  # signs of LIKE are letters here
    assert reader.row_total(RowFilter(ids=(ids(recorder)["too near"], "x"))) == 1
    assert reader.row_groups("status") == [("accepted", 2), ("quarantined", 1), ("rejected", 2)]
    found = reader.row_with_input("where is it")
    assert found
    assert found["seq"] == 0
    assert found == reader.find_row(1, 0)
    assert reader.row_with_input("where is it?") is None
    reader.row(1, 9, Row("x" * 5000, "y"))
    assert len(reader.row_page(RowFilter(), 5, 1)[0]["input"]) == 300


# -- edits -------------------------------------------------------------------------------------


def edit(recorder: Recorder, text: str, edit: Edit) -> None:
    """Leave an edit of the first row with this text."""
    record = next(record for record in recorder.journal.rows() if record["input"] == text)
    leave(recorder.folder, edit.to_left(record))


def lesson_now(recorder: Recorder, number: int = 1) -> list[tuple[str, str]]:
    session = session_of(recorder)
    take_decisions(session)
    return [(row.input, row.output) for row in decided(session, number, recorder.journal.accepted_rows(1), [1])]


def test_an_edited_row_is_trained_on_and_its_original_is_kept(recorder: Recorder) -> None:
    before = recorder.journal.find_row(1, 0)
    edit(recorder, "where is it", Edit("where is my parcel", "wrong_item"))
    assert decisions_left(recorder.folder) == {ids(recorder)["where is it"]: "edit"}
    assert lesson_now(recorder) == [("100 % sure", "refund_status"), ("where is my parcel", "wrong_item")]
    assert recorder.journal.find_row(1, 0) == before
    made = recorder.journal.rows(attempt=1)[-1]
    assert (made["status"], made["skill"]) == ("accepted", "wrong_item")
    assert before and made["meta"] == {EDITED_FROM: before["id"], EDITED_BY: "person"}
    assert recorder.journal.decisions() == {before["id"]: "edit"}
    assert recorder.journal.edits() == {before["id"]: made["id"]}


def test_an_edit_that_a_crash_left_behind_is_journaled_once(recorder: Recorder) -> None:
    for _ in range(2):
        edit(recorder, "where is it", Edit("where is my parcel", "parcel_late"))
        take_decisions(session_of(recorder))
    assert recorder.journal.row_total(RowFilter(text="where is my parcel")) == 1


def test_the_last_decision_about_an_edited_row_counts(recorder: Recorder) -> None:
    edit(recorder, "where is it", Edit("one", "parcel_late"))
    assert ("one", "parcel_late") in lesson_now(recorder)
    edit(recorder, "where is it", Edit("two", "parcel_late"))
    assert [text for text, _ in lesson_now(recorder)] == ["100 % sure", "two"]
    edit(recorder, "two", Edit("three", "parcel_late"))
    assert [text for text, _ in lesson_now(recorder)] == ["100 % sure", "three"]
    edit(recorder, "three", Edit("two", "parcel_late"))  # back to what it was
    assert [text for text, _ in lesson_now(recorder)] == ["100 % sure", "two"]
    assert lesson_after(recorder, {"where is it": "keep"}) == ["where is it", "100 % sure"]
    assert lesson_after(recorder, {"where is it": "drop"}) == ["100 % sure"]


def test_an_edited_row_can_be_dropped_too(recorder: Recorder) -> None:
    edit(recorder, "where is it", Edit("one", "parcel_late"))
    take_decisions(session_of(recorder))
    assert lesson_after(recorder, {"one": "drop"}) == ["100 % sure"]


def test_a_rejected_row_that_was_mended_is_trained_on(recorder: Recorder) -> None:
    edit(recorder, LEAK, Edit("where is my order", "parcel_late"))
    assert ("where is my order", "parcel_late") in lesson_now(recorder)


def test_an_edit_too_close_to_an_evaluation_item_is_quarantined(recorder: Recorder) -> None:
    edit(recorder, "where is it", Edit(LEAK, "parcel_late"))
    assert [text for text, _ in lesson_now(recorder)] == ["100 % sure"]
    made = recorder.journal.rows(attempt=1)[-1]
    assert (made["status"], made["reason"], made["detail"]) == ("quarantined", "leak", "exact 1.00 to gate item 7")


def test_an_edit_leaves_a_round_that_has_begun_alone(recorder: Recorder) -> None:
    recorder.journal.round(1, attempt=1, arm="iterative", row_ids=[])
    recorder.wait(5)
    edit(recorder, "where is it", Edit("one", "parcel_late"))
    assert [text for text, _ in lesson_now(recorder)] == ["where is it", "100 % sure"]
    assert [text for text, _ in lesson_now(recorder, number=2)] == ["100 % sure", "one"]


def test_an_edit_of_a_row_that_is_not_there_changes_nothing(recorder: Recorder) -> None:
    leave(recorder.folder, {"row": "x", "decision": "edit", "attempt": 1, "seq": 0, "input": "a", "output": "b"})
    leave(recorder.folder, {"row": "x", "decision": "edit"})
    assert [text for text, _ in lesson_now(recorder)] == ["where is it", "100 % sure"]
    assert recorder.journal.decisions() == {}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit(" ", "parcel_late"), "the text is empty"),
        (Edit("a", ""), "the answer is empty"),
        (Edit("a", "parcel_lat"), "'parcel_lat' is no label, did you mean 'parcel_late'?"),
        (Edit("a" * 20_001, "parcel_late"), "longer than 20000 characters"),
        (Edit("a", "parcel_late"), ""),
    ],
)
def test_an_edit_that_nobody_could_train_on_is_named(edit: Edit, words: str) -> None:
    found = edit_problem(edit, ["parcel_late"])
    assert words in found
    assert bool(words) == bool(found)
