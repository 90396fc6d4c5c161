"""Child processes that speak JSON lines.

Heavy libraries live in children: they start fresh, may belong to another environment,
give all their memory back, and cannot take the run down with them. A child reads
messages on stdin and writes messages on stdout; stdout belongs to the protocol, so
`child_main` sends everything that a library prints to stderr instead.

A child whose parent dies sees the end of its stdin and exits at once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from toolkit.errors import ChildError, SchoolhouseError, is_full

Emit = Callable[[dict[str, Any]], None]


class Child:
    """A running child, as its parent sees it.

    Args:
        module: what is run, as with `python -m module`.
        python: the interpreter, when it is not this one.
        log: a file that gets the child's stderr; its last lines end up in the error.
    """

    def __init__(self, module: str, *, python: str | None = None, log: Path | None = None) -> None:
        self.module = module
        self._tail: deque[str] = deque(maxlen=30)
        self._log = log
        self._process = start_process(module, python)
        self._reader = threading.Thread(target=self._drain, daemon=True, name=f"{module}-stderr")
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Write one message. Raises ChildError when the child is gone."""
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(message, ensure_ascii=False) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._death() from error

    def messages(self) -> Iterator[dict[str, Any]]:
        """Messages until the child says `{"event": "done"}` or ends.

        Raises ChildError when it ends without saying so, or reports an error.
        """
        assert self._process.stdout
        for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if message.get("event") == "error":
                raise ChildError(str(message["message"]), str(message.get("fix", "")))
            yield message
            if message.get("event") == "done":
                return
        raise self._death()

    def close(self, timeout: float = 10.0) -> None:
        """End the child: its stdin is closed, and it is killed when that is not enough."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=1)

    def kill(self) -> None:
        """End the child now."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drain(self) -> None:
        assert self._process.stderr
        sink = self._log.open("a", encoding="utf-8") if self._log else None
        for line in self._process.stderr:
            self._tail.append(line.rstrip())
            if sink:
                sink.write(line)
                sink.flush()
        if sink:
            sink.close()

    def _death(self) -> ChildError:
        code = self._process.wait()
        self._reader.join(timeout=1)
        last = "\n    ".join(list(self._tail)[-12:])
        fix = f"the whole output is in {self._log}" if self._log else "run `schoolhouse doctor`"
        if code == -9:
            fix = "it was killed, most likely for memory: lower train.batch_size, or close other programs"
        return ChildError(f"{self.module} ended with code {code}:\n    {last}", fix)


def start_process(module: str, python: str | None = None) -> subprocess.Popen[str]:
    """Start a module of this package, with pipes for what goes in and out."""
    return subprocess.Popen(
        start_command(module, python=python),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=child_environment(python),
    )


def start_command(module: str, *arguments: str, python: str | None = None) -> list[str]:
    """The command that runs a module of this package; nothing is imported from the working directory.

    Args:
        python: the interpreter, when it is not this one. It need not have this package.
    """
    start = Path(__file__).resolve().with_name("start_child.py")
    return [python or sys.executable, "-P", str(start), module, *arguments]


def child_environment(python: str | None = None) -> dict[str, str]:
    """The parent's environment; `PYTHONPATH` is meant for this interpreter and withheld from others."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
    if python not in (None, sys.executable):
        environment.pop("PYTHONPATH", None)
    return environment


def child_main(handle: Callable[[Iterator[dict[str, Any]], Emit], None]) -> None:
    """The child's side: call `handle(messages, emit)` and report how it ended.

    `messages` ends, and with it the process, when the parent is gone.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches children too; the parent decides what it means
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever a library prints goes to the log, never into the protocol
    lock = threading.Lock()
    inbox: SimpleQueue[dict[str, Any] | None] = SimpleQueue()

    def emit(message: dict[str, Any]) -> None:
        with lock:
            out.write(json.dumps(message, ensure_ascii=False) + "\n")

    def listen() -> None:
        for line in sys.stdin:
            inbox.put(json.loads(line))
        os._exit(0)  # the parent closed our stdin or died

    threading.Thread(target=listen, daemon=True, name="parent").start()
    try:
        handle(iter(inbox.get, None), emit)
    except SchoolhouseError as error:
        emit({"event": "error", "message": error.message, "fix": error.fix})
    except Exception as error:
        traceback.print_exc()
        if is_full(error):
            fix = "free some space, then go on with `schoolhouse resume last`"
            emit({"event": "error", "message": f"the disk is full: {error}", "fix": fix})
        else:
            emit({"event": "error", "message": f"{type(error).__name__}: {error}", "fix": ""})
