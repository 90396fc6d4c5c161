"""Rows at the end of a reply that was cut off are rejected, those before it are not."""

from __future__ import annotations

from pathlib import Path

from tests.programs.hosted import carry_out

PROGRAM = """
reply = ask("Write messages.")
lines = [line for line in reply.text.split(chr(10)) if line]
submit([{"input": line, "output": "a", "replies": [reply.id]} for line in lines])
"""


def test_the_row_that_the_cut_runs_through_is_rejected_by_name(tmp_path: Path) -> None:
    hosted = carry_out(tmp_path, PROGRAM, lambda request: "My card has not come yet\nThe machine ate my …")
    assert hosted.reasons() == ["", "cut_off"]


NUMBERS = """
reply = ask("Write sums.")
pairs = [line.split(" = ") for line in reply.text.split(chr(10)) if " = " in line]
submit([{"input": pair[0], "output": pair[1], "replies": [reply.id]} for pair in pairs])
"""
LISTED = """
reply = ask("Write messages.", schema={"type": "array", "items": {"type": "string"}})
submit([{"input": reply.text, "output": "a", "replies": [reply.id]}])
"""


def test_an_answer_that_the_cut_runs_through_is_rejected_too(tmp_path: Path) -> None:
    said = "6 and 7 = 13\nforty and two = 42…"
    hosted = carry_out(tmp_path, NUMBERS, lambda request: said, labels=(), rows={"": 4})
    assert hosted.reasons() == ["", "cut_off"]


def test_no_row_comes_from_a_reply_that_is_none(tmp_path: Path) -> None:
    refused = carry_out(tmp_path / "refused", PROGRAM, lambda request: "I cannot help with that message‽")
    assert refused.reasons() == ["refused"]
    no_json = carry_out(tmp_path / "words", LISTED, lambda request: "My card has not come yet")
    assert no_json.reasons() == ["no_json"]


def test_thoughts_are_kept_in_the_journal_and_not_shown_to_the_program(tmp_path: Path) -> None:
    hosted = carry_out(tmp_path, PROGRAM, lambda request: "<think>hm\nhm</think>My card has not come yet")
    assert [row["input"] for row in hosted.rows()] == ["My card has not come yet"]
    assert hosted.journal.calls()[0]["text"].startswith("<think>")
