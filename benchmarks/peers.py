"""The environments of the peers that benchmarks compare with: `make env-bench` builds them.

`.venv-bench` has TRL and lm-evaluation-harness, `.venv-bench-teacher` bespoke curator and distilabel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PLACE = "Scripts/python.exe" if os.name == "nt" else "bin/python"


def interpreter(environment: str = ".venv-bench") -> str:
    """The Python of such an environment; built where it is missing. Raises SystemExit when it cannot be."""
    folder = ROOT / environment
    if not (folder / ".ready").is_file():
        print(f"{environment} is missing: make env-bench", file=sys.stderr, flush=True)
        command = ["make", f"PYTHON={sys.executable}", f"{environment}/.ready"]
        try:
            subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"the peers could not be installed ({error}): make env-bench") from None
    return str(folder / PLACE)


class Talker:
    """A process that answers JSON lines with JSON lines. What it says else is in its log.

    Args:
        kind: its name, for messages.
    """

    def __init__(self, kind: str, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.kind, self._log = kind, log
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w", encoding="utf-8"),
            text=True,
            env={**os.environ, **environment},
            cwd=log.parent,
        )

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Its answer. Raises RuntimeError when it has ended."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{self.kind} ended: {self._log.read_text(encoding='utf-8')[-600:]}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
