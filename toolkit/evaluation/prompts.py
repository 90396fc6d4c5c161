"""What a student sees. Training and inference call the same function, so they cannot differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.types import Item, Message

MOST_SHOTS = 16
"""Worked examples of a label task: at most one for each label."""

SHOTS_WITHOUT_LABELS = 4

FORMATS = {
    "choice": "Answer with the letter of one option and nothing else.",
    "json": "Answer with one JSON value and nothing else.",
    "call": 'Answer with one JSON object {"name": …, "arguments": {…}} for each function to call, and nothing else.',
    "number": "Answer with the number, with its unit if it has one, and nothing else.",
    "sql": "Answer with one SQLite query and nothing else.",
    "python": "Answer with Python code and nothing else.",
    "regex": "Answer in the form that is asked for and with nothing else.",
}
"""What an untrained student has to be told about its answer, by kind; labels are told by name."""


@dataclass(frozen=True, slots=True)
class TaskPrompts:
    """The prompts of a task, for the trained student and for the untrained baselines.

    Args:
        system: the task's system message; where it is empty, there is no system turn.
        labels: label -> what it means; empty when answers are no labels.
        answer: the kind of answer, as `task.answer` in the recipe.
    """

    system: str
    labels: Mapping[str, str] = field(default_factory=dict)
    answer: str = "label"

    def trained(self, text: str) -> tuple[Message, ...]:
        """Short on purpose: the labels, or the form of the answer, are learnt, not read."""
        return (*_system(self.system), {"role": "user", "content": text})

    def zero_shot(self, text: str) -> tuple[Message, ...]:
        """The labels, or the form, stand in the prompt; they come first, so that all items share the prefix."""
        return (*_system(self._with_form()), {"role": "user", "content": text})

    def few_shot(self, shots: Sequence[Item], text: str) -> tuple[Message, ...]:
        """The same, then worked examples as turns of the chat."""
        turns: list[Message] = [*_system(self._with_form())]
        for shot in shots:
            turns.append({"role": "user", "content": shot.input})
            turns.append({"role": "assistant", "content": shot.output})
        return (*turns, {"role": "user", "content": text})

    def _with_form(self) -> str:
        form = FORMATS.get(self.answer, "")
        if self.labels:
            form = f"Answer with one of these labels and nothing else: {', '.join(self.labels)}."
        return "\n".join(part for part in (self.system, form) if part)


def _system(text: str) -> tuple[Message, ...]:
    """The system turn; none without a text, for that is what Ollama and other programs send then."""
    return ({"role": "system", "content": text},) if text else ()


def pick_shots(items: Sequence[Item], labels: Mapping[str, str], most: int = MOST_SHOTS) -> list[Item]:
    """Worked examples, the same ones every time: the shortest item of each label.

    Without labels, a few of the shortest items: of different skills, as far as there are several.
    """
    ordered = sorted(items, key=lambda item: (len(item.input), item.id))
    if labels:
        firsts = {item.output: item for item in reversed(ordered)}
        return [firsts[label] for label in labels if label in firsts][:most]
    by_skill = {item.skill: item for item in reversed(ordered)}
    chosen = sorted(by_skill.values(), key=lambda item: (len(item.input), item.id))
    chosen += [item for item in ordered if item not in chosen]
    return chosen[: min(most, SHOTS_WITHOUT_LABELS)]
