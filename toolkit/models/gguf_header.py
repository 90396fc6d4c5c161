"""What a GGUF file says of itself, read from its first bytes: no library, no weights.

The layout is that of the GGUF specification (github.com/ggml-org/ggml/blob/master/docs/gguf.md),
versions 2 and 3, little-endian.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from toolkit.errors import ModelError

T = TypeVar("T")

_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_LONG_LIST = 4096  # longer ones are vocabularies: only their length is kept
_MOST = 1 << 20  # keys or tensors; a file that claims more is broken


@dataclass(frozen=True, slots=True)
class Header:
    """A model's size and shape; 0 where the file does not say.

    Args:
        context: tokens that it was trained for.
        cache_width: numbers that the KV cache holds for one token, over all layers.
        parameters: numbers in all tensors.
    """

    architecture: str
    context: int
    layers: int
    width: int
    inner_width: int
    cache_width: int
    vocabulary: int
    parameters: int
    chat_template: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """All that stands before the weights.

    Args:
        values: key -> value; of a long list, such as a vocabulary, only its length.
        shapes: tensor -> its sizes, rows first.
    """

    values: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]


def read_header(path: Path) -> Header:
    """Raises ModelError when the file is no GGUF, or is cut off or damaged in its header."""
    return _read(path, lambda tables: _described(tables.values, sum(map(math.prod, tables.shapes.values()))))


def read_tables(path: Path) -> Tables:
    """In a moment, where the gguf package takes seconds for a vocabulary. Raises ModelError as `read_header` does."""
    return _read(path, lambda tables: tables)


def _read(path: Path, made_of: Callable[[Tables], T]) -> T:
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return made_of(_Reader(data).tables())
    except (struct.error, ValueError, KeyError, TypeError, UnicodeDecodeError, OSError) as error:
        raise ModelError(
            f"{path} is no GGUF file that can be read: {error}", "schoolhouse models pull NAME, or name another file"
        ) from error


class _Reader:
    """Walks through a header from its start."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at = data, 0

    def tables(self) -> Tables:
        magic, version, tensors, keys = self._take("4sIQQ")
        if magic != b"GGUF" or version not in (2, 3) or max(tensors, keys) > _MOST:
            raise ValueError("the first bytes are not those of GGUF 2 or 3")
        values = dict(self._pairs(keys))
        return Tables(values, dict(self._tensor() for _ in range(tensors)))

    def _take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return found

    def _text(self) -> str:
        (length,) = self._take("Q")
        if length > len(self._data) - self._at:
            raise ValueError("a text is longer than the file")
        raw = self._data[self._at : self._at + length]
        self._at += length
        return raw.decode("utf-8", "replace")

    def _pairs(self, count: int) -> Iterator[tuple[str, Any]]:
        for _ in range(count):
            key = self._text()
            (kind,) = self._take("I")
            yield key, self._value(kind)

    def _value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self._text()
        if kind == _LIST:
            inner, length = self._take("IQ")
            return self._list(inner, length)
        return self._take(_FORMATS[kind])[0]

    def _list(self, kind: int, length: int) -> list[Any] | int:
        """A list, or the length of a long one."""
        if kind in _FORMATS and length > _LONG_LIST:
            self._at += length * struct.calcsize(_FORMATS[kind])
            return length
        if kind not in _FORMATS and kind != _TEXT:
            raise ValueError("lists of lists are not read")
        if length > len(self._data):
            raise ValueError("a list is longer than the file")
        found = [self._value(kind) for _ in range(length)]
        return found if length <= _LONG_LIST else length

    def _tensor(self) -> tuple[str, tuple[int, ...]]:
        """Name and sizes of the next tensor."""
        name = self._text()
        (dimensions,) = self._take("I")
        if dimensions > 8:
            raise ValueError("a tensor has too many dimensions")
        sizes = self._take(f"{dimensions}Q")
        self._take("IQ")
        return name, sizes[::-1]


def _described(values: dict[str, Any], parameters: int) -> Header:
    architecture = str(values.get("general.architecture", ""))

    def of(key: str) -> int:
        found = values.get(f"{architecture}.{key}", 0)
        return int(max(found, default=0) if isinstance(found, list) else found)

    tokens = values.get("tokenizer.ggml.tokens", 0)
    return Header(
        architecture=architecture,
        context=of("context_length"),
        layers=of("block_count"),
        width=of("embedding_length"),
        inner_width=of("feed_forward_length"),
        cache_width=_cache_width(values, architecture, of("block_count"), of("embedding_length")),
        vocabulary=len(tokens) if isinstance(tokens, list) else int(tokens),
        parameters=parameters,
        chat_template="tokenizer.chat_template" in values,
    )


def _cache_width(values: dict[str, Any], architecture: str, layers: int, width: int) -> int:
    """Keys and values of one token in all layers; heads may share them (`head_count_kv`), layer by layer."""
    heads = values.get(f"{architecture}.attention.head_count", 0)
    most = max(heads, default=0) if isinstance(heads, list) else int(heads)
    kept = values.get(f"{architecture}.attention.head_count_kv", heads)
    shared = sum(kept) if isinstance(kept, list) else layers * int(kept)
    each = width // most if most else 0
    keys = values.get(f"{architecture}.attention.key_length", each)
    return shared * int(keys + values.get(f"{architecture}.attention.value_length", each))
