"""The terminal UI. It reads journals and starts runs; it never does a run's work."""

from __future__ import annotations


def main(run: str | None = None) -> None:
    """Open the terminal UI, with the screen of `run` (a name, a folder or `last`) when one is given.

    Raises JournalError when there is no such run.
    """
    from tui.app import SchoolhouseApp
    from tui.runs import Runs

    runs = Runs()
    SchoolhouseApp(runs, open_first=runs.find(run) if run else None).run()
