from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.engineer.extract import extract
from toolkit.types import Completion


def reply(text: str, finish: str = "stop") -> Completion:
    return Completion(text, finish, 1, 1)  # type: ignore[arg-type]


def test_the_one_block_is_the_program() -> None:
    assert extract(reply("Here:\n```python\nsubmit([])\n```\nDone.")) == ("submit([])\n", None)


def test_thoughts_and_blocks_of_other_languages_are_not_the_program() -> None:
    text = "<think>```python\nno\n```</think>\n```json\n{}\n```\n```py\nsubmit([])\n```"
    assert extract(reply(text)) == ("submit([])\n", None)


@pytest.mark.parametrize("thoughts", ["<thinking>```py\nno\n```</thinking>", "```py\nno\n```\nno!</think>"])
def test_thoughts_of_every_form_are_not_the_program(thoughts: str) -> None:
    assert extract(reply(f"{thoughts}\n```py\nsubmit([])\n```")) == ("submit([])\n", None)


def test_a_program_may_cut_thoughts_out_of_replies() -> None:
    program = "text = re.sub(r'<think>.*?</think>', '', text).split('</think>')[-1]\n"
    assert extract(reply(f"<think>hm</think>```python\n{program}```")) == (program, None)


@pytest.mark.parametrize(
    ("text", "finish", "error_class", "words"),
    [
        ("I would ask the teacher.", "stop", "code extraction failed", "no code block"),
        ("```python\na = 1\n```\n```python\nb = 1\n```", "stop", "code extraction failed", "2 code blocks"),
        ("```python\nsubmit([", "stop", "code extraction failed", "no code block"),
        ("```python\nsubmit([\n```", "stop", "code extraction failed", "line 1 does not parse"),
        ("```python\n\n```", "stop", "code extraction failed", "empty"),
        ("```python\n" + "(" * 5000 + ")" * 5000 + "\n```", "stop", "code extraction failed", "parse"),
        ("```python\nsubmit([])\n```", "length", "LLM output truncated", "token limit"),
        ("", "error", "other", "no whole reply"),
    ],
)
def test_what_cannot_be_run_says_why(text: str, finish: str, error_class: str, words: str) -> None:
    problem = extract(reply(text, finish))[1]
    assert problem is not None
    assert problem.error_class == error_class
    assert words in problem.text


@given(st.text())
def test_no_reply_breaks_it(text: str) -> None:
    for wrapped in (text, f"```python\n{text}\n```"):
        program, problem = extract(reply(wrapped))
        if problem is None:
            compile(program, "program", "exec")
