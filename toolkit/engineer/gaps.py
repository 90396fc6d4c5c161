"""The place of a program that the engineer has to fill: a list of texts that is too short as it stands."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WANTED = 6
"""Texts of its own that the engineer is asked for, at least."""

LEAST = 3
"""With fewer than these nothing was filled: the program is ours, not the engineer's."""

_MARK = re.compile(r"#\s*FILL\b")


@dataclass(frozen=True, slots=True)
class Gap:
    """A list at the top of a program. `what`: what its texts are, in words for a prompt."""

    name: str
    what: str

    @property
    def mark(self) -> str:
        """The comment that stands where texts are missing."""
        return f"# FILL: at least {WANTED} more {self.what}"

    @property
    def message(self) -> str:
        """What an engineer that left it empty has to do."""
        return (
            f"the program was not written, only copied: its place marked FILL is empty. Fill the list {self.name}"
            f" with at least {WANTED} more {self.what}, each a short text in quotes"
        )


def texts_in(program: str, gap: Gap) -> list[str]:
    """The texts of the gap's list, in order; none where the program has no such list, or does not parse."""
    found = _list_of(program, gap)
    return list(_constants(found)) if found else []


def is_empty(program: str, gap: Gap, skeleton: str) -> bool:
    """Whether a program still is the skeleton: its gap marked, or all of its code the same, and no texts of its own.

    A program that only shares the list's name with the skeleton is the engineer's, however short its list is.
    """
    known = {_plain(text) for text in texts_in(skeleton, gap)}
    own = {_plain(text) for text in texts_in(program, gap)} - known
    if len([text for text in own if len(text) > 2 and "fill" not in text.split()]) >= LEAST:
        return False
    return bool(_MARK.search(program)) or _code(program, gap) == _code(skeleton, gap)


def with_texts(program: str, gap: Gap, texts: Sequence[str], mark: str = "") -> str:
    """The program with these texts as its list, which it must have; with a `mark`, more are wanted behind them."""
    found = _list_of(program, gap)
    if found is None:
        raise ValueError(f"the program has no list {gap.name}")
    lines = program.split("\n")
    rows = [*(f"    {json.dumps(text, ensure_ascii=False)}," for text in texts), *([f"    {mark}"] if mark else [])]
    lines[found.lineno - 1 : found.end_lineno] = [f"{gap.name} = [", *rows, "]"]
    return "\n".join(lines)


def _list_of(program: str, gap: Gap) -> ast.Assign | ast.AnnAssign | None:
    """Where the list is assigned, at the top of the program."""
    for statement in _body(program):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.List):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if [target.id for target in targets if isinstance(target, ast.Name)] == [gap.name]:
                return statement
    return None


def _body(program: str) -> list[ast.stmt]:
    try:
        return ast.parse(program).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _constants(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _code(program: str, gap: Gap) -> list[str]:
    """The program's statements without the list itself, comments and spaces."""
    found = _list_of(program, gap)
    place = found.lineno if found else 0
    return [ast.dump(statement) for statement in _body(program) if statement.lineno != place]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
