"""The report of a run, in Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from school import School, build, lessons
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.run import Run
from toolkit.types import Request


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    return build(tmp_path, monkeypatch)


def report(run: Run) -> str:
    result = CliRunner().invoke(app, ["report", str(run.folder)])
    path = Path(result.output.strip())
    assert path == run.folder / "report.md", result.output
    return path.read_text(encoding="utf-8")


def test_the_report_says_what_was_found_and_on_what_evidence(school: School) -> None:
    run = school.run()
    text, verdict = report(run), run.summary()["verdict"]
    assert text.splitlines()[2] == f"**{verdict['sentence']}**"
    assert verdict["evidence"] in text
    for words in ("## Scores", "## By skill", "late_parcel", "MATS"):
        assert words in text
    assert "One training seed" in text and "opened once, for the exam" in text and "decided on 2 rounds" in text
    assert "Sentence embeddings were off" in text


def test_the_spread_over_seeds_is_in_it(school: School) -> None:
    text = report(school.run(train={"seeds": 2}, budget={"rounds": 1}))
    assert "over 2 training seeds" in text and "| round-1-seed-1 |" in text


def test_what_was_rejected_has_its_reason_and_no_markup_of_its_own(school: School) -> None:
    def teacher(request: Request) -> str:
        return re.sub(r"^1\. .*", "1. my order <b>{order_id}</b> | is `late` [x](y)", lessons(request))

    school.teacher = teacher
    text = report(school.run())
    (line,) = [line for line in text.splitlines() if line.startswith("| looks_like_template")]
    assert "a placeholder was left in the text" in line
    assert "<b>" not in line and "[x](y)" not in line
    assert len(re.findall(r"(?<!\\)\|", line)) == 5, "the row has its four cells"


def test_a_leaked_text_is_not_printed(school: School) -> None:
    run = school.begin()
    leaked = (run.folder / "data" / "private.jsonl").read_text().split('"input": "')[1].split('"')[0]
    school.teacher = lambda request: re.sub(r"^1\. .*", f"1. {leaked}", lessons(request))
    run.carry_out()
    text = report(run)
    assert "| leak |" in text and "exact 1.00 to private item" in text
    assert leaked not in text


def test_before_the_exam_there_is_a_report_too(school: School) -> None:
    run = school.begin()
    text = report(run)
    assert "no verdict yet" in text and "not opened" in text
    assert not re.search(r"canary\d", text)
