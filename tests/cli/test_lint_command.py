"""`schoolhouse lint` tells trained from masked with and without colour, and ends with an exit code."""

from __future__ import annotations

from io import StringIO

import pytest

from toolkit.cli import lint as command
from toolkit.cli.console import open_console
from toolkit.training.lint import Finding, LintedRow, LintReport

ROW = LintedRow(1, (("<|im_start|>", False), ("[bold]hi", False), ("la", True), ("te\x1b[31m", True)))
REPORT = LintReport(rows=8, tokens=100, trained=10, longest=20, end="<|im_end|>", shown=(ROW,))


def printed(*, colour: bool) -> str:
    console = open_console(
        file=StringIO(), force_terminal=colour, color_system="standard" if colour else None, width=200
    )
    console.print(command.row_text(ROW, brackets=console.color_system is None))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_without_colour_trained_tokens_stand_in_brackets() -> None:
    assert printed(colour=False) == "row 1\n<|im_start|>[bold]hi⟦late[31m⟧\n\n"


def test_with_colour_they_are_green_and_have_no_brackets() -> None:
    text = printed(colour=True)
    assert "\x1b[1;32mlate[31m" in text
    assert "⟦" not in text


def test_where_colour_is_not_wanted_there_are_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, whatever the test runs in
    monkeypatch.setattr(command, "lint_recipe", lambda *_: REPORT)
    command.print_lint("quickstart", None, 3, [])
    assert "⟦" in capsys.readouterr().out


def test_findings_end_with_exit_code_4(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = Finding("rows", "there are 3 rows, fewer than a batch of 8", "write `train.batch_size: 3`")
    report = LintReport(
        **{name: getattr(REPORT, name) for name in ("rows", "tokens", "trained", "longest", "end")}, findings=(found,)
    )
    monkeypatch.setattr(command, "lint_recipe", lambda *_: report)
    with pytest.raises(SystemExit) as ended:
        command.print_lint("quickstart", None, 3, [])
    assert ended.value.code == 4
    written = capsys.readouterr()
    assert "8 rows, 100 tokens, 10 of them trained (10 %)" in written.out
    assert "error: there are 3 rows" in written.err
    assert "fix: write `train.batch_size: 3`" in written.err


def test_a_sound_recipe_ends_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "lint_recipe", lambda *_: REPORT)
    command.print_lint("quickstart", None, 3, [])
    assert "nothing to object to" in capsys.readouterr().out
