from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "peft", "datasets", "llama_cpp", "scipy", "pyarrow", "pandas")
SCRIPT = """
import asyncio, sys
from tui.app import SchoolhouseApp

async def first_frame():
    app = SchoolhouseApp()
    async with app.run_test() as pilot:
        await pilot.pause()

asyncio.run(first_frame())
print(*sorted(set(sys.modules) & set({heavy!r})))
"""


def test_the_first_frame_needs_no_heavy_library(tmp_path: Path) -> None:
    """The real toolkit stands behind this app; the folder has no runs."""
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(heavy=HEAVY)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SCHOOLHOUSE_RUNS": str(tmp_path)},
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []
