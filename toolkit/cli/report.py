"""`report`: the page of a run, and a browser to look at it."""

from __future__ import annotations

import os
import sys
import webbrowser

from toolkit.cli.say import say
from toolkit.errors import SchoolhouseError
from toolkit.run import Run

CHOICES = ("auto", "yes", "no")


def report_run(name: str, choice: str) -> None:
    """Write both forms of the report, print where they are, and open the page where there is a display."""
    if choice not in CHOICES:
        raise SchoolhouseError(f"{choice!r} is no choice of --open", f"write one of {', '.join(CHOICES)}")
    page = Run.open(name).report()
    say(str(page))
    say(str(page.with_suffix(".md")))
    if choice == "yes" or (choice == "auto" and has_display()):
        webbrowser.open(page.resolve().as_uri())


def has_display() -> bool:
    """Whether a person sits before a screen that a browser can open on."""
    if not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
