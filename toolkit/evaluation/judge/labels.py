"""What a person said of answers: a JSONL file, one answer a line.

{"item": "Where is my parcel?", "answer": "It is on its way.", "label": "right", "reference": "…"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from toolkit.errors import DataError
from toolkit.paths import write_text

LEAST_LABELS = 30
EXAMPLE = '{"item": "the question", "answer": "what was answered", "label": "right"}'
RIGHT = {"right", "good", "yes", "true", "1"}
WRONG = {"wrong", "bad", "no", "false", "0"}


@dataclass(frozen=True, slots=True)
class Label:
    """A person's word about one answer. `reference` is a right answer, where there is one."""

    question: str
    answer: str
    right: bool
    reference: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Labels with the same key are about one answer."""
        return self.question, self.answer

    def to_line(self) -> str:
        """As one line of a file of labels; ASCII, so that any text comes back as it was."""
        values = {"item": self.question, "answer": self.answer, "label": "right" if self.right else "wrong"}
        return json.dumps({**values, **({"reference": self.reference} if self.reference else {})})


def keep_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write labels into a file, each in the place of an earlier one for the same answer; other lines stay.

    The file is whole at every moment, and two windows that write at once lose nothing.
    """
    new = {label.key: label.to_line() for label in labels}
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        old = path.read_text(encoding="utf-8-sig").split("\n") if path.is_file() else []
        stays = [line for line in old if line.strip() and _key(line) not in new]
        write_text(path, "".join(f"{line}\n" for line in (*stays, *new.values())))


def _key(line: str) -> tuple[str, str] | None:
    """What a line is about; None for one that cannot be read."""
    try:
        values = json.loads(line)
        return str(values["item"]), str(values["answer"])
    except (ValueError, KeyError, TypeError):
        return None


def read_labels(paths: Iterable[Path]) -> list[Label]:
    """The labels of all files that are there; of two for one answer the first counts. Raises DataError."""
    found: dict[tuple[str, str], Label] = {}
    for path in paths:
        if path.is_file():
            for label in _read(path):
                found.setdefault(label.key, label)
    return list(found.values())


def _read(path: Path) -> list[Label]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", "save it as UTF-8", path=path) from None
    return [_label(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]


def _label(line: str, path: Path, number: int) -> Label:
    try:
        values: dict[str, Any] = json.loads(line)
        word = str(values["label"]).strip().casefold()
        question, answer = values["item"], values["answer"]
        if not isinstance(question, str) or not isinstance(answer, str):
            raise TypeError("item and answer are texts")
        if word not in RIGHT | WRONG:
            raise ValueError(f"the label {values['label']!r} is neither right nor wrong")
        return Label(question, answer, word in RIGHT, str(values.get("reference") or ""))
    except KeyError as error:
        raise DataError(
            f"{error.args[0]} is missing", f"write lines such as {EXAMPLE}", path=path, line=number
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(str(error), f"write lines such as {EXAMPLE}", path=path, line=number) from None
