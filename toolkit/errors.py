"""Errors a person reads. Each says what is wrong and ends with what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path


class SchoolhouseError(Exception):
    """An expected failure, shown without a traceback.

    Args:
        message: what is wrong, in one sentence.
        fix: what to write or which command to run.
    """

    exit_code = 1

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.fix}" if self.fix else self.message


class RecipeError(SchoolhouseError):
    """A mistake in `recipe.yaml`, a `--set` override or a data file: `file:line: key: message`."""

    exit_code = 2

    def __init__(
        self, message: str, fix: str = "", *, path: Path | str = "", line: int | None = None, key: str = ""
    ) -> None:
        where = ":".join(str(part) for part in (path, line) if part not in ("", None))
        super().__init__(": ".join(part for part in (where, key, message) if part), fix)
        self.path, self.line, self.key = path, line, key


class DataError(RecipeError):
    """The data a recipe points to cannot be used."""


class ModelError(SchoolhouseError):
    """A model is unknown, cannot be fetched, is damaged, or cannot be loaded."""

    exit_code = 3


class ChildError(SchoolhouseError):
    """A child process (training, inference) ended before it had answered."""

    exit_code = 4


class TrainingError(ChildError):
    """Training could not start or did not end well."""


class ExportError(SchoolhouseError):
    """A trained student cannot be exported, or its export does not answer as the student does."""

    exit_code = 7


class JournalError(SchoolhouseError):
    """A run folder cannot be opened, is locked, or was made by another version."""

    exit_code = 5


class RefusedRequest(ModelError):
    """One request that this model cannot answer: its prompt is too long, its JSON schema unusable.

    A data program that asks it sees an error and may ask otherwise; the run goes on.
    """


class ReplayMiss(ModelError):
    """A replayed model was asked something that is not in its recording."""


class DiskFullError(SchoolhouseError):
    """There was no room to write a file; nothing is left of it."""

    exit_code = 6

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the disk is full: {path} cannot be written", "free some space, then `schoolhouse resume last`"
        )


_FULL = (errno.ENOSPC, errno.EDQUOT)
_RUST = tuple(f"(os error {number})" for number in (*_FULL, 112))
"""How libraries in Rust (safetensors, tokenizers) say it; 112 is Windows' number."""


def is_full(error: BaseException) -> bool:
    """Whether a write failed for want of room."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return isinstance(error, DiskFullError) or any(said in str(error) for said in _RUST)


class Paused(SchoolhouseError):
    """The run stopped at a safe point because a person asked for it."""

    exit_code = 130
