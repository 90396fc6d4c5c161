"""Children that fork from a process which has imported torch already.

Most of a small child's time is the import of torch, transformers and peft: 9 seconds of processor time for a
training of one. So on Linux the tests' own children, and only they, fork from one warm process for each worker.
It has run nothing: no thread is in it when it forks. What the command line starts in tests are real, cold processes,
and with SCHOOLHOUSE_COLD_CHILDREN=1 so are all.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from toolkit.process import child_environment, start_process

WARM_PROCESS = Path(__file__).with_name("warm_process.py")
START = Path(start_process.__code__.co_filename).with_name("start_child.py")
WARM = frozenset(
    {
        "toolkit.export.hf_child",
        "toolkit.export.inspect_child",
        "toolkit.models.hf_folder",
        "toolkit.models.torch_dtype",
        "toolkit.students.torch_child",
        "toolkit.training.lint_child",
        "toolkit.training.mlx_child",
        "toolkit.training.torch_child",
    }
)


def possible() -> bool:
    return sys.platform == "linux" and not os.environ.get("SCHOOLHOUSE_COLD_CHILDREN")


def running() -> list[psutil.Process]:
    """The children of this process, those of its warm process included and that one not."""
    warm = _server.pid if _server else None
    return [child for child in psutil.Process().children(recursive=True) if child.pid != warm]


# -- the worker's side ---------------------------------------------------------------------------


class Server:
    """The warm process; it ends with this one."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair()
        environment = {**child_environment(), "OMP_NUM_THREADS": "1", "GOMP_SPINCOUNT": "2000"}
        command = [sys.executable, "-P", str(WARM_PROCESS), str(START), str(theirs.fileno())]
        self.process = subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        theirs.close()

    def fork(self, module: str, environment: dict[str, str], fds: list[int]) -> int:
        asked = json.dumps({"module": module, "environment": environment, "folder": str(Path.cwd())}).encode()
        socket.send_fds(self.line, [len(asked).to_bytes(8, "big")], fds)
        self.line.sendall(asked)
        return int.from_bytes(self.line.recv(8), "big")


_server: Server | None = None


class WarmProcess:
    """What `Child` needs of a `subprocess.Popen`."""

    def __init__(self, module: str) -> None:
        global _server
        if _server is None or _server.process.poll() is not None:
            _server = Server()
        (their_in, self_in), (self_out, their_out), (self_err, their_err), (self_status, their_status) = (
            os.pipe() for _ in range(4)
        )
        theirs = [their_in, their_out, their_err, their_status]
        self.pid = _server.fork(module, child_environment(), theirs)
        for fd in theirs:
            os.close(fd)
        self.stdin: IO[str] = os.fdopen(self_in, "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(self_out, encoding="utf-8", errors="replace")
        self.stderr: IO[str] = os.fdopen(self_err, encoding="utf-8", errors="replace")
        self._status = os.fdopen(self_status, "rb", buffering=0)
        self.returncode: int | None = None
        self._waiting = threading.Lock()

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        with self._waiting:  # two threads may wait: the one that reads, and a timer that ended the child
            if self.returncode is None:
                # no word: the warm process itself is gone, and the child with it
                self.returncode = int(self._status.read(16) or -9)
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def start(module: str, python: str | None = None) -> Any:
    """Instead of `toolkit.process.start_process`."""
    if module in WARM and python in (None, sys.executable) and "PYTHONPATH" not in os.environ:
        return WarmProcess(module)
    return start_process(module, python)
