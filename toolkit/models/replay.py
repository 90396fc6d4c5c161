"""Answers from a recording: for tests, demonstrations, and for looking at a finished run again.

A recording is the folder of a run, whose journal has every call, or a JSONL file with one
answer a line. A line is found by the request's hash or by a piece of the prompt:

    {"hash": "9f86d0…", "text": "the answer", "finish_reason": "stop"}
    {"match": "Write 6 messages", "text": "the answer"}

Several lines with the same `match` are given out one after the other, then from the first
again. `record` makes such a file while another model answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from toolkit.errors import ModelError, ReplayMiss
from toolkit.journal import JournalReader
from toolkit.models.chat import ChatModel, ModelInfo
from toolkit.types import Completion, Request


def open_model(name: str, *, context: int = 2048, threads: int | None = None) -> ReplayModel:
    """Open a recording: the path of a JSONL file or of a run folder. Raises ModelError."""
    path = Path(name).expanduser()
    if path.is_dir():
        return ReplayModel(name, _Journaled(path), context)
    if path.is_file():
        return ReplayModel(name, _read(path), context)
    raise ModelError(f"there is no recording {path}", "name a .jsonl file or the folder of a run")


@dataclass(slots=True)
class _Matches:
    """The answers to prompts that hold a piece of text, given out in turn."""

    text: str
    answers: list[Completion]
    given: int = 0

    def next(self) -> Completion:
        self.given += 1
        return self.answers[(self.given - 1) % len(self.answers)]


class _Lines:
    """A recording in a JSONL file."""

    def __init__(self) -> None:
        self.by_hash: dict[str, Completion] = {}
        self.by_match: dict[str, _Matches] = {}

    def find(self, request: Request) -> Completion | None:
        if found := self.by_hash.get(request.hash):
            return found
        prompt = _prompt(request)
        matching = [matches for text, matches in self.by_match.items() if text in prompt]
        # the longest piece is the most particular one
        return max(matching, key=lambda matches: len(matches.text)).next() if matching else None

    def close(self) -> None:
        return


class _Journaled:
    """A recording in a run's journal."""

    def __init__(self, folder: Path) -> None:
        self._journal = JournalReader(folder)

    def find(self, request: Request) -> Completion | None:
        return self._journal.answered(request.hash)

    def close(self) -> None:
        self._journal.close()


class ReplayModel:
    """A chat model that only repeats what was recorded."""

    def __init__(self, name: str, recording: _Lines | _Journaled, context: int) -> None:
        self._name, self._recording, self._context = name, recording, context

    def info(self) -> ModelInfo:
        return ModelInfo(self._name, "replay", self._context, vocabulary=0, chat_template=False)

    def close(self) -> None:
        self._recording.close()

    def complete(
        self, requests: Sequence[Request], *, seconds: float | None = None
    ) -> Iterator[tuple[Request, Completion]]:
        """Raises ReplayMiss when a request is not in the recording."""
        for request in requests:
            found = self._recording.find(request)
            if found is None:
                start = " ".join(_prompt(request).split())[:160]
                raise ReplayMiss(
                    f"the recording {self._name} has no answer to: {start!r} (hash {request.hash[:12]}…)",
                    "record it again: the prompts have changed since",
                )
            yield request, found


def record(model: ChatModel, requests: Sequence[Request], path: Path) -> Iterator[tuple[Request, Completion]]:
    """Pass a model's answers on, and append each to a JSONL file that `replay/PATH` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        for request, completion in model.complete(requests):
            _write(stream, request, completion)
            yield request, completion


def _write(stream: IO[str], request: Request, completion: Completion) -> None:
    line = {"hash": request.hash, **asdict(completion), "prompt": _prompt(request)}
    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    stream.flush()


def _prompt(request: Request) -> str:
    return "\n".join(message["content"] for message in request.messages)


def _read(path: Path) -> _Lines:
    lines = _Lines()
    try:
        content = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8: {error}", "save it as UTF-8") from error
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            _add(lines, path, number, line)
    return lines


def _add(lines: _Lines, path: Path, number: int, line: str) -> None:
    try:
        data = json.loads(line)
        completion = _completion(data)
        key, where = ("hash", lines.by_hash) if "hash" in data else ("match", lines.by_match)
        name = str(data[key])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path}:{number}: this is no recorded answer ({type(error).__name__}: {error})",
            'write {"hash": …, "text": …} or {"match": …, "text": …}',
        ) from error
    if where is lines.by_hash:
        lines.by_hash[name] = completion
    else:
        lines.by_match.setdefault(name, _Matches(name, [])).answers.append(completion)


def _completion(data: dict[str, Any]) -> Completion:
    text = data["text"]
    return Completion(
        text=text if isinstance(text, str) else json.dumps(text, ensure_ascii=False),
        finish_reason=data.get("finish_reason", "stop"),
        prompt_tokens=int(data.get("prompt_tokens", 0)),
        completion_tokens=int(data.get("completion_tokens", 0)),
        cached_tokens=int(data.get("cached_tokens", 0)),
        backend_id="replay",
        seconds=float(data.get("seconds", 0.0)),
    )
