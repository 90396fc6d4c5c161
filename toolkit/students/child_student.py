"""A student in a child process: what all backends share on the parent's side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from toolkit.process import Child
from toolkit.types import Message


class ChildStudent:
    """Sends questions to a child and yields its answers. See `Student` and `StreamingStudent`.

    Args:
        module: the child's module.
        setup: its first message, which says what to load.
    """

    def __init__(self, module: str, setup: dict[str, Any], log: Path | None = None) -> None:
        self.peak_bytes = 0
        self.load_seconds = 0.0
        self._asked = 0
        self._child = Child(module, log=log)
        self._child.send(setup)

    def answer(
        self, prompts: Sequence[Sequence[Message]], *, max_new_tokens: int = 24, choices: Sequence[str] = ()
    ) -> Iterator[tuple[int, str]]:
        if not prompts:
            return
        question = {"prompts": [list(p) for p in prompts], "max_new_tokens": max_new_tokens, "choices": list(choices)}
        for message in self._ask(question):
            if message["event"] == "answer":
                yield int(message["index"]), str(message["text"])

    def stream(
        self, prompt: Sequence[Message], *, max_new_tokens: int = 24, choices: Sequence[str] = ()
    ) -> Iterator[str]:
        question = {"prompts": [list(prompt)], "max_new_tokens": max_new_tokens, "choices": list(choices)}
        for message in self._ask({**question, "stream": True}):
            if message["event"] in ("piece", "answer"):
                yield str(message["text"])

    def close(self) -> None:
        self._child.close()

    def _ask(self, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The child's messages about this question; an iterator that is left early leaves the child usable."""
        self._asked += 1
        asked = self._asked
        self._child.send({"id": asked, **question})
        for message in self._child.messages():
            if message["event"] == "loaded":
                self.load_seconds = float(message["seconds"])
            elif message["event"] == "memory":
                self.peak_bytes = int(message["peak_bytes"])
            elif message.get("id") != asked:
                continue  # of an iterator that was left early
            elif message["event"] == "end":
                return
            else:
                yield message
