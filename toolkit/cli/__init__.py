"""The command line. Only this package knows typer and rich."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of `schoolhouse`: an expected error is one clear message and an exit code."""
    from toolkit.errors import SchoolhouseError
    from toolkit.harmless import harmless

    try:
        if len(sys.argv) > 1:
            from toolkit.cli.app import app

            app()
        else:  # there is nothing to parse, and the first frame need not wait for typer
            open_screens()
    except SchoolhouseError as error:
        print(harmless(f"error: {error}"), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("stopped; `schoolhouse resume last` goes on from here", file=sys.stderr)
        raise SystemExit(130) from None


def open_screens() -> None:
    """The terminal UI, by name: the command line and it are neighbours, neither knows the other's insides."""
    from importlib import import_module

    import_module("tui").main()
