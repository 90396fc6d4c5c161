"""`python -m tui [RUN]`."""

from __future__ import annotations

import sys

from toolkit.errors import SchoolhouseError
from tui import main

if __name__ == "__main__":
    try:
        main(*sys.argv[1:2])
    except SchoolhouseError as error:
        sys.exit(str(error))
