from __future__ import annotations

from pathlib import Path

import pytest
from hosted import carry_out, prompt_of

from toolkit.data.checks import RowChecks
from toolkit.data.firewall import Firewall
from toolkit.data.handwritten import handwritten
from toolkit.programs.host import ProgramHost
from toolkit.programs.trial import TrialHost
from toolkit.stages.hosting import verified
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
    lines = result.logged()
    assert lines[0] == "2"
    assert lines[1].startswith("'c'")
    assert result.reasons().count("duplicate") == 1


def test_the_share_that_the_teacher_did_not_write_is_known(tmp_path: Path) -> None:
    result = carry_out(tmp_path, PROGRAM, speaks)
    replies = {request.hash: speaks(request) for request in result.teacher.asked}
    found = handwritten(result.journal.accepted_rows(1), replies)
    assert (found.n, found.count) == (5, 2)
    assert found.examples == ("I wrote this one myself", "a row that names a strange reply")


def test_a_program_invents_no_skill_beside_the_labels(tmp_path: Path) -> None:
    program = """
for text in ["where is the lamp", "my kettle has a leak", "nobody picks up the phone"]:
    submit([{"input": text, "output": "a", "skill": "easy ones"}])
log(json.dumps(remaining()["skills"]))
"""
    result = carry_out(tmp_path, program, rows={"a": 3, "b": 2})
    assert result.logged() == ['{"b": 2}']
    assert {row["skill"] for row in result.rows()} == {"a"}
    other = carry_out(tmp_path / "open", program, rows={"easy ones": 3, "hard ones": 2}, labels=())
    assert {row["skill"] for row in other.rows()} == {"easy ones"}


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


def test_only_a_few_rows_may_be_written_by_hand(tmp_path: Path) -> None:
    program = """
for text in ["one two three", "four five six", "seven eight nine"]:
    receipt = submit([{"input": text, "output": "a"}])
log(str(receipt.rejected["hand_written"][1]))
"""
    result = carry_out(tmp_path, program, wrote=lambda row: "four" in row.input, by_hand=1)
    assert result.reasons() == ["", "", "hand_written"]
    assert "in no teacher reply that it names: seven" in result.journal.events()[0]["data"]["text"]


LATE = """
for number in range(5):
    reply = ask("number " + str(number))
    submit([{"input": reply.text, "output": "a", "replies": [reply.id]}])
"""


def says_numbers(request: Request) -> str:
    return f"the answer {prompt_of(request)} {prompt_of(request) * 3}"


def test_a_program_is_stopped_when_its_time_is_over(tmp_path: Path) -> None:
    hours = iter([0.0, 599.0, 601.0])
    result = carry_out(tmp_path, LATE, says_numbers, clock=lambda: next(hours))
    assert result.host.out_of_time
    assert result.ending.error_class == "code runtime error"
    assert "the time of this run is over" in result.ending.error
    assert len(result.teacher.asked) == 2


def test_a_program_that_does_not_take_no_for_an_answer_is_asked_nothing(tmp_path: Path) -> None:
    program = (
        "for _ in range(30):\n    try:\n        ask('more')\n    except Exception as error:\n        log(str(error))"
    )
    result = carry_out(tmp_path, program, clock=lambda: 601.0)
    assert result.teacher.asked == []


def test_a_replayed_program_stops_where_it_did(tmp_path: Path) -> None:
    hours = iter([0.0, 599.0, 601.0])
    first = carry_out(tmp_path, LATE, says_numbers, clock=lambda: next(hours))
    rows = [row["input"] for row in first.rows()]
    first.journal.close()
    again = carry_out(tmp_path, LATE, says_numbers, clock=lambda: 7000.0)
    assert again.teacher.asked == [], "the journal had these answers"
    assert [row["input"] for row in again.rows()] == rows
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("verify(3, 'x')", "kind must be text"),
        ("verify('sql', None)", "answer must be text"),
        ("verify('sql', 'x', 'y', schema={1, 2})", "holds a set"),
        ("verify('taste', 'x', 'y')", "verify knows no 'taste'"),
    ],
)
def test_a_wrong_verification_is_an_error_in_the_program(call: str, words: str, tmp_path: Path) -> None:
    result = carry_out(tmp_path, call, verify=verified)
    assert words in result.ending.error
    assert result.host.interruption is None


def test_verify_asks_the_tasks_own_scorers(tmp_path: Path) -> None:
    program = """
schema = "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2);"
log(str([verify("sql", "SELECT 2 UNION SELECT 1", "SELECT n FROM t", schema=schema),
         verify("sql", "SELECT 3", "SELECT n FROM t", schema=schema),
         verify("sql", "SELECT 1 WHERE 0", "SELECT n FROM t WHERE n > 9", schema=schema),
         verify("number", "12.0", "12"), verify("number", "13", "12"),
         verify("json", '{"b": 2, "a": 1}', '{"a": 1, "b": 2}')]))
"""
    result = carry_out(tmp_path, program, verify=verified)
    assert result.ending.error == ""
    assert result.journal.events()[0]["data"]["text"] == "[True, False, False, True, False, True]"


TWICE = "log(str([verify('number', text, '1', unit='m') for text in ['yes', 'no', 'yes']]))"


@pytest.mark.parametrize("kind", [ProgramHost, TrialHost])
def test_what_was_verified_is_journaled_and_not_verified_again(kind: type[ProgramHost], tmp_path: Path) -> None:
    asked = []

    def verify(kind: str, answer: str, expected: str, more: object) -> bool:
        asked.append(answer)
        return answer == "yes"

    first = carry_out(tmp_path, TWICE, verify=verify, kind=kind)
    assert asked == ["yes", "no"]
    known = first.journal.verifications(1)
    assert [(one["kind"], one["answer"], one["expected"], one["more"], one["agrees"]) for one in known] == [
        ("number", "yes", "1", '{"unit": "m"}', 1),
        ("number", "no", "1", '{"unit": "m"}', 0),
    ]
    first.journal.close()
    again = carry_out(tmp_path, TWICE, verify=lambda *_: pytest.fail("it was verified already"))
    assert again.logged()[-1] == "[True, False, True]"
    assert again.host._verifying == first.host._verifying, "what it took counts against the limit as before"


def test_turns_stand_between_the_system_message_and_the_prompt(tmp_path: Path) -> None:
    program = "ask_many(['third'], system='first', turns=[('second', 'an example'), ('again', 'another')])"
    result = carry_out(tmp_path, program)
    (request,) = result.teacher.asked
    assert [(message["role"], message["content"]) for message in request.messages] == [
        ("system", "first"),
        ("user", "second"),
        ("assistant", "an example"),
        ("user", "again"),
        ("assistant", "another"),
        ("user", "third"),
    ]


def test_turns_that_are_no_pairs_are_told_to_the_program(tmp_path: Path) -> None:
    result = carry_out(tmp_path, "ask('x', turns=[('a', 'b'), 'c'])")
    assert "turn 2 is" in result.ending.error and "not a pair (prompt, reply)" in result.ending.error
    assert not result.teacher.asked
