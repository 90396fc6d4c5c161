"""What a student sees. Training and inference call the same function, so they cannot differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.types import Item, Message


@dataclass(frozen=True, slots=True)
class TaskPrompts:
    """The prompts of a task, for the trained student and for the untrained baselines."""

    system: str
    labels: Mapping[str, str]

    def trained(self, text: str) -> tuple[Message, ...]:
        """Short on purpose: the labels are learnt, not read."""
        return ({"role": "system", "content": self.system}, {"role": "user", "content": text})

    def zero_shot(self, text: str) -> tuple[Message, ...]:
        """The labels stand in the prompt; they come first, so that all items share the prefix."""
        return ({"role": "system", "content": self._with_labels()}, {"role": "user", "content": text})

    def few_shot(self, shots: Sequence[Item], text: str) -> tuple[Message, ...]:
        """The labels, then one worked example for each label as turns of the chat."""
        turns: list[Message] = [{"role": "system", "content": self._with_labels()}]
        for shot in shots:
            turns.append({"role": "user", "content": shot.input})
            turns.append({"role": "assistant", "content": shot.output})
        return (*turns, {"role": "user", "content": text})

    def _with_labels(self) -> str:
        return f"{self.system}\nAnswer with one of these labels and nothing else: {', '.join(self.labels)}."


def pick_shots(items: Sequence[Item], labels: Mapping[str, str], most: int = 16) -> list[Item]:
    """The first item of each label, shortest first within a label; the same ones every time."""
    by_label = {label: [item for item in items if item.output == label] for label in labels}
    firsts = [min(found, key=lambda item: (len(item.input), item.id)) for found in by_label.values() if found]
    return firsts[:most]
