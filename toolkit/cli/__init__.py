"""The command line. Only this package knows typer and rich."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of `schoolhouse`: an expected error is one clear message and an exit code."""
    from toolkit.cli.app import app
    from toolkit.errors import SchoolhouseError

    try:
        app()
    except SchoolhouseError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("stopped; `schoolhouse resume last` goes on from here", file=sys.stderr)
        raise SystemExit(130) from None
