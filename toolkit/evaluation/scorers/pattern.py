"""Regular expressions, matched in the sandbox.

Patterns may be a student's, and some take for ever or all memory to compile or to match. The
sandbox has limits for both, and its engine (Rust's) needs time linear in the text for
patterns without look-around and back-references.
"""

from __future__ import annotations

import json

from toolkit.evaluation.scorers.text import encodable, spoken
from toolkit.programs.sandbox import Limits, run_program
from toolkit.types import Item

LIMITS = Limits(memory_bytes=64_000_000, seconds=1.0, host_calls=1)
MAX_PATTERN = 500
"""Characters."""

_PROGRAM = """
import json, re
compiled = re.compile(pattern)
print(json.dumps([compiled.fullmatch(text) is not None for text in texts]))
"""


def pattern(item: Item, answer: str) -> float:
    """Two kinds of items.

    With `matches` and `rejects` in `item.meta` (lists of texts) the answer is a pattern: 1 when it
    matches all of the former as a whole, and none of the latter. Otherwise the answer is a text:
    1 when `item.meta["pattern"]` (or else `item.output`) matches it as a whole.
    """
    examples, counters = _texts(item, "matches"), _texts(item, "rejects")
    if not examples and not counters:
        return float(_matched(str(item.meta.get("pattern") or item.output), [spoken(answer)]) == [True])
    written = spoken(answer).strip("`")
    found = _matched(written, [*examples, *counters])
    return float(found == [True] * len(examples) + [False] * len(counters))


def _matched(written: str, texts: list[str]) -> list[bool] | None:
    """Which texts a pattern matches as a whole; None when it is no pattern, or takes too long."""
    if not written or len(written) > MAX_PATTERN:
        return None
    inputs = {"pattern": encodable(written), "texts": [encodable(text) for text in texts]}
    try:
        ending = run_program(_PROGRAM, {}, inputs, seed=0, limits=LIMITS)
        return list(json.loads(ending.printed)) if ending.error_class is None else None
    except (ValueError, RuntimeError, OSError):
        return None


def _texts(item: Item, name: str) -> list[str]:
    given = item.meta.get(name)
    return [str(text) for text in given] if isinstance(given, list | tuple) else []
