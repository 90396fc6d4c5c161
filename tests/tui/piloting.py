"""What the pilots share: wait for something, and read the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import App
from textual.pilot import Pilot


def shown(app: App[None]) -> str:
    """The text of the whole screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def until(pilot: Pilot[None], condition: Callable[[], object], seconds: float = 15.0) -> None:
    for _ in range(int(seconds / 0.05)):
        await pilot.pause()
        if condition():
            await pilot.pause()
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen; the screen shows:\n" + shown(pilot.app))
