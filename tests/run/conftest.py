from __future__ import annotations

import sys
from pathlib import Path

for folder in ("engineer", "tui"):  # the school of stand-ins lives in the one, what pilots screens in the other
    sys.path.append(str(Path(__file__).resolve().parents[1] / folder))

from school import school, trainer  # noqa: E402 - found through the path above

__all__ = ["school", "trainer"]
