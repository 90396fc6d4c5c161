"""What models wrote and files hold is printed without what steers a terminal."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

import toolkit.cli.app
from toolkit.cli import main
from toolkit.cli.attempts import attempt_details
from toolkit.cli.console import open_console
from toolkit.cli.display import event_line
from toolkit.cli.say import say, say_json
from toolkit.errors import SchoolhouseError
from toolkit.harmless import STEERS

EVILS = ("\x1b]52;c;eHg=\x07", "\x1b[2J\x1b[H", "\x9b31m\x90q\x9c", "\u202edcba\u2066", "back\rthere\x08\x7f", "\ud800")
EVIL = "zz".join(EVILS)


def printed(renderable: object) -> str:
    file = io.StringIO()
    open_console(file=file, force_terminal=True, color_system=None, width=200).print(renderable)
    return file.getvalue()


def test_no_renderable_brings_what_steers_a_terminal() -> None:
    table = Table(EVIL)
    table.add_row(Text(EVIL))
    failed = {"attempt": 1, "status": "failed", "error": EVIL, "changes": [{"what": EVIL, "why": EVIL}]}
    log = event_line({"kind": "log", "round": None, "data": {"text": EVIL}})
    for renderable in (EVIL, Text(EVIL), table, Text(log), *attempt_details([failed])):
        found = printed(renderable)
        assert "zz" in found and not STEERS.findall(found)


def test_styles_and_writing_stay() -> None:
    assert printed(Text("می\u200cخواهم 👩\u200d🚀 a\u00a0b")) == "می\u200cخواهم 👩\u200d🚀 a\u00a0b\n"
    file = io.StringIO()
    open_console(file=file, force_terminal=True, color_system="standard").print(Text("x", style="red"))
    assert file.getvalue() == "\x1b[31mx\x1b[0m\n"


def test_a_line_that_a_program_logs_begins_no_line_of_ours() -> None:
    assert event_line({"kind": "log", "round": None, "data": {"text": "a\n12:00:00  helped"}}) == "a 12:00:00 helped"


def test_lines_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    assert not STEERS.findall(capsys.readouterr().out)
    say_json({"text": EVIL})
    found = capsys.readouterr().out
    assert not STEERS.findall(found)
    assert json.loads(found) == {"text": EVIL}, "JSON is for programs: nothing is lost"


def test_an_error_is_harmless_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise SchoolhouseError(EVIL, EVIL)

    monkeypatch.setattr(toolkit.cli.app, "app", fail)
    monkeypatch.setattr(sys, "argv", ["schoolhouse", "show"])
    with pytest.raises(SystemExit):
        main()
    found = capsys.readouterr().err
    assert found.startswith("error: ") and not STEERS.findall(found)


def test_everything_is_printed_in_one_place() -> None:
    folder = Path(toolkit.cli.app.__file__).parent
    others = [path for path in folder.glob("*.py") if path.name not in ("say.py", "console.py")]
    for path in others:
        text = path.read_text(encoding="utf-8")
        assert "typer.echo(" not in text and " Console(" not in text and "=Console(" not in text, path.name
