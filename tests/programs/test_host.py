from __future__ import annotations

from pathlib import Path

from hosted import carry_out

PROGRAM = """
replies = ask_many(["one", "two"], schema={"type": "array"})
for reply in replies:
    submit([{"input": text, "output": "a", "replies": [reply.id]} for text in reply.data])
submit([{"input": "I wrote this one myself", "output": "b"}])
receipt = submit([{"input": "nobody knows", "output": "c"}, {"input": "nobody knows that", "output": "c"}])
log(receipt.rejected)
log(receipt.rejected["unknown_label"][0])
submit([{"input": "a row that names a strange reply", "output": "a", "replies": ["made up", 7, None]}])
"""
ANSWERS = {"one": '["the kettle leaks", "no sign of my lamp"]', "two": '["where\\u0027s my money", "the kettle leaks"]'}


def test_a_submission_is_described_in_the_journal(tmp_path: Path) -> None:
    result = carry_out(tmp_path, PROGRAM, lambda request: ANSWERS[request.messages[-1]["content"]])
    assert result.ending.error == ""
    result.host.describe(1, ["is my lamp on its way", "the kettle is broken"])
    events = {event["kind"]: event for event in result.journal.events()}

    found = events["handwritten"]["data"]
    assert (found["n"], found["count"]) == (5, 2)
    assert found["examples"] == ["I wrote this one myself", "a row that names a strange reply"]
    assert found["attempt"] == 1
    assert events["handwritten"]["round"] == 1

    reasons = events["rejections"]["data"]["reasons"]
    assert {reason: value["count"] for reason, value in reasons.items()} == {"duplicate": 1, "unknown_label": 2}
    assert reasons["unknown_label"]["example"]["input"] == "nobody knows"
    assert "'c'" in reasons["unknown_label"]["example"]["detail"]

    diversity = events["diversity"]["data"]
    assert diversity["card"]["n"] == 5
    assert diversity["card"]["labels"] == {"a": 4, "b": 1}
    assert any("out of balance" in warning for warning in diversity["warnings"])
    assert "kettle is broken" not in str(diversity), "public text stays out of the card"


def test_rows_keep_only_the_replies_that_they_had(tmp_path: Path) -> None:
    result = carry_out(tmp_path, PROGRAM, lambda request: ANSWERS[request.messages[-1]["content"]])
    known = {request.hash for request in result.teacher.asked}
    assert {call for row in result.rows() for call in row["calls"]} == known
    assert result.rows()[-1]["calls"] == []


def test_an_empty_submission_can_be_described(tmp_path: Path) -> None:
    result = carry_out(tmp_path, "pass")
    result.host.describe(1, [])
    assert [event["kind"] for event in result.journal.events()] == ["handwritten", "rejections", "diversity"]
