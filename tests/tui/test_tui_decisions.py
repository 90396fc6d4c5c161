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
from toolkit.stages.decisions import decided, decisions_left, leave_decision, take_decisions
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
    firewall = SimpleNamespace(check=lambda text: text == LEAK)
    return SimpleNamespace(folder=recorder.folder, journal=recorder.journal, firewall=lambda: firewall)


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
