"""Words and figures as a screen shows them. What a model wrote is untrusted: clean it first."""

from __future__ import annotations

import re
import time
import unicodedata

from toolkit.harmless import STEERING

SEQUENCES = re.compile(
    # whole only where they end on their line: an open one would take what follows with it
    r"\x1b\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)"  # OSC: titles, links, the clipboard
    r"|\x1b[PX^_][^\x1b\r\n]*\x1b\\"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, the cursor
    r"|\x1b[ -/]*[0-~]?"
)
DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}  # control, format (bidi overrides too), surrogates, private, unassigned
JOINERS = "\u200c\u200d"
"""Format characters that words and emoji are written with."""
HIDDEN = re.compile(f"[{STEERING}\u2028\u2029]|⟨(?=U\\+)")
NUMBERED = re.compile(r"⟨U\+([0-9A-F]{4})⟩")
BREAKS = re.compile(r"\r\n|[\n\r\u2028\u2029\x0b\x0c\x85]")
BLOCK = 60_000
"""Characters of a longer text that are shown."""


def clean(text: str, limit: int = 400) -> str:
    """One harmless line: no escape sequences, no control or bidi characters, at most `limit` characters.

    Line breaks are shown as ⏎.
    """
    text = SEQUENCES.sub("", text[: 4 * limit])
    text = BREAKS.sub("⏎", text).replace("\t", " ")
    text = "".join(one for one in text if one in JOINERS or unicodedata.category(one) not in DROPPED)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_block(text: str, limit: int = BLOCK, line_limit: int = 2000) -> str:
    """Harmless lines: as `clean`, but breaks and indents stay. A text that is cut says so at its end."""
    cut = f"\n… cut for display, {len(text)} characters in all" if len(text) > limit else ""
    lines = BREAKS.sub("\n", SEQUENCES.sub("", text[:limit])).split("\n")
    return "\n".join(clean(line.replace("\t", "    "), line_limit) for line in lines) + cut


def editable(text: str) -> str:
    """The text for an editor; `as_written` takes it back, character by character.

    What steers a terminal, turns the direction of writing or breaks lines unseen stands there by its number: ⟨U+001B⟩.
    """
    if text.count("\r\n") == text.count("\n") == text.count("\r"):
        return "\r\n".join(HIDDEN.sub(_number, line) for line in text.split("\r\n"))
    return HIDDEN.sub(_number, text)


def as_written(shown: str) -> str:
    """The text that stands in an editor, with the characters that `editable` wrote as numbers."""
    return NUMBERED.sub(_character, shown)


def _number(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found.group()):04X}⟩"


def _character(found: re.Match[str]) -> str:
    character = chr(int(found.group(1), 16))
    return character if HIDDEN.match(f"{character}U+") else found.group()


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
