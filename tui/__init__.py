"""The terminal UI. It reads journals and starts runs; it never does a run's work."""

from __future__ import annotations

import os


def main(run: str | None = None) -> None:
    """Open the terminal UI, with the screen of `run` (a name, a folder or `last`) when one is given.

    Raises JournalError when there is no such run.
    """
    from tui.app import SchoolhouseApp
    from tui.runs import Runs

    runs = Runs()
    runs.editor = _take_editor()
    SchoolhouseApp(runs, open_first=runs.find(run) if run else None).run()


def replay(run: str, speed: float = 20.0) -> None:
    """Play a recorded run again in the terminal UI, `speed` times as fast.

    Raises JournalError when there is no such run, SchoolhouseError for a speed that makes no sense.
    """
    from tui.app import SchoolhouseApp
    from tui.replay import replay as play

    play(run, speed, lambda runs, folder: SchoolhouseApp(runs, open_first=folder).run())


def _take_editor() -> str:
    """The person's editor, out of the environment: a run that is started here has no terminal to open one in."""
    found = [os.environ.pop(name, "") for name in ("VISUAL", "EDITOR")]
    return next(filter(None, found), "")
