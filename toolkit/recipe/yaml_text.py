"""YAML text as plain values, with the line that each of them stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.reader import ReaderError

from toolkit.errors import RecipeError

Key = tuple[str | int, ...]
"""Where a value stands in a document: `("train", "lr")`."""

MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed mapping and its line numbers, from 1."""

    values: dict[str, Any]
    lines: dict[Key, int] = field(default_factory=dict)

    def line(self, key: Key) -> int:
        """The line of a key, or of the nearest section around it that is there."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


def parse(text: str, path: Path | str) -> Document:
    """Read a YAML mapping. Raises RecipeError with file and line for everything else."""
    if len(text) > MAX_CHARACTERS:
        raise RecipeError(f"longer than {MAX_CHARACTERS} characters", "keep data in files beside it", path=path)
    try:
        node = _yaml().compose(text)
        values = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _syntax_error(error, path, mark.line + 1 if mark else 1) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RecipeError("a character that YAML does not allow", "delete it", path=path, line=line) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(f"not YAML: {error}", "see `schoolhouse recipes schema`", path=path, line=1) from None
    if values is None:
        raise RecipeError("the file is empty", "begin with `name:` and `task:`; copy a shipped recipe", path=path)
    if not isinstance(values, dict):
        found = type(values).__name__
        raise RecipeError(f"not a mapping but a {found}", "write `key: value` lines", path=path, line=1)
    return Document(values, _collect_lines(node))


def parse_value(text: str) -> Any:
    """One YAML value, as it stands after `--set key=`. Raises ValueError, with the line where there are several."""
    try:
        return _yaml().load(text)
    except (YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark and "\n" in text.strip() else ""
        raise ValueError(f"{place}{getattr(error, 'problem', None) or error}") from None


def dump(values: dict[str, Any]) -> str:
    """Plain values as YAML text, keys in their order."""
    from io import StringIO

    writer = YAML()
    writer.width = 120
    stream = StringIO()
    writer.dump(values, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    return YAML(typ="safe", pure=True)  # the pure loader is YAML 1.2: `2e-4` is a number, `no` is a word


def _syntax_error(error: MarkedYAMLError, path: Path | str, line: int) -> RecipeError:
    problem = " ".join(str(error.problem or error.context or "cannot be read").split())
    if "duplicate key" in problem:
        name = problem.partition('duplicate key "')[2].partition('"')[0]
        return RecipeError("this key is there twice", "keep one of the two", path=path, line=line, key=name)
    fix = "look at the indentation, the colons and the quotes around here; indent with spaces, never tabs"
    return RecipeError(f"not YAML: {problem}", fix, path=path, line=line)


def _collect_lines(root: Node | None) -> dict[Key, int]:
    """The line of every key; what an alias repeats has the lines of the place where it was written."""
    lines: dict[Key, int] = {}
    seen: set[int] = set()
    waiting: list[tuple[Node | None, Key]] = [(root, ())]
    while waiting:
        node, key = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        inside: list[tuple[Any, Node, str | int]]
        if isinstance(node, MappingNode):
            inside = [(name.start_mark, value, str(name.value)) for name, value in node.value]
        elif isinstance(node, SequenceNode):
            inside = [(value.start_mark, value, index) for index, value in enumerate(node.value)]
        else:
            continue
        for mark, value, name in inside:
            lines[(*key, name)] = mark.line + 1
            waiting.append((value, (*key, name)))
    return lines
