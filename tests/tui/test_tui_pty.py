"""The whole program in a real pseudo-terminal, on a run whose texts try to steer it."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich._palettes import EIGHT_BIT_PALETTE

if os.name != "posix":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from answered import answered
from terminal import ESCAPE, SEQUENCE, Terminal
from test_tui_hostile import fill

pytestmark = pytest.mark.xdist_group("terminal")  # what the harmless walk shows is found out once
HARMLESS = "harmless"
EVIL = (
    "\x1b]8;;https://evil.example\x07zz\x1b]8;;\x07\x1b]52;c;ZXZpbA==\x07\x1b]0;evil\x07\x1b[2J\x1b[31;77;99m"
    "\x1b[6n\x1b[?1000h\x1bPevil\x1b\\\x9b88;88H\u202egnp\u2066 [@click=app.quit]x [/ harmless"
)
WALK = (
    ("\t", "broken"),
    ("\r", "Generate"),
    ("2", "harmless"),
    ("4", "harmless"),
    ("t", "harmless"),
    (ESCAPE, "Generate"),
    ("d", "83 rows"),
    ("\x1b[F", "harmless"),
    (ESCAPE, "Generate"),
    ("e", "Skills"),
    ("3", "right answer"),
    ("\x1b[F", "harmless"),
    (ESCAPE, "Generate"),
    ("n", "A note for the engineer"),
    (ESCAPE, "Generate"),
    (ESCAPE, "Recipes"),
    ("d", "This machine"),
    ("?", "Everywhere"),
)
"""Keys, and what has to be painted after them."""
ENVIRONMENTS = {
    "no-color": {"TERM": "xterm-256color", "NO_COLOR": "1"},
    "256": {"TERM": "xterm-256color"},
    "16": {"TERM": "xterm"},
}
STEERING = (b"\x1b]8;", b"\x1b]52;", b"\x1b]0;", b"\x1bP", b"\x1b[6n", b";77;", b"88;88H", b"ZXZpbA", b"evil.example")
"""What is in the hostile text and nowhere in the program's own output."""
SWITCHED_OFF = ("1000", "1002", "1003", "1004", "1006", "1049", "2004")
"""Modes of the terminal that are off in the end: mouse, focus, alternate screen, bracketed paste."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    """Hostile or harmless -> the environment in which the run lies."""
    found, recorders = {}, []
    for name, text in (("hostile", EVIL), ("harmless", HARMLESS)):
        place = tmp_path_factory.mktemp(name)
        recorder = answered(place / "runs" / "quickstart-1")
        fill(recorder, text)
        recorders.append(recorder)
        findings = [{"what": text, "state": text, "ok": True, "fix": text}]
        kept = {"at": time.time(), "python": sys.executable, "findings": findings}
        (place / "cache").mkdir()
        (place / "cache" / "doctor.json").write_text(json.dumps(kept), encoding="utf-8")
        found[name] = {"SCHOOLHOUSE_RUNS": str(place / "runs"), "SCHOOLHOUSE_CACHE": str(place / "cache")}
    yield found
    for recorder in reversed(recorders):  # each puts back the clock that it found
        recorder.__exit__()


def walked(env: dict[str, str]) -> bytes:
    """Everything that came out of the program on its way through the screens, to its end."""
    command = [sys.executable, "-m", "toolkit.cli"]
    with Terminal(command, env, cwd=Path(__file__).parents[2]) as terminal:
        terminal.wait_for("quickstart-1")
        terminal.wait_for("here: ")  # how long recipes take: all lists are full
        for keys, text in WALK:
            terminal.settle()
            terminal.press(keys, text)
        terminal.press(ESCAPE, "This machine")
        terminal.send("q")
        assert terminal.end() == 0
        assert terminal.restored
        return bytes(terminal.raw)


def kinds(raw: bytes) -> set[bytes]:
    """The control sequences in it, without their numbers, and other control characters."""
    sequences = {re.sub(rb"[\d;:]+", b"#", found) for found in SEQUENCE.findall(raw)}
    left = SEQUENCE.sub(b"", raw)
    return sequences | set(re.findall(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]", left))


def colours(raw: bytes) -> list[list[int]]:
    """The numbers of each SGR sequence."""
    found = re.findall(rb"\x1b\[([\d;]*)m", raw)
    return [[int(number) for number in one.split(b";") if number] for one in found]


def is_grey(numbers: list[int]) -> bool:
    """Whether a sequence sets only greys of the 256 colours, and no others."""
    while numbers:
        if numbers[0] in (38, 48) and numbers[1] == 5:
            if len(set(EIGHT_BIT_PALETTE[numbers[2]])) > 1:
                return False
            numbers = numbers[3:]
        elif 30 <= numbers[0] <= 48 or 90 <= numbers[0] <= 107:
            return numbers[0] in (39,)
        else:
            numbers = numbers[1:]
    return True


@pytest.fixture(scope="module")
def usual(places: dict[str, dict[str, str]]) -> set[bytes]:
    """The kinds of control sequences that the program itself needs."""
    return kinds(walked({**places["harmless"], **ENVIRONMENTS["256"]}))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_of_a_hostile_text_reaches_the_terminal(
    places: dict[str, dict[str, str]], usual: set[bytes], name: str
) -> None:
    raw = walked({**places["hostile"], **ENVIRONMENTS[name]})
    assert kinds(raw) <= usual
    for evil in STEERING:
        assert evil not in raw, evil
    text = raw.decode("utf-8")
    assert not set(text) & set("\x9b\u202e\u2066\u200f")
    assert "[@click=app.quit]x [/" in SEQUENCE.sub(b"", raw).decode("utf-8")
    last = dict(re.findall(r"\x1b\[\?(\d+)([hl])", text))
    assert {mode: last[mode] for mode in SWITCHED_OFF if mode in last} == {
        mode: "l" for mode in SWITCHED_OFF if mode in last
    }
    assert last["1049"] == "l"
    assert last["25"] == "h"
    if name == "no-color":
        assert all(map(is_grey, colours(raw)))
    if name == "16":
        assert not [numbers for numbers in colours(raw) if {38, 48} & set(numbers)]
    if name == "256":
        assert not all(map(is_grey, colours(raw)))
