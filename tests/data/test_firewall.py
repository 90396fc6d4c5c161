from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.data.checks import RowChecks, RowLimits
from toolkit.data.firewall import Firewall
from toolkit.data.sealed import EXAM, FINGERPRINTS, ITEMS, Sealed
from toolkit.errors import JournalError
from toolkit.journal import Journal
from toolkit.types import Item, Row

LABELS = ("late_parcel", "broken_item", "refund")

PUBLIC = [Item("p1", "public", "The lamp came with a crack across its base", "broken_item")]
GATE = [Item("g1", "gate", "nobody rang on Tuesday and now my order is lost somewhere", "late_parcel")]
PRIVATE = [
    Item("s1", "private", "I sent the kettle back three weeks ago and the money is still not here", "refund"),
    Item("s2", "private", "where is it", "late_parcel"),
]


@pytest.fixture
def firewall(tmp_path: Path) -> Firewall:
    return Firewall(PUBLIC, GATE, Sealed.write(tmp_path, PRIVATE).fingerprints())


@pytest.mark.parametrize(
    ("text", "kind", "item"),
    [
        ("Where is it?!", "exact", "s2"),
        ("the lamp came with a crack across its base.", "exact", "p1"),
        ("Nobody rang on tuesday, and now my order is lost somwhere", "near", "g1"),
        ("I sent the kettle back three weeks ago and the money still isn't here", "near", "s1"),
        ("Hello, hope all is well with you all. I sent the kettle back three weeks ago and so I wonder", "run", "s1"),
    ],
)
def test_texts_too_close_to_an_item_are_hit(firewall: Firewall, text: str, kind: str, item: str) -> None:
    hit = firewall.check(text)
    assert hit is not None
    assert (hit.kind, hit.item_id) == (kind, item)
    assert 0 < hit.similarity <= 1


@pytest.mark.parametrize(
    "text", ["my lamp arrived scratched", "I sent the kettle back", "where is it that I find my order number", ""]
)
def test_other_texts_pass(firewall: Firewall, text: str) -> None:
    assert firewall.check(text) is None


# -- questions that share a long beginning -----------------------------------------------------

SHOP = (
    "CREATE TABLE shops (id INTEGER, city TEXT, sales REAL); CREATE TABLE staff (id INTEGER, shop INTEGER, name TEXT, "
    "wage REAL); CREATE TABLE orders (id INTEGER, shop INTEGER, day TEXT, total REAL). Write one query for this: "
)
ASKED = """\
How many clerks earn more than the mean wage of their own branch?
Name every town where two branches or more were opened.
Which day of the year brought the largest single order?
Show the total taken in Bergen, newest day first.
Who works at the branch with the weakest sales figures?
List pairs of clerks that are paid exactly the same.
What share of all orders came in before noon on the first of May?
Give the three best paid people in Madrid.
Is there a branch without any staff at all?
Count the orders above 500 for each town.
Find branches whose best day was worse than the average day elsewhere.
Sum up the wages that Lisbon pays in a month.
Which clerks share a first name with somebody in another branch?
How often did a branch take nothing for a whole day?
Order the towns by what an average customer leaves there.
What did the second largest branch sell in the last week of June?
Return the smallest wage that is paid anywhere north of Lyon.
Who was hired by the branch that sold the most?
Print each town once, in alphabetical order.
How much more does Rome sell than Turin does?
Are there orders whose branch is missing from the list?
Name the longest run of days without a sale in Porto.
Tell me the median of all order totals.
Which towns have a branch but no order yet?""".splitlines()


@pytest.fixture
def with_schema(tmp_path: Path) -> Firewall:
    splits = ("public", "gate", "private")
    items = [Item(str(place), splits[place % 3], SHOP + text, "SELECT 1") for place, text in enumerate(ASKED)]
    public, gate, private = ([item for item in items if item.split == split] for split in splits)
    return Firewall(public, gate, Sealed.write(tmp_path, private).fingerprints())


@pytest.mark.parametrize(
    "text",
    [
        "Which city has the most clerks?",
        "List the cities where nobody earns less than 2000.",
        "How many orders came in on New Year's Eve at the smallest branch?",
        "What is the mean wage of clerks whose name begins with A?",
    ],
)
def test_a_beginning_that_all_items_share_is_no_leak(with_schema: Firewall, text: str) -> None:
    assert with_schema.check(SHOP + text) is None
    checks = RowChecks((), with_schema, RowLimits(length=6000, placeholders=True))
    checks.remember(Row(SHOP + "Name the day with the fewest orders of all shops", "SELECT 1", "q"))
    assert checks.check(Row(SHOP + text, "SELECT 1", "q")) is None
    near = checks.check(Row(SHOP + "Name the day with the fewest orders of all the shops", "SELECT 1", "q"))
    assert near is not None and near.reason == "near_duplicate"


def test_what_items_ask_behind_a_shared_beginning_is_still_guarded(with_schema: Firewall) -> None:
    for place, text in enumerate(ASKED):
        for written in (SHOP + text, SHOP + text.replace("e", "ee", 1)):
            hit = with_schema.check(written)
            assert hit is not None, (place, written)
    long = next(text for text in ASKED if len(text.split()) > 9)
    hit = with_schema.check(
        f"{SHOP} Now think well about this before you write anything down, my friend, then say: {long}"
    )
    assert hit is not None and hit.kind == "run"


def test_an_opening_is_journaled_before_the_items_are_read(tmp_path: Path) -> None:
    sealed = Sealed.write(tmp_path / "data", PRIVATE)
    with Journal(tmp_path) as journal:
        for reason in (EXAM, "just curious"):
            with pytest.raises(JournalError, match="has not sat its exam"):
                sealed.open(journal, reason)
        assert sealed.open_for_exam(journal) == PRIVATE
        assert [opening["reason"] for opening in journal.openings("private")] == [EXAM]
        with pytest.raises(JournalError, match="has not sat its exam"):
            sealed.open(journal, "begun is not sat")
        journal.set_meta("verdict", {"student": "round-1"})
        for reason in (EXAM, " Final exam"):
            with pytest.raises(JournalError, match="the exam's own reason"):
                sealed.open(journal, reason)
        (tmp_path / "data" / ITEMS).unlink()
        with pytest.raises(JournalError):
            sealed.open(journal, "second look")
        assert len(journal.openings("private")) == 2
        with pytest.raises(ValueError, match="reason"):
            sealed.open(journal, " ")


def test_count_and_fingerprints_need_no_text(tmp_path: Path) -> None:
    Sealed.write(tmp_path, PRIVATE)
    (tmp_path / ITEMS).unlink()
    sealed = Sealed(tmp_path)
    assert sealed.count == 2
    assert [one.item_id for one in sealed.fingerprints()] == ["s1", "s2"]
    side_file = (tmp_path / FINGERPRINTS).read_text()
    assert "kettle" not in side_file and "refund" not in side_file
    assert json.loads(side_file)["count"] == 2


# -- row checks --------------------------------------------------------------------------------


def row(text: str, label: str = "late_parcel") -> Row:
    return Row(text, label, label)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("  "), "empty"),
        (row("hello there", ""), "empty"),
        (row("long " * 300), "too_long"),
        (row("ring the bell\x07 please"), "control_characters"),
        (row("turned \u202earound"), "control_characters"),
        (Row("in the name of its skill", "late_parcel", "turned \u202earound"), "control_characters"),
        (row("my parcel is late", "late_parcl"), "unknown_label"),
        (row("Hi, I am [Your Name] and my box is late"), "looks_like_template"),
        (row("my order {order_id} is late"), "looks_like_template"),
        (row("order <number> is late"), "looks_like_template"),
        (row("order XXXX is late"), "looks_like_template"),
        (row("this is a Late_Parcel message"), "label_in_text"),
        (row("where is it??"), "leak"),
        (row("STILL waiting for the blue teapot!"), "duplicate"),
        (row("still waiting for the blue teapots"), "near_duplicate"),
    ],
)
def test_a_bad_row_is_turned_away_with_its_reason(firewall: Firewall, bad: Row, reason: str) -> None:
    checks = RowChecks(LABELS, firewall)
    checks.remember(row("still waiting for the blue teapot"))
    rejection = checks.check(bad)
    assert rejection is not None and rejection.reason == reason
    assert rejection.detail


@pytest.mark.parametrize(
    "good",
    [
        row("my late parcel of last week, any news? <3"),
        row("I want a refund", "refund"),
        row("Ключ не подошёл :)\nпосылка где?"),
        row("👩‍👧 waiting since May"),
    ],
)
def test_a_good_row_passes(firewall: Firewall, good: Row) -> None:
    assert RowChecks(LABELS, firewall).check(good) is None


def test_checking_remembers_nothing(firewall: Firewall) -> None:
    checks = RowChecks(LABELS, firewall)
    assert checks.check(row("any news of the rug")) is None
    assert checks.check(row("any news of the rug")) is None
    checks.remember(row("any news of the rug"))
    assert checks.check(row("any news of the rug")) is not None


def test_length_may_be_counted_in_tokens(firewall: Firewall) -> None:
    checks = RowChecks(LABELS, firewall, RowLimits(tokens=lambda row: len(row.input.split()), most_tokens=3))
    assert checks.check(row("three words here")) is None
    rejection = checks.check(row("here are four words"))
    assert rejection is not None and rejection.reason == "too_long"
