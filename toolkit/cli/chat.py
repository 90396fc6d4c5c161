"""`chat`: the base and the trained student answer side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from toolkit.cli.say import say
from toolkit.run import Run
from toolkit.run.students import run_prompts, run_recipe
from toolkit.students.student import Student
from toolkit.types import Message


def talk(name: str, text: str | None) -> None:
    """Answer one message, or each line that is typed until an empty one."""
    run = Run.open(name)
    prompts, recipe = run_prompts(run), run_recipe(run)
    choices, most = recipe.closed_answers, recipe.file.student.max_new_tokens
    with ExitStack() as stack:
        trained = run.student()
        stack.callback(trained.close)
        base = run.student(trained=False)
        stack.callback(base.close)
        for line in [text] if text else _typed():
            say(f"base student     {_answer(base, prompts.zero_shot(line), choices, most)}")
            say(f"trained student  {_answer(trained, prompts.trained(line), choices, most)}")


def _answer(student: Student, prompt: Sequence[Message], choices: Sequence[str], most: int) -> str:
    (_, answer), *_ = student.answer([prompt], max_new_tokens=most, choices=choices)
    return " ".join(answer.split())


def _typed() -> Iterator[str]:
    """Lines from the terminal, or from a pipe, until an empty one or the end."""
    while True:
        if sys.stdin.isatty():
            say("you> ", nl=False)
        line = sys.stdin.readline().strip()
        if not line:
            return
        yield line
