"""SQL, Python and regular expressions: answers that are run."""

from __future__ import annotations

import time
from typing import Any

import pytest

from toolkit.evaluation.scorers import pattern, python_tests, sql
from toolkit.evaluation.scorers.sql import is_ordered
from toolkit.types import Item

SCHEMA = """
CREATE TABLE shop (id INTEGER, city TEXT, sales REAL);
INSERT INTO shop VALUES (1, 'Oslo', 10.5), (2, 'Rome', 20), (3, 'Oslo', 1.5), (4, NULL, 3);
"""


def item(output: str, question: str = "a question", **meta: Any) -> Item:
    return Item("1", "gate", question, output, meta=meta)


BY_CITY = item("SELECT city, SUM(sales) FROM shop WHERE city IS NOT NULL GROUP BY city", schema=SCHEMA)
ORDERED = item("SELECT id FROM shop ORDER BY sales DESC", schema=SCHEMA)


@pytest.mark.parametrize(
    "answer",
    [
        BY_CITY.output,
        "```sql\nselect city as c, total(sales) s from shop where city > '' group by 1 order by 1 desc;\n```",
        "WITH t AS (SELECT * FROM shop WHERE city NOT NULL) SELECT city, sum(sales) FROM t GROUP BY city;",
    ],
)
def test_sql_is_right_when_its_rows_are(answer: str) -> None:
    assert sql(BY_CITY, answer) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I do not know",
        "SELECT city, SUM(sales) FROM shop GROUP BY city",
        "SELECT city, SUM(sales) FROM shops GROUP BY city",
        "DELETE FROM shop",
        "INSERT INTO shop VALUES (9, 'Rome', 1) RETURNING city, 1",
        "DROP TABLE shop",
        "PRAGMA table_info(shop)",
        "ATTACH 'stolen.db' AS other",
        "SELECT load_extension('x')",
        "SELECT 1; DROP TABLE shop",
        "SELECT randomblob(900000000)",
        "SELECT '\ud800'",
        "SELECT 1 \x00",
    ],
)
def test_sql_that_writes_fails_or_gives_other_rows_is_wrong(answer: str) -> None:
    assert sql(BY_CITY, answer) == 0
    assert sql(BY_CITY, BY_CITY.output) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 9999) SELECT randomblob(900000) FROM n",
    ],
)
def test_sql_that_never_ends_is_stopped(answer: str) -> None:
    begun = time.monotonic()
    assert sql(BY_CITY, answer) == 0
    assert time.monotonic() - begun < 10


def test_the_order_of_rows_counts_only_where_the_reference_asks_for_one() -> None:
    assert sql(ORDERED, "SELECT id FROM shop ORDER BY sales DESC") == 1
    assert sql(ORDERED, "SELECT id FROM shop ORDER BY sales") == 0
    assert is_ordered("select a from t order  by a limit 3")
    assert not is_ordered("select a, row_number() over (order by b) from (select * from t order by 'x')")
    assert not is_ordered("select 'order by' from t -- order by x")


def test_the_schema_may_stand_in_the_question() -> None:
    asked = item("SELECT count(*) FROM t", "CREATE TABLE t (a INT); INSERT INTO t VALUES (1);\nHow many rows?")
    assert sql(asked, "SELECT sum(1) FROM t") == 1
    assert sql(item("SELECT 1", schema="this is no schema"), "SELECT 1") == 0


DOUBLE = item("def double(x):\n    return 2 * x", tests=["assert double(2) == 4", "assert double(-1) == -2"])


@pytest.mark.parametrize("answer", [DOUBLE.output, "```python\ndouble = lambda n: n + n\n```"])
def test_code_that_passes_the_tests_is_right(answer: str) -> None:
    assert python_tests(DOUBLE, answer) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "def double(x):\n    return x ** 2",
        "def double(x) return 2 * x",
        "raise SystemExit",
        "import sys\nsys.exit(0)",
        "import os\nos._exit(0)",
        "def double(x):\n    return 2 * x\n'''",
        "def double(x):\n    return open('/etc/passwd').read()",
        "def double(x):\n    return double(x)",
        "\ud800",
    ],
)
def test_code_that_fails_or_leaves_before_the_tests_is_wrong(answer: str) -> None:
    assert python_tests(DOUBLE, answer) == 0


def test_code_without_an_end_is_stopped() -> None:
    begun = time.monotonic()
    assert python_tests(DOUBLE, "while True:\n    pass") == 0
    assert time.monotonic() - begun < 8


def test_code_is_not_right_without_tests() -> None:
    assert python_tests(item("x"), "x = 1") == 0


def test_an_answer_may_have_to_match_a_pattern() -> None:
    plate = item("AB 123", pattern=r"[A-Z]{2} \d{3}")
    assert pattern(plate, "XY 987") == pattern(plate, " XY 987\n") == 1
    assert pattern(plate, "XY 98") == pattern(plate, "the plate is XY 987") == 0


def test_an_answer_may_be_a_pattern() -> None:
    plate = item(r"[A-Z]{2} \d{3}", matches=["AB 123", "XY 987"], rejects=["AB 12", "ab 123", "AB 1234"])
    assert pattern(plate, plate.output) == pattern(plate, "`[A-Z]+ [0-9]{3}`") == 1
    assert pattern(plate, ".*") == pattern(plate, "[A-Z") == pattern(plate, "") == pattern(plate, "AB 123") == 0


@pytest.mark.parametrize("written", [r"(a+)+$", r"(a|aa)+$", r"(((a{999}){999}){999})", r"(a+)+\1b", r"(?:(?:a*)*)*b"])
def test_a_catastrophic_pattern_does_not_hang(written: str) -> None:
    begun = time.monotonic()
    assert pattern(item("a", matches=["a" * 60 + "c"]), written) == 0
    assert pattern(item("a", pattern=written), "a" * 5000 + "!") == 0
    assert time.monotonic() - begun < 8
