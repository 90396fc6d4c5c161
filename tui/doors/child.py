"""Commands of the toolkit that take seconds of work, in processes of their own; they end with the program."""

from __future__ import annotations

import os
import subprocess


class ChildDoor:
    """Runs `schoolhouse …` beside the terminal UI. Every method but `leave` may block."""

    leaving: bool = False
    """The program is being left: what is under way stops at its next sign of progress."""

    def command(self, *arguments: str) -> str:
        """What the command prints to its standard output. Raises SchoolhouseError when it says nothing there."""
        from toolkit.errors import SchoolhouseError
        from toolkit.process import start_command

        process = subprocess.Popen(
            start_command("toolkit.cli", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        if os.name == "posix":
            os.setpriority(os.PRIO_PROCESS, process.pid, 10)  # runs and screens come first
        children = self._children()
        children.append(process)
        if self.leaving:
            process.kill()
        try:
            output, problems = process.communicate()
        finally:
            children.remove(process)
        if not output and not self.leaving:
            words = f"schoolhouse {' '.join(arguments)}"
            raise SchoolhouseError(f"`{words}` failed: {problems.strip()[-600:]}", words)
        return output

    def leave(self) -> None:
        """End all children; called when the program is left."""
        self.leaving = True
        for process in list(self._children()):
            process.kill()

    def _children(self) -> list[subprocess.Popen[str]]:
        found: list[subprocess.Popen[str]] = self.__dict__.setdefault("_running", [])
        return found
