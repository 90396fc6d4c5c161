from __future__ import annotations

from pathlib import Path

import pytest
from hosted import carry_out, prompt_of

from toolkit.data.checks import RowChecks
from toolkit.data.firewall import Firewall
from toolkit.data.handwritten import handwritten
from toolkit.types import Item, Request, SplitName

PROGRAM = """
replies = ask_many(["one", "two"], schema={"type": "array"})
for reply in replies:
    submit([{"input": text, "output": "a", "replies": [reply.id]} for text in reply.data])
submit([{"input": "I wrote this one myself", "output": "b"}])
receipt = submit([{"input": "nobody knows", "output": "c"}, {"input": "nobody knows that", "output": "c"}])
log(receipt.rejected["unknown_label"][0])
submit([{"input": "a row that names a strange reply", "output": "a", "replies": ["made up", 7, None]}])
"""
ANSWERS = {"one": '["the kettle leaks", "no sign of my lamp"]', "two": '["where\\u0027s my money", "the kettle leaks"]'}


def speaks(request: Request) -> str:
    return ANSWERS[prompt_of(request)]


def test_a_receipt_counts_rejections_by_reason_with_an_example(tmp_path: Path) -> None:
    result = carry_out(tmp_path, PROGRAM + "log(receipt.rejected['unknown_label'][1])", speaks)
    lines = [event["data"]["text"] for event in result.journal.events()]
    assert lines[0] == "2"
    assert lines[1].startswith("'c'")
    assert result.reasons().count("duplicate") == 1


def test_the_share_that_the_teacher_did_not_write_is_known(tmp_path: Path) -> None:
    result = carry_out(tmp_path, PROGRAM, speaks)
    replies = {request.hash: speaks(request) for request in result.teacher.asked}
    found = handwritten(result.journal.accepted_rows(1), replies)
    assert (found.n, found.count) == (5, 2)
    assert found.examples == ("I wrote this one myself", "a row that names a strange reply")


@pytest.mark.parametrize("split", ["public", "gate"])
def test_a_program_does_not_hear_which_item_a_row_is_too_close_to(split: SplitName, tmp_path: Path) -> None:
    item = Item("canary-7", split, "the blue kettle has a crack across its base", "a")
    checks = RowChecks(["a"], Firewall([item], [], []) if split == "public" else Firewall([], [item], []))
    program = f"receipt = submit([{{'input': '{item.input}', 'output': 'a'}}])\nlog(json.dumps(receipt.rejected))"
    result = carry_out(tmp_path, program, checks=checks)
    assert "canary-7" in result.journal.rows()[0]["detail"], "the journal knows it"
    heard = result.journal.events()[0]["data"]["text"]
    assert "leak" in heard
    assert "canary-7" not in heard
    assert split not in heard


def test_rows_keep_only_the_replies_that_they_had(tmp_path: Path) -> None:
    result = carry_out(tmp_path, PROGRAM, speaks)
    known = {request.hash for request in result.teacher.asked}
    assert {call for row in result.rows() for call in row["calls"]} == known
    assert result.rows()[-1]["calls"] == []


def test_another_seed_asks_for_other_replies(tmp_path: Path) -> None:
    first, second = (carry_out(tmp_path / str(seed), "ask('x')", lambda _: "y", sampling=seed) for seed in (0, 1))
    assert [request.sample for request in first.teacher.asked] == [10_001]
    assert first.teacher.asked[0].hash != second.teacher.asked[0].hash


def test_a_row_must_be_right_by_its_own_scorer(tmp_path: Path) -> None:
    program = "submit([{'input': 'one two three', 'output': 'a'}, {'input': 'four five six', 'output': 'b'}])"
    result = carry_out(tmp_path, program, passes=lambda row: row.output == "a")
    assert result.reasons() == ["", "answer_fails_scorer"]
    assert result.host.accepted == {"a": 1}
