"""A real pseudo-terminal with a program in it, driven by keys and read as bytes. POSIX only."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[ -/]*[0-~]"
)
"""Everything that steers a terminal: CSI, OSC, DCS and the like, and short ones."""
ESCAPE = "\x1b[27u"
"""The key; the bare character and the next key would be read as one key with Alt when they come together."""
LEFT_OUT = ("COLORTERM", "NO_COLOR", "TEXTUAL", "TERM_PROGRAM", "COLUMNS", "LINES", "FORCE_COLOR")


class Terminal:
    """Runs a command in a terminal of `size` (columns, rows); `env` goes over the environment of this process."""

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24), cwd: Path | None = None
    ) -> None:
        self._master, self._slave = pty.openpty()
        termios.tcsetwinsize(self._slave, (size[1], size[0]))
        self.attributes = termios.tcgetattr(self._slave)
        """How the terminal was set before."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        self.process = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env={**inherited, **env},
            cwd=cwd,
            start_new_session=True,
        )
        self.raw = bytearray()
        self._arrived = threading.Condition()
        self._last = 0.0
        threading.Thread(target=self._read, daemon=True, name="terminal").start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._slave)

    def send(self, keys: str) -> int:
        """Press keys; returns where in `raw` what follows begins."""
        place = len(self.raw)
        os.write(self._master, keys.encode())
        return place

    def wait_for(self, text: str, since: int = 0, seconds: float = 40.0) -> float:
        """Wait until the text was painted; when, by the monotonic clock. Raises AssertionError when it was not."""
        end, wanted = time.monotonic() + seconds, text.encode()
        with self._arrived:
            while wanted not in SEQUENCE.sub(b"", bytes(self.raw[since:])):
                if not self._arrived.wait(max(0.0, end - time.monotonic())):
                    painted = SEQUENCE.sub(b" ", bytes(self.raw[since:])).decode(errors="replace")
                    raise AssertionError(f"{text!r} was not painted, but: {' '.join(painted.split())[-2000:]}")
            return self._last

    def press(self, keys: str, text: str) -> float:
        """Press keys, and wait until the text is painted after them; how many seconds that took."""
        began = time.monotonic()
        return self.wait_for(text, self.send(keys)) - began

    def settle(self, quiet: float = 0.3, seconds: float = 20.0) -> None:
        """Wait until nothing was painted for some time: what is pressed next meets the screen that is seen."""
        end = time.monotonic() + seconds
        with self._arrived:
            while self._arrived.wait(quiet):
                assert time.monotonic() < end, "it never stops painting"

    def end(self, seconds: float = 30.0) -> int:
        """Wait for the program to end; its exit code."""
        code = self.process.wait(seconds)
        time.sleep(0.1)  # for the last bytes
        return code

    @property
    def restored(self) -> bool:
        """Whether the terminal is set as it was before."""
        return termios.tcgetattr(self._slave) == self.attributes

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:
                return
            with self._arrived:
                self.raw += data
                self._last = time.monotonic()
                self._arrived.notify_all()
