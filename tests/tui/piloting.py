"""What the pilots share: wait for something, and read the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual.app import App
from textual.pilot import Pilot


def shown(app: App[None]) -> str:
    """The text of the whole screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def steady(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    """Wait for something, and then until the picture has stopped changing."""
    await until(pilot, condition)
    last, same = "", 0
    for _ in range(300):
        await pilot.pause()
        picture = shown(pilot.app)
        same, last = (same + 1 if picture == last else 0), picture
        if same == 3:
            return
        await asyncio.sleep(0.05)  # to look is to draw the whole screen
    raise AssertionError("the picture goes on changing")


async def until(pilot: Pilot[None], condition: Callable[[], object], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            await pilot.pause()
            return
        await asyncio.sleep(0.02)  # a pause would ask every widget whether it is done, time and again
    raise AssertionError("it did not happen; the screen shows:\n" + shown(pilot.app))
