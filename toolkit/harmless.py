"""What of a text steers a terminal: models write it, files hold it, and it must not reach a screen as it is."""

from __future__ import annotations

import re

STEERING = "\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
"""For a character class: control characters but line ends and tabs, what turns the direction of writing around,
and halves of characters that cannot be encoded. Joiners and direction marks belong to writing and are none of these.
"""
STEERS = re.compile(f"[{STEERING}]")


def harmless(text: str) -> str:
    """The text without the characters that steer a terminal; lines stay lines."""
    return STEERS.sub("", text)


def one_line(text: str) -> str:
    """The text on one line, without characters that cannot be printed; not escaped yet."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
