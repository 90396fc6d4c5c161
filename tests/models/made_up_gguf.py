"""GGUF headers by hand, for models of any size that take no disk. Layout: the GGUF specification."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TYPES = {int: (4, "I"), float: (6, "f"), bool: (7, "?")}


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(found: Any) -> bytes:
    """A value with its type before it."""
    if isinstance(found, str):
        return struct.pack("<I", 8) + text(found)
    if isinstance(found, list):
        kind = 8 if isinstance(found[0], str) else TYPES[type(found[0])][0]
        parts = b"".join(text(one) if kind == 8 else value(one)[4:] for one in found)
        return struct.pack("<IIQ", 9, kind, len(found)) + parts
    kind, form = TYPES[type(found)]
    return struct.pack(f"<I{form}", kind, found)


def write(path: Path, values: Mapping[str, Any], tensors: Mapping[str, Sequence[int]], *, size: int = 0) -> Path:
    """A file with this header; `size` bytes long, most of them holes."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(values))
    head += b"".join(text(key) + value(found) for key, found in values.items())
    for name, shape in tensors.items():
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", 0, 0)
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(max(size, len(head)))
    return path


def model(path: Path, *, layers: int = 28, width: int = 1536, size: int = 1_000_000_000, **more: Any) -> Path:
    """A model like those of the qwen2 family, 12 heads of which 2 keep keys and values."""
    values = {
        "general.architecture": "qwen2",
        "qwen2.context_length": 32_768,
        "qwen2.block_count": layers,
        "qwen2.embedding_length": width,
        "qwen2.feed_forward_length": 6 * width,
        "qwen2.attention.head_count": 12,
        "qwen2.attention.head_count_kv": 2,
        "tokenizer.ggml.tokens": [f"t{number}" for number in range(5000)],
        "tokenizer.chat_template": "{{ messages }}",
    }
    return write(path, values | more, {"a": (width, 1_000_000), "b": (7,)}, size=size)
