"""SQL by execution: the answer's rows against the reference query's, in SQLite.

Execution accuracy as in BIRD (Li et al. 2023), but over multisets: a row that comes twice
counts twice. Both queries run in a database in memory that can only be read.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections import Counter
from contextlib import closing

from toolkit.evaluation.scorers.text import unfenced
from toolkit.types import Item

SECONDS = 2.0
"""For the schema script, and for each query."""

MAX_ROWS = 10_000
MAX_BYTES = 5_000_000
"""Of text and blobs in a result."""

_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_FORBIDDEN_FUNCTIONS = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
_OUTSIDE = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA, sqlite3.SQLITE_CREATE_VTABLE}
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_INNER = re.compile(r"\([^()]*\)")
_SCRIPT = re.compile(r"\bcreate\s+table\b.*;", re.DOTALL | re.IGNORECASE)

Cell = int | float | str | bytes | None
Rows = list[tuple[Cell, ...]]


def sql(item: Item, answer: str) -> float:
    """1 when the answer is one SELECT that gives the rows of `item.output`.

    The database is built by the script `item.meta["schema"]`, or by the CREATE TABLE script in
    the question. Names of columns do not matter; the order of rows does only where the
    reference query ends in ORDER BY. Writing, PRAGMA, ATTACH and long runs are wrong answers.
    """
    script = str(item.meta.get("schema") or _script(item.input))
    try:
        with closing(_database(script)) as database:
            wanted = _rows(database, item.output)
            found = _rows(database, unfenced(answer))
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError):
        return 0.0
    return float(found == wanted if is_ordered(item.output) else Counter(found) == Counter(wanted))


def gives_rows(script: str, query: str) -> bool:
    """Whether a query, on the database of a script, gives any row."""
    try:
        with closing(_database(script)) as database:
            return bool(_rows(database, unfenced(query)))
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, MemoryError):
        return False


def is_ordered(query: str) -> bool:
    """Whether a query as a whole is ordered: ORDER BY in a subquery or a window does not count."""
    text, before = _QUOTED.sub(" ", query), ""
    while text != before:
        before, text = text, _INNER.sub(" ", text)
    return re.search(r"\border\s+by\b", text, re.IGNORECASE) is not None


def _script(question: str) -> str:
    found = _SCRIPT.search(question)
    return found[0] if found else ""


def _database(script: str) -> sqlite3.Connection:
    """The item's database. Scripts may be a teacher's: they reach no file either, and no more memory than 64 MB."""
    database = sqlite3.connect(":memory:")
    database.execute("PRAGMA max_page_count = 16384")
    for limit, most in ((sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000), (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200)):
        database.setlimit(limit, most)
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action in _OUTSIDE else sqlite3.SQLITE_OK)
    _limit_time(database)
    try:
        database.executescript(script)
    except BaseException:
        database.close()
        raise
    database.set_authorizer(_only_reads)
    return database


def _rows(database: sqlite3.Connection, query: str) -> Rows:
    """A query's rows, numbers rounded to 9 figures. Raises ValueError for too much, and for what is no query."""
    _limit_time(database)
    cursor = database.execute(query.strip().rstrip(";"))
    if cursor.description is None:
        raise ValueError("not a query")
    rows: Rows = []
    size = 0
    for row in cursor:
        size += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
        if len(rows) >= MAX_ROWS or size > MAX_BYTES:
            raise ValueError("too many rows")
        rows.append(tuple(float(f"{cell:.9g}") if isinstance(cell, float) else cell for cell in row))
    return rows


def _limit_time(database: sqlite3.Connection) -> None:
    deadline = time.monotonic() + SECONDS
    database.set_progress_handler(lambda: time.monotonic() > deadline, 1000)


def _only_reads(action: int, _first: str | None, second: str | None, *_: object) -> int:
    allowed = action in _READS and not (action == sqlite3.SQLITE_FUNCTION and second in _FORBIDDEN_FUNCTIONS)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
