"""Changes to a recipe's text that leave its comments, order and quotes alone."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tokens import CommentToken
from ruamel.yaml.util import load_yaml_guess_indent

from toolkit.errors import RecipeError
from toolkit.recipe.yaml_text import parse

WIDTH = 4096
"""Lines are not broken anew."""


def with_example(text: str, label: str, message: str) -> str:
    """The recipe's text with one more message among `task.examples` of a label.

    Raises RecipeError for text that is not a recipe's, a label that the task does not have, and a message that
    is empty or there already.
    """
    message = " ".join(message.split())
    task = parse(text, "recipe.yaml").values.get("task")
    labels = task.get("labels") if isinstance(task, dict) else None
    if not labels or label not in [str(name) for name in labels]:
        raise RecipeError(f"{label!r} is not one of task.labels", "choose one of the labels", key="task.examples")
    if not message:
        raise RecipeError("the message is empty", "write it first", key="task.examples")
    writer = _writer(text)
    recipe: Any = writer.load(text)
    examples = recipe["task"].setdefault("examples", CommentedMap())
    name = next((key for key in examples if str(key) == label), label)
    messages = examples.setdefault(name, CommentedSeq())
    if message in [" ".join(str(one).split()) for one in messages]:
        raise RecipeError(f"{message!r} is an example of {label} already", "choose another", key="task.examples")
    _append(messages, message)
    stream = StringIO()
    writer.dump(recipe, stream)
    return stream.getvalue()


def _append(messages: CommentedSeq, message: str) -> None:
    """Add a message; what stands below the last one (empty lines, comments) stays below the new one."""
    last, comments = len(messages) - 1, messages.ca.items
    messages.append(DoubleQuotedScalarString(message))
    token = comments[last][0] if last in comments else None
    if token is None:
        return
    beside, _, below = token.value.partition("\n")
    if not beside:
        comments[last + 1] = comments.pop(last)
    elif below:
        token.value = beside + "\n"
        comments[last + 1] = [CommentToken("\n" + below, token.start_mark, None), None]


def _writer(text: str) -> YAML:
    """A writer that indents as the text does."""
    mapping = re.search(r"^\S[^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( +)[^\s#-]", text, re.MULTILINE)
    _, sequence, offset = load_yaml_guess_indent(text)
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = WIDTH
    writer.indent(mapping=len(mapping[1]) if mapping else 2)
    if sequence and offset is not None:
        writer.indent(sequence=max(sequence, offset + 2), offset=offset)
    return writer
