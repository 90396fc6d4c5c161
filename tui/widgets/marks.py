"""Signs and colours with one meaning everywhere. The sign alone is enough: colour may be missing."""

from __future__ import annotations

from tui.eventlog import Tone
from tui.state import StageState, Status

# with an explicit alpha: in a Content style `$text-muted` (an "auto" colour) comes out unmuted
MUTED = "$foreground 60%"
FAINT = "$foreground 25%"

HOUSE = "⌂"
ACCEPTED, REJECTED = "✓", "✗"

STATUS_MARKS: dict[Status, tuple[str, str]] = {
    "running": ("●", "$accent"),
    "finished": ("✓", "$success"),
    "paused": ("‖", "$warning"),
    "broken": ("✗", "$error"),
}

STAGE_MARKS: dict[StageState, tuple[str, str]] = {
    "waiting": ("○", MUTED),
    "live": ("●", "bold $background on $accent"),
    "stopped": ("‖", "$warning"),
    "done": ("✓", "$success"),
}

TONES: dict[Tone, str] = {
    "plain": "",
    "quiet": MUTED,
    "good": "$success",
    "bad": "$error",
    "live": "$accent",
}

DECISION_MARKS: dict[str, tuple[str, str]] = {
    "accepted": (ACCEPTED, "$success"),
    "undecided": ("~", MUTED),
    "rejected": (REJECTED, "$error"),
}
