"""The warm process of `warm_children`: it imports what children import, and forks one for each request."""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress

START = sys.argv[1]
"""`toolkit/start_child.py`; nothing of the package itself is imported before a child does it."""


def serve(line: socket.socket) -> None:
    """Fork a child for each request, and tell each child's end through its own pipe."""
    import peft  # noqa: F401
    import safetensors.torch  # noqa: F401
    import torch  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM  # noqa: F401

    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads cannot fork safely"  # noqa: PTH208
    ends: dict[int, int] = {}
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([line, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _tell_ends(ends)
        if line in ready and not _fork(line, ends):
            return


def _tell_ends(ends: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = found
            fd = ends.pop(pid)
            with suppress(BrokenPipeError):
                os.write(fd, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(fd)


def _fork(line: socket.socket, ends: dict[int, int]) -> bool:
    """Serve one request; False when there are no more."""
    size, fds, _, _ = socket.recv_fds(line, 8, 4)
    if not size:
        return False
    asked = json.loads(_read(line, int.from_bytes(size, "big")))
    if pid := os.fork():
        ends[pid] = fds[3]
        for fd in fds[:3]:
            os.close(fd)
        line.sendall(pid.to_bytes(8, "big"))
        return True
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    line.close()
    for fd in (*ends.values(), fds[3]):
        os.close(fd)
    for fd, place in zip(fds[:3], range(3), strict=True):
        os.dup2(fd, place)
        os.close(fd)
    _become(asked["module"], asked["environment"], asked["folder"])
    return False


def _become(module: str, environment: dict[str, str], folder: str) -> None:
    """Go on as `start_child.py` would in a new interpreter; never returns."""
    code = 0
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout, sys.stderr = (open(fd, mode) for fd, mode in ((0, "r"), (1, "w"), (2, "w")))  # noqa: SIM115, PTH123
        sys.argv = [START, module]
        runpy.run_path(START, run_name="__main__")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    with suppress(Exception):
        sys.stdout.flush()
    with suppress(Exception):
        sys.stderr.flush()
    os._exit(code)


def _read(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = line.recv(size - len(found))
        if not more:
            raise EOFError("the warm process is gone")
        found += more
    return found


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[2])))
