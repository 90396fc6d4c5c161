from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.data.checks import RowChecks, RowLimits
from toolkit.data.firewall import Firewall
from toolkit.data.handwritten import handwritten
from toolkit.types import Row

TEXTS = [
    "the kettle leaks",
    "no sign of my lamp",
    "money please",
    "wrong colour sent",
    "cannot sign in",
    "voucher gone",
]
TOPICS = ["Tea", "tea", "tea ", "tea", "salt", ""]


def checks(limits: RowLimits | None = None, labels: tuple[str, ...] = ("a", "b")) -> RowChecks:
    return RowChecks(labels, Firewall([], [], []), limits)


def accept(tested: RowChecks, *rows: Row) -> list[str]:
    """Submit rows in order; the reason against each, or nothing."""
    reasons = []
    for row in rows:
        rejection = tested.check(row)
        reasons.append(rejection.reason if rejection else "")
        if not rejection:
            tested.remember(row)
    return reasons


def test_a_row_that_the_student_would_not_read_whole_is_too_long() -> None:
    def tokens(row: Row) -> int:
        return len(f"{row.input} {row.output}".split()) * 2

    tested = checks(RowLimits(tokens=tokens, most_tokens=8))
    assert tested.check(Row("three words only", "a")) is None
    rejection = tested.check(Row("these are four words", "a"))
    assert rejection is not None
    assert (rejection.reason, rejection.detail) == ("too_long", "10 tokens, the student reads at most 8")


@pytest.mark.parametrize("text", ["dear [name] hello", "pay {amount} now", "INSERT NAME here", "see <product> there"])
def test_a_template_with_gaps_is_turned_away_unless_the_task_is_about_code(text: str) -> None:
    rejection = checks().check(Row(text, "a"))
    assert rejection is not None
    assert rejection.reason == "looks_like_template"
    assert checks(RowLimits(placeholders=True)).check(Row(text, "a")) is None
    assert checks().check(Row("INSERT INTO dogs", "a")) is None


def test_a_long_output_is_too_long_as_well() -> None:
    rejection = checks().check(Row("hello", "a" * 1001))
    assert rejection is not None
    assert rejection.detail == "output: 1001 characters, at most 1000"


def test_a_topic_takes_no_more_than_its_share() -> None:
    rows = [Row(text, "a", meta={"topic": topic}) for text, topic in zip(TEXTS, TOPICS, strict=True)]
    assert accept(checks(), *rows) == [""] * 6, "off by default"
    assert accept(checks(RowLimits(topic_share=0.2)), *rows) == ["", "", "topic_share", "topic_share", "", ""]
    assert accept(checks(RowLimits(topic_share=0.2, rows=15)), *rows) == ["", "", "", "topic_share", "", ""]
    assert accept(checks(RowLimits(topic_share=0.01)), *rows)[:2] == ["", "topic_share"], "one is always allowed"


def test_a_label_takes_no_more_than_its_share() -> None:
    rows = [Row(text, label) for text, label in zip(TEXTS, "aaabab", strict=True)]
    assert accept(checks(RowLimits(label_share=0.2)), *rows) == ["", "", "label_share", "", "label_share", ""]
    rejection = checks(RowLimits(label_share=0.2)).check(rows[0])
    assert rejection is None


def test_an_opening_takes_no_more_than_its_share() -> None:
    rows = [Row(f"Can you tell me {text}", "a") for text in TEXTS[:4]] + [Row("can you tell", "a"), Row("kettle", "a")]
    assert accept(checks(), *rows) == [""] * 6, "off by default"
    found = accept(checks(RowLimits(opening_share=0.2)), *rows)
    assert found == ["", "", "opening_share", "opening_share", "", ""], "a text of three words is no opening"
    rejection = checks(RowLimits(opening_share=0.01)).check(rows[0])
    assert rejection is None, "one is always allowed"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from("abcd"), max_size=40), st.floats(0.05, 1), st.integers(0, 60))
def test_no_topic_ever_exceeds_its_share(topics: list[str], share: float, rows: int) -> None:
    tested = checks(RowLimits(topic_share=share, rows=rows))
    submitted = [Row(f"{index:b} {chr(97 + index % 26) * 9}", "a", meta={"topic": t}) for index, t in enumerate(topics)]
    reasons = accept(tested, *submitted)
    kept = [row.meta["topic"] for row, reason in zip(submitted, reasons, strict=True) if not reason]
    whole = max(rows, len(kept), 10)
    assert all(kept.count(topic) <= max(1, share * whole + 1e-6) for topic in set(kept))


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ('["Where is it?", "The lamp\\u0027s broken"]', "the lamp's broken!"),
        ('{"messages": [{"text": "My caf\\u00e9 order\\nis late"}]}', "my café order is late"),
        ("1. Where is my parcel?\n2. It never came.", "It never came"),
        ("???", "???"),
    ],
)
def test_a_row_from_a_reply_is_the_teachers(reply: str, text: str) -> None:
    assert handwritten([Row(text, "a", calls=("r1",))], {"r1": reply}).count == 0


@pytest.mark.parametrize(
    "row",
    [
        Row("I want a refund", "a", calls=("r1",)),  # other words
        Row("is my", "a", calls=()),  # names no reply
        Row("where is my parcel", "a", calls=("r9",)),  # a reply that nobody has
        Row("here is my", "a", calls=("r1",)),  # part of a word
        Row("parcel it never", "a", calls=("r2",)),  # across two texts
        Row("where is my parcel and also a fine day to you", "a", calls=("r1",)),
    ],
)
def test_a_row_that_the_program_wrote_is_counted(row: Row) -> None:
    replies = {"r1": "Where is my parcel?", "r2": json.dumps(["where is my parcel", "it never came"])}
    found = handwritten([row, Row("where is my parcel", "a", calls=("r1",))], replies)
    assert (found.n, found.count, found.share, found.examples) == (2, 1, 0.5, (row.input,))


def test_seeds_are_not_handwritten() -> None:
    rows = [Row("What is 2 + 2?", "4", calls=("r1",))]
    assert handwritten(rows, {"r1": "It is 4."}).share == 1
    assert handwritten(rows, {"r1": "It is 4."}, given=["what is 2 + 2"]).share == 0
    assert handwritten([], {}).share == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=8), st.data())
def test_every_text_of_a_json_reply_is_found(texts: list[str], data: st.DataObject) -> None:
    reply = json.dumps(texts, ensure_ascii=data.draw(st.booleans()))
    row = Row(data.draw(st.sampled_from(texts)), "a", calls=("r1",))
    assert handwritten([row], {"r1": reply}).count == 0
