"""Words and figures as a screen shows them. What a model wrote is untrusted: clean it first."""

from __future__ import annotations

import re
import time
import unicodedata

SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: titles, links, the clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, the cursor
    r"|\x1b[ -/]*[0-~]?"
)
DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}  # control, format (bidi overrides too), surrogates, private, unassigned
BREAKS = re.compile(r"\r\n|[\n\r\u2028\u2029\x0b\x0c\x85]")
BLOCK = 60_000
"""Characters of a longer text that are shown."""


def clean(text: str, limit: int = 400) -> str:
    """One harmless line: no escape sequences, no control or bidi characters, at most `limit` characters.

    Line breaks are shown as ⏎.
    """
    text = SEQUENCES.sub("", text[: 4 * limit])
    text = BREAKS.sub("⏎", text).replace("\t", " ")
    text = "".join(character for character in text if unicodedata.category(character) not in DROPPED)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_block(text: str, limit: int = BLOCK, line_limit: int = 2000) -> str:
    """Harmless lines: as `clean`, but breaks and indents stay. A text that is cut says so at its end."""
    cut = f"\n… cut for display, {len(text)} characters in all" if len(text) > limit else ""
    lines = BREAKS.sub("\n", SEQUENCES.sub("", text[:limit])).split("\n")
    return "\n".join(clean(line.replace("\t", "    "), line_limit) for line in lines) + cut


def editable(text: str) -> str:
    """The text for an editor: what steers a terminal or turns the direction of writing becomes a visible sign."""
    text = text.replace("\r\n", "\n")
    return "".join(character if character in "\n\t" else _visible(character) for character in text)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in DROPPED:
        return character
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\ufffd"


def duration(seconds: float) -> str:
    """`0:41`, `12:04` or `1:02:33`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def about(seconds: float) -> str:
    """A rough time for people: `under a minute`, `9 min`, `1 h 20 min`."""
    if seconds < 60:
        return "under a minute"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if not hours else f"{hours} h {rest:02} min"


def ago(seconds: float) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 days ago`."""
    for size, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return "just now"


def percent(share: float) -> str:
    """A share (0 to 1) as `74.1 %`, five or six cells wide."""
    return f"{100 * share:.1f} %"


def clock(at: float) -> str:
    """Local time of day, `14:03:59`."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def gibibytes(count: float) -> str:
    return f"{count / 2**30:.0f} GiB"
