"""A canary in every gate and private item: over a whole run, and over its replay, none comes out before the exam."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from school import LABELS, School, lessons
from test_canaries import canaries, engineer, texts
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.journal import DATABASE
from toolkit.models.chat import open_chat_model
from toolkit.run import Run
from toolkit.types import Request

SEALED_FILES = ("data/gate.jsonl", "data/private.jsonl")
COMMANDS = (
    ["show"],
    ["show", "--attempts"],
    ["show", "--json"],
    ["lineage"],
    ["lineage", "--rows"],
    ["lineage", "--json"],
    ["report", "--open=no"],
)


class BeforeTheExam(BaseException):
    """The run stops here, as a kill would."""


@pytest.fixture
def school(school: School) -> School:
    school.engineer = engineer
    school.skill = dict.fromkeys(LABELS, 0.6)
    return school


@pytest.fixture
def student_saw(school: School, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    answers = school.answers

    def noted(prompts: Sequence[Any], trained: bool) -> Iterator[tuple[int, str]]:
        seen.extend(json.dumps(prompt) for prompt in prompts)
        return answers(prompts, trained)

    monkeypatch.setattr(school, "answers", noted)
    return seen


def stop_before_the_exam(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise BeforeTheExam

    with monkeypatch.context() as patch:
        patch.setattr("toolkit.loop.exam", stop)
        with pytest.raises(BeforeTheExam):
            run.carry_out()
    assert run.reader.openings("private") == []


def sealed_words(run: Run) -> re.Pattern[str]:
    words = [word for split in ("gate", "private") for word in canaries(run, split)]
    assert len(words) > 60
    return re.compile(rf"\b({'|'.join(words)})\b")


def journal_text(run: Run) -> str:
    database = sqlite3.connect(run.folder / DATABASE)
    text = "\n".join(database.iterdump())
    database.close()
    return text


def printed(run: Run) -> dict[str, str]:
    found = {}
    for command, *more in COMMANDS:
        result = CliRunner().invoke(app, [command, str(run.folder), *more], env={"COLUMNS": "300"})
        assert result.exit_code == 0, result.output
        found[" ".join([command, *more])] = result.output
    return found


def written(run: Run) -> dict[str, str]:
    """Every file of the run's folder but the two that hold the items, and the database, which is dumped."""
    files = [path for path in run.folder.rglob("*") if path.is_file() and not path.name.startswith(DATABASE)]
    names = {str(path.relative_to(run.folder)): path for path in files}
    return {
        name: path.read_text(encoding="utf-8", errors="replace")
        for name, path in names.items()
        if name not in SEALED_FILES
    }


def leaking(found: dict[str, str], words: re.Pattern[str]) -> list[str]:
    return [name for name, text in found.items() if words.search(text)]


@pytest.mark.parametrize("kind", ["bandit", "plan", "code"])
def test_before_the_exam_a_canary_is_nowhere(
    school: School,
    student_saw: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {"engineer": {"kind": kind, "feedback": "cases"}, "budget": {"min_rows": 4}}
    first = school.begin(**settings)
    stop_before_the_exam(first, monkeypatch)
    # the same run again, from the first one's journal alone: every reply is a replayed one
    monkeypatch.setattr("toolkit.stages.session.open_chat_model", open_chat_model)
    asked = len(school.asked)
    second = school.begin(**settings, teacher={"model": f"replay/{first.folder}"})
    stop_before_the_exam(second, monkeypatch)
    assert len(school.asked) == asked and second.reader.call_totals()["calls"] > 0
    words = sealed_words(second)
    for run in (first, second):
        sources = {"journal": journal_text(run), **printed(run), **written(run)}
        sources["process"] = caplog.text + "".join(capfd.readouterr())
        sources["prompts"] = "\n".join(school.prompts())
        assert leaking(sources, words) == []
        assert "data/public.jsonl" in leaking(sources, re.compile(r"canary\d")), "the search itself finds what is there"
    private = re.compile(rf"\b({'|'.join(canaries(second, 'private'))})\b")
    assert student_saw and not [prompt for prompt in student_saw if private.search(prompt)]


def test_a_teacher_that_writes_the_items_changes_nothing_that_is_shown(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its texts are in the journal, as what it wrote; they are quarantined, and no command prints them."""
    run = school.begin(engineer={"kind": "bandit"}, budget={"min_rows": 4})
    leaks = [line for split in ("gate", "private") for line in texts(run, split)]

    def teacher(request: Request) -> str:
        return re.sub(r"^1\. .*", f"1. {leaks[len(school.asked) % len(leaks)]}", lessons(request))

    school.teacher = teacher
    stop_before_the_exam(run, monkeypatch)
    words = sealed_words(run)
    assert run.reader.row_counts()["rejected"]["leak"] > 0 and words.search(journal_text(run))
    assert leaking({**printed(run), **written(run), "prompts": "\n".join(school.prompts())}, words) == []


def test_after_the_exam_only_unseal_shows_the_items(school: School, student_saw: list[str]) -> None:
    run = school.run(engineer={"mode": "one-shot", "kind": "bandit"}, budget={"min_rows": 4})
    words = sealed_words(run)
    assert [prompt for prompt in student_saw if words.search(prompt)], "the exam was sat"
    assert leaking({**printed(run), **written(run), "journal": journal_text(run)}, words) == []
    shown = CliRunner().invoke(app, ["unseal", str(run.folder), "--reason", "to look", "--json"]).output
    assert words.search(shown)
