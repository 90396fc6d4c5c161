"""From an engineer's reply to a program: exactly one block of code, whole, and Python."""

from __future__ import annotations

import ast
import re

from toolkit.engineer.engineer import Problem
from toolkit.models.reading import without_thinking
from toolkit.types import Completion

MAX_PROGRAM_CHARACTERS = 20_000
_BLOCK = re.compile(r"^[ \t]*```[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_PYTHON = ("", "python", "py", "python3")


def extract(reply: Completion) -> tuple[str, Problem | None]:
    """The program of a reply, and what is wrong with it if anything is.

    With a problem the text is what there is to debug from: the program, or the whole reply.
    """
    text = without_thinking(reply.text)[:MAX_PROGRAM_CHARACTERS]
    if reply.finish_reason == "length":
        return text, Problem(
            "LLM output truncated", "the reply was cut off at its token limit; write a shorter program"
        )
    if reply.finish_reason == "context":
        return text, Problem(
            "other", "the question did not fit into the model's context, engineer.context in the recipe"
        )
    if reply.finish_reason == "error":
        return text, Problem("other", "the model gave no whole reply")
    blocks = [code for language, code in _BLOCK.findall(text) if language.lower() in _PYTHON]
    if len(blocks) != 1:
        found = "no code block" if not blocks else f"{len(blocks)} code blocks"
        return text, Problem("code extraction failed", f"the reply has {found}; write exactly one ```python block")
    return blocks[0], _syntax(blocks[0])


def _syntax(program: str) -> Problem | None:
    if not program.strip():
        return Problem("code extraction failed", "the code block is empty")
    try:
        ast.parse(program)
    except SyntaxError as error:
        line = (error.text or "").strip()
        return Problem("code extraction failed", f"line {error.lineno} does not parse: {error.msg}: {line}")
    except (ValueError, RecursionError, MemoryError) as error:
        return Problem("code extraction failed", f"the code does not parse: {error}")
    return None
