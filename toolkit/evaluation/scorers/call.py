"""Function calls: the right names with the right arguments.

Compared by value as in the Berkeley Function Calling Leaderboard; the order of arguments
and of parallel calls does not matter.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterator

from toolkit.evaluation.scorers.json_answer import canonical, parse
from toolkit.evaluation.scorers.text import unfenced
from toolkit.types import Item, Json

MAX_SOURCE = 4_000
"""Characters of a call written as Python: the parser's stack is not for more."""

_TAGGED = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


def call(item: Item, answer: str) -> float:
    """1 when the answer makes the calls that `item.output` makes, no more and no fewer.

    A call is `{"name": …, "arguments": {…}}`, a list of these, the same in `<tool_call>` tags,
    in OpenAI's `{"function": …}` form, or Python with named arguments: `name(key="value")`.
    """
    try:
        wanted = _calls(item.output)
        return float(bool(wanted) and _calls(answer) == wanted)
    except (ValueError, TypeError, RecursionError, MemoryError):  # TypeError: a list as a key, a set as a value
        return 0.0


def _calls(text: str) -> Counter[Hashable]:
    text = unfenced(text)
    if tagged := _TAGGED.findall(text):
        return Counter(one for inside in tagged for one in _from_json(parse(inside)))
    if text[:1] in ("{", "["):
        return Counter(_from_json(parse(text)))
    return Counter(_from_python(text))


def _from_json(value: Json) -> Iterator[Hashable]:
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise ValueError("a call is an object")
        inner = one.get("function", one)
        arguments = inner.get("arguments", inner.get("parameters", {})) if isinstance(inner, dict) else None
        if isinstance(arguments, str):  # OpenAI writes them as JSON in a string
            arguments = parse(arguments)
        if not isinstance(arguments, dict) or not isinstance(inner.get("name"), str):
            raise ValueError("a call has a name and arguments")
        yield inner["name"], canonical(arguments)


def _from_python(text: str) -> Iterator[Hashable]:
    if len(text) > MAX_SOURCE:
        raise ValueError("too long for a call")
    try:
        statements = ast.parse(text).body
    except SyntaxError as error:
        raise ValueError(str(error)) from None
    for statement in statements:
        made = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(made, ast.Call) or made.args or not isinstance(made.func, ast.Name | ast.Attribute):
            raise ValueError("not a call with named arguments")
        arguments = {_keyword(keyword): ast.literal_eval(keyword.value) for keyword in made.keywords}
        yield ast.unparse(made.func), canonical(_as_json(arguments))


def _keyword(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise ValueError("not a named argument")
    return keyword.arg


def _as_json(value: object) -> Json:
    return json.loads(json.dumps(value, allow_nan=False))  # tuples become lists
