"""Rows of text files, each with its line: every byte is checked before it is believed.

CSV and JSON lines are read here, in one streaming pass, because an error has to name the
line; `datasets` reads what has no lines (Parquet and hub data sets), see `tables.py`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import DataError

MAX_LINE_BYTES = 1_000_000
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON may spell half of a character outside of the first 65,536."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in a file; `line` is None where a format has no lines."""

    source: str
    line: int | None
    values: dict[str, Any]


def read_csv(path: Path) -> Iterator[Record]:
    """Rows of a comma, semicolon or tab separated file whose first line names the columns."""
    lines = text_lines(path)
    first = next(lines, "")
    delimiter = max((",", ";", "\t"), key=first.count)
    rows = csv.reader(_chain(first, lines), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        _check_header(path, header)
        start = rows.line_num + 1
        for row in rows:
            if row:
                yield Record(str(path), start, _named(path, start, header, row))
            start = rows.line_num + 1
    except csv.Error as error:
        fix = 'put texts that hold commas or quotes in double quotes, and write a quote inside as ""'
        raise DataError(f"not CSV: {error}", fix, path=path, line=rows.line_num) from None


def read_jsonl(path: Path) -> Iterator[Record]:
    """Rows of a file with one JSON object on each line."""
    for number, line in enumerate(text_lines(path), 1):
        if line.strip():
            yield Record(str(path), number, _object(path, number, line))


def read_json(path: Path) -> Iterator[Record]:
    """Rows of a file that holds one JSON list of objects."""
    text = "".join(text_lines(path, limit=None))
    if not text.strip():
        return
    decoder, position, line = json.JSONDecoder(), _skip(text, 0), 1
    halves = _HALF.search(text)
    if not text.startswith("[", position):
        raise DataError("not a list of objects", "write [{…}, {…}], or one object a line in a .jsonl file", path=path)
    line += text.count("\n", 0, position)
    position, before = _skip(text, position + 1), position
    while not text.startswith("]", position):
        line, before = line + text.count("\n", before, position), position
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise _not_json(path, line, error) from None
        if not isinstance(value, dict):
            raise DataError("not an object", 'write {"column": "value", …}', path=path, line=line)
        if halves:
            require_whole(path, line, value)
        yield Record(str(path), line, value)
        position = _skip(text, position)
        if text.startswith(",", position):
            position = _skip(text, position + 1)
        elif not text.startswith("]", position):
            raise DataError("not JSON: a comma or the closing ] is missing", "add it", path=path, line=line)


READERS = {".csv": read_csv, ".tsv": read_csv, ".jsonl": read_jsonl, ".ndjson": read_jsonl, ".json": read_json}


def text_lines(path: Path, limit: int | None = MAX_LINE_BYTES) -> Iterator[str]:
    """Decoded lines with their ends. Raises DataError for a line too long or not UTF-8."""
    with path.open("rb") as stream:
        for number, raw in enumerate(iter(lambda: stream.readline(limit + 1 if limit else -1), b""), 1):
            if limit and len(raw) > limit:
                message = f"this line is longer than {limit // 1_000_000} MB"
                fix = "is this the right file? split or remove the line"
                raise DataError(message, fix, path=path, line=number)
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                bad = f"not UTF-8 (byte 0x{raw[error.start]:02x} at position {error.start + 1})"
                fix = f"save the file as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 {path} > fixed{path.suffix}"
                raise DataError(bad, fix, path=path, line=number) from None


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if header.count(name) > 1:
            raise DataError(f"two columns are named {name!r}", "rename one of them", path=path, line=1)


def _named(path: Path, line: int, header: list[str], row: list[str]) -> dict[str, str]:
    if len(row) != len(header):
        message = f"{len(row)} values here, but the first line names {len(header)} columns"
        raise DataError(message, "put a text that holds a comma in double quotes", path=path, line=line)
    return dict(zip(header, row, strict=True))


def _object(path: Path, line: int, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _not_json(path, line, error) from None
    if not isinstance(value, dict):
        raise DataError("not an object", 'write {"column": "value", …} on each line', path=path, line=line)
    if _HALF.search(text):
        require_whole(path, line, value)
    return value


def require_whole(path: Path | str, line: int | None, values: Mapping[str, Any]) -> None:
    """Raise DataError where a text holds half of a surrogate pair, which no file can be written with."""
    for key, value in values.items():
        try:
            json.dumps([key, value], ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            column = key.encode(errors="backslashreplace").decode()
            fix = "write the whole character, or delete the half of it"
            raise DataError(f"{half} is half of a character", fix, path=path, line=line, key=column) from None


def _not_json(path: Path, line: int, error: Exception) -> DataError:
    if isinstance(error, json.JSONDecodeError):
        why = error.msg
    else:
        why = "nested too deeply" if isinstance(error, RecursionError) else "a number of too many digits"
    return DataError(f"not JSON: {why}", 'write one {"column": "value", …} object', path=path, line=line)


def _skip(text: str, position: int) -> int:
    """The next position that is not white space."""
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position
