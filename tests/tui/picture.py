"""A picture of the Run screen: `PYTHONPATH=. python tests/tui/picture.py OUT.svg [RUN_FOLDER]`.

Without a folder it shows the recorded example run.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from made_up import make_app
from recorded import three_rounds

from tui.app import SchoolhouseApp
from tui.screens.run import RunScreen

SIZE = (120, 36)


async def take(app: SchoolhouseApp, out: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        while not (isinstance(app.screen, RunScreen) and app.screen.view.scores):
            await pilot.pause(0.1)
        await pilot.pause(1.0)
        out.write_text(app.export_screenshot(title="Schoolhouse"), encoding="utf-8")


def main(out: str, folder: str | None = None) -> None:
    if folder:
        app = SchoolhouseApp(open_first=Path(folder))
        app.runs.was_read = lambda reader: True  # type: ignore[method-assign]  # the picture has the verdict
        asyncio.run(take(app, Path(out)))
        return
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "quickstart"
        now = three_rounds(run)
        asyncio.run(take(make_app(run.parent, now, run), Path(out)))


if __name__ == "__main__":
    main(*sys.argv[1:])
