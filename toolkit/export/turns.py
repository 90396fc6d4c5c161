"""A chat template as the texts between the messages, and as the template that Ollama reads.

Chat templates are Jinja programs, Ollama's are Go templates. What a Jinja template writes
between messages is found by rendering conversations of made-up words, and checked on
conversations that were not used for finding it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

from toolkit.errors import ExportError
from toolkit.types import Message

Render = Callable[[Sequence[Message], bool], str]
"""Messages, and whether the assistant's turn is begun, -> text."""

_SYSTEM, _USER, _ANSWER = "Xsystemx{}", "Xuserx{}", "Xanswerx{}"


@dataclass(frozen=True, slots=True)
class Turns:
    """The texts around messages.

    Args:
        system: before a system message that begins the conversation.
        first_user: before a user message that begins it.
        after_system: between the system message and the user's.
        answer: between a user's message and an answer that was given.
        next_user: between an answer and the next message of the user.
        asked: between the last message and the answer that is asked for; some templates say there not to think.
    """

    system: str
    first_user: str
    after_system: str
    answer: str
    next_user: str
    asked: str

    def render(self, messages: Sequence[Message]) -> str:
        """A prompt, as Ollama's template writes it."""
        has_system = any(message["role"] == "system" for message in messages)
        text = ""
        for place, message in enumerate(messages):
            text += self._before(message["role"], place, has_system=has_system) + message["content"]
        return text + self.asked

    def _before(self, role: str, place: int, *, has_system: bool) -> str:
        if role == "system":
            return self.system
        if role == "assistant":
            return self.answer
        if place == 0:
            return self.first_user
        return self.after_system if has_system and place == 1 else self.next_user

    def go_template(self) -> str:
        """The same as a Go template for Ollama's Modelfile."""
        system, first, after, answer, later, asked = map(_go_string, astuple(self))
        return (
            "{{- range $i, $m := .Messages }}\n"
            f'{{{{- if eq $m.Role "system" }}}}{{{{ {system} }}}}\n'
            f'{{{{- else if eq $m.Role "assistant" }}}}{{{{ {answer} }}}}\n'
            f"{{{{- else if eq $i 0 }}}}{{{{ {first} }}}}\n"
            f"{{{{- else if and $.System (eq $i 1) }}}}{{{{ {after} }}}}\n"
            f"{{{{- else }}}}{{{{ {later} }}}}\n"
            "{{- end }}{{ $m.Content }}\n"
            f"{{{{- end }}}}{{{{ {asked} }}}}"
        )


def settled(template: str) -> str:
    """A chat template as other programs get it: the model is told there not to think, as it was in training."""
    return f"{{%- set enable_thinking = false %}}{template}" if "enable_thinking" in template else template


def learn_turns(render: Render) -> Turns:
    """The texts that a chat template writes. Raises ExportError when it is of another kind."""
    system, users, answers = _SYSTEM.format(1), [_USER.format(n) for n in (1, 2)], [_ANSWER.format(n) for n in (1, 2)]
    whole = [_message("system", system), _message("user", users[0]), _message("assistant", answers[0])]
    whole += [_message("user", users[1])]
    parts = _between(render(whole, True), [system, users[0], answers[0], users[1]])
    alone = _between(render(whole[1:2], True), users[:1])
    turns = Turns(parts[0], alone[0], parts[1], parts[2], parts[3], parts[4])
    for messages in _unseen():
        if turns.render(messages) != render(messages, True):
            raise _other_kind(render(messages, True))
    if alone[1] != turns.asked:
        raise _other_kind(render(whole, True))
    return turns


def _unseen() -> list[list[Message]]:
    asked, replied = _message("user", "How many?"), _message("assistant", "Seven, as ever.")
    system = _message("system", "Be short.\nBe kind.")
    return [[system, asked], [asked, replied, asked], [system, asked, replied, asked, replied, asked]]


def _between(text: str, marks: Sequence[str]) -> list[str]:
    """What stands before, between and behind the marks."""
    found, rest = [], text
    for mark in marks:
        before, there, rest = rest.partition(mark)
        if not there:
            raise _other_kind(text)
        found.append(before)
    return [*found, rest]


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}  # type: ignore[typeddict-item]


def _go_string(text: str) -> str:
    """A Go string: JSON's escapes are Go's, as long as other letters stand as they are."""
    return json.dumps(text, ensure_ascii=False)


def _other_kind(text: str) -> ExportError:
    return ExportError(
        "the student's chat template does more than writing text between messages, so it cannot be written as"
        f" Ollama's; it renders {text[-160:]!r}",
        "schoolhouse export RUN --to gguf, and use a program that reads Jinja templates, such as llama.cpp's server",
    )
