"""A person in the loop: steering notes, and plans and programs that wait for approval."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from school import FILLED, School
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.cli.work import resume_run
from toolkit.engineer import Proposal
from toolkit.errors import SchoolhouseError
from toolkit.recipe.yaml_text import parse_value
from toolkit.run import Run
from toolkit.stages.approve import ApprovalWanted, as_text

GOOD = f"```python\n{FILLED}\n```"
WISH = "more two-part questions"

WRONG = {
    "styles: angry": 'styles: write a list of texts, each in quotes, such as ["annoyed", "very short"], not \'angry\'',
    "styles: []": "styles: write a list of texts",
    "styles: [angry, 2026-11-24]": "styles, number 2: write a list of texts",
    "situations: [12]": "situations, number 1: write a list of texts",
    "per_call: 0": "per_call: write a whole number from 1 to 50, not 0",
    "per_call: 51": "per_call: write a whole number from 1 to 50, not 51",
    "per_call: 2.5": "per_call: write a whole number",
    "per_call: true": "per_call: write a whole number",
    "contrasts: [late_parcel]": "contrasts: write for a label a list of others",
    "contrasts: {late_parcel: [lost]}": "contrasts: there is no label 'lost'",
    "notes: {late_parcel: 12}": "notes, late_parcel: write for a label a text in quotes, not 12",
    "notes: {12: short}": "notes: write for a label a text in quotes, not 12",
    "notes: short ones": "notes: write for a label a text in quotes, not 'short ones'",
    "shown: {late_parcel: [-1]}": "shown, late_parcel, number 1: write for a label a list of places",
    "2026-11-24: x": "unknown keys: 2026-11-24",
}
"""A line of a plan -> what is said of it."""


def wait_for(run: Run) -> Path:
    with pytest.raises(ApprovalWanted) as stop:
        run.carry_out()
    return stop.value.path


def test_a_note_reaches_the_engineer_once_it_plans_next(school: School) -> None:
    school.engineer = lambda request: GOOD
    run = school.begin(engineer={"kind": "code"})
    run.steer(f"  {WISH},\n from angry people ")
    run.carry_out()
    prompts = [prompt for prompt in school.prompts() if "data engineer" in prompt]
    assert all(f"asks for:\n- {WISH}, from angry people" in prompt for prompt in prompts)
    assert [note["text"] for note in run.reader.notes()] == [f"{WISH}, from angry people"]
    assert [event["kind"] for event in run.reader.events()].count("steered") == 1


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 501])
def test_a_note_that_says_nothing_or_too_much_is_refused(school: School, text: str) -> None:
    with pytest.raises(SchoolhouseError, match="the note"):
        school.begin().steer(text)


def test_the_command_leaves_a_note(school: School) -> None:
    run = school.begin()
    result = CliRunner().invoke(app, ["steer", str(run.folder), WISH])
    assert result.exit_code == 0, result.output
    assert "bandit asks no model" in result.output
    run.carry_out()
    assert run.reader.notes()[0]["text"] == WISH


@pytest.mark.parametrize("kind", ["fixed", "bandit"])
def test_engineers_without_a_model_follow_a_wish_too(school: School, kind: str) -> None:
    run = school.begin(engineer={"kind": kind})
    run.steer(WISH)
    run.carry_out()
    for attempt in run.reader.attempts():
        assert attempt["plan"]["changes"] == [
            {"what": f"every third style: {WISH}", "why": f"asked for by a person: {WISH}"}
        ]
    styles = [prompt.rpartition("Style: ")[2].split("\n")[0] for prompt in school.prompts() if "Now for" in prompt]
    assert 0.2 <= styles.count(WISH) / len(styles) <= 0.5
    assert run.summary()["attempts"][0]["changes"]


def test_the_programs_of_a_code_engineer_say_whose_wish_they_follow(school: School) -> None:
    school.engineer = lambda request: GOOD
    run = school.begin(engineer={"kind": "code"}, budget={"rounds": 1})
    run.steer(WISH)
    run.carry_out()
    assert run.reader.attempts()[0]["plan"]["changes"][0]["why"] == f"asked for by a person: {WISH}"


def test_personas_that_a_person_writes_into_a_plan_reach_the_teacher(school: School) -> None:
    run = school.begin(engineer={"approve": "plan"}, budget={"rounds": 1})
    path = wait_for(run)
    path.write_text(path.read_text() + "personas: [a retired teacher, a student who moved, a baker]\n")
    run.approve()
    run.carry_out()
    lessons = [prompt for prompt in school.prompts() if "Now for these customers" in prompt]
    for persona in ("a retired teacher", "a student who moved", "a baker"):
        assert any(f"Written by: {persona}\nStyle: " in prompt for prompt in lessons)
    assert all("Written by: " in prompt for prompt in lessons)


def test_a_plan_waits_and_runs_as_edited(school: School) -> None:
    run = school.begin(engineer={"approve": "plan"}, budget={"rounds": 1})
    path = wait_for(run)
    assert run.status == "paused"
    assert run.reader.attempts() == []
    assert wait_for(run) == path, "nothing runs until it is approved"
    path.write_text(path.read_text().replace("late_parcel: 8", "late_parcel: 2"))
    run.approve()
    run.carry_out()
    (attempt,) = run.reader.attempts()
    assert attempt["plan"]["skills"] == {"late_parcel": 2, "broken_item": 8, "refund_status": 8}
    assert attempt["plan"]["changes"] == [{"what": "edited before it ran", "why": "by a person"}]
    assert attempt["plan"]["room"] == 24


def test_a_note_that_comes_while_a_plan_waits_is_for_the_next_attempt(school: School) -> None:
    run = school.begin(engineer={"approve": "plan"})
    wait_for(run)
    run.steer(WISH)
    run.approve()
    wait_for(run)
    assert [WISH in attempt["plan"].get("wishes", []) for attempt in run.reader.attempts()] == [False]
    run.approve()
    run.carry_out()
    assert [WISH in attempt["plan"].get("wishes", []) for attempt in run.reader.attempts()] == [False, True]


def test_a_plan_that_nobody_changed_is_the_engineers(school: School) -> None:
    run = school.begin(engineer={"approve": "plan"}, budget={"rounds": 1})
    wait_for(run)
    run.approve()
    run.carry_out()
    assert "changes" not in run.reader.attempts()[0]["plan"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b", "not a mapping"),
        ("skills: {late_parcel: many}", "whole number of rows"),
        ("skills: {lost: 3}", "no label 'lost'"),
        ("skills: {late_parcel: 3}\nlr: 1", "unknown keys: lr"),
        ("styles: [angry]", "skills must be"),
        ("skills: [", "cannot be used"),
        ("skills: {late_parcel: 3}\nstyles: angry\n- very short", "line 3: expected <block end>"),
        (f"skills: {'[' * 5000}", "cannot be used"),
        *(("skills: {late_parcel: 3}\n" + line, words) for line, words in WRONG.items()),
    ],
)
def test_a_plan_that_cannot_be_used_waits_again(school: School, text: str, words: str) -> None:
    run = school.begin(engineer={"approve": "plan"})
    path = wait_for(run)
    path.write_text(text)
    run.approve()
    with pytest.raises(ApprovalWanted) as stop:
        run.carry_out()
    assert words in stop.value.message
    assert path.read_text() == text, "what the person wrote is kept"


def test_what_a_model_says_stays_in_the_comments() -> None:
    changes = [{"what": "late_parcel: 9 rows", "why": "it is weak\nskills: {}\u2028per_call: 1\x1b[2J"}]
    plan = {"skills": {"late_parcel": 9}, "changes": changes}
    text = as_text(3, Proposal("improve", plan, ""))
    assert parse_value(text) == {"skills": {"late_parcel": 9}}
    assert "#   because: it is weak skills: {} per_call: 1 [2J\n" in text


def test_a_program_waits_and_runs_as_edited(school: School) -> None:
    school.engineer = lambda request: GOOD
    run = school.begin(engineer={"kind": "code", "approve": "code"}, budget={"rounds": 1})
    path = wait_for(run)
    path.write_text("this is no program")
    run.approve()
    assert wait_for(run) == path
    path.write_text(f"# mine\n{FILLED}")
    run.approve()
    asked = len([prompt for prompt in school.prompts() if "data engineer" in prompt])
    run.carry_out()
    assert run.reader.attempts()[0]["program"].startswith("# mine")
    assert asked == 1, "the engineer is not asked again"


def test_the_options_of_run_are_keys_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    monkeypatch.setattr(
        "toolkit.cli.work.run_recipe",
        lambda name, overrides, **more: seen.update(name=name, overrides=overrides, **more),
    )
    options = ["--engineer", "plan", "--mode", "one-shot", "--rounds", "4", "--approve", "plan", "--steer", WISH]
    result = CliRunner().invoke(app, ["run", "quickstart", *options, "--set", "train.lr=1e-4"])
    assert result.exit_code == 0, result.output
    assert seen["steer"] == [WISH]
    assert sorted(seen["overrides"]) == [  # type: ignore[call-overload]
        "budget.rounds=4",
        "engineer.approve=plan",
        "engineer.kind=plan",
        "engineer.mode=one-shot",
        "train.lr=1e-4",
    ]


def editor_of(school: School, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    """An editor that changes the plan and ends with a code."""
    editor = school.folder / "editor.sh"
    editor.write_text(f'#!/bin/sh\nsed -i "s/late_parcel: 8/late_parcel: 3/" "$1"\nexit {code}\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], object]]:
    """Types into a terminal that this process reads from."""
    pty = pytest.importorskip("pty")
    person, terminal = pty.openpty()
    with os.fdopen(terminal, encoding="utf-8") as stdin, os.fdopen(person, "wb", buffering=0) as keyboard:
        monkeypatch.setattr("sys.stdin", stdin)
        yield keyboard.write


def test_the_editor_is_opened_and_the_run_goes_on(
    school: School, monkeypatch: pytest.MonkeyPatch, typed: Callable[[bytes], object]
) -> None:
    editor_of(school, monkeypatch)
    run = school.begin(engineer={"approve": "plan"}, budget={"rounds": 1})
    typed(b"y\n")
    resume_run(str(run.folder))
    assert run.reader.attempts()[0]["plan"]["skills"]["late_parcel"] == 3


def test_a_plan_that_cannot_be_used_is_not_opened_again_before_it_is_said_why(
    school: School,
    monkeypatch: pytest.MonkeyPatch,
    typed: Callable[[bytes], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    editor_of(school, monkeypatch)
    editor = school.folder / "editor.sh"
    editor.write_text('#!/bin/sh\necho opened >> "$0.log"\necho "styles: angry" > "$1"\n')
    run = school.begin(engineer={"approve": "plan"}, budget={"rounds": 1})
    typed(b"y\nn\n")
    with pytest.raises(typer.Exit):
        resume_run(str(run.folder))
    assert Path(f"{editor}.log").read_text() == "opened\n"
    said = capsys.readouterr().out
    assert "attempt-1.yaml cannot be used: skills must be a mapping" in said
    assert said.index("cannot be used") < said.index("edit attempt-1.yaml again?")
    assert "schoolhouse resume" in said


@pytest.mark.parametrize("editor", ["fails", "is not there"])
def test_an_editor_that_fails_approves_nothing(
    school: School, monkeypatch: pytest.MonkeyPatch, typed: Callable[[bytes], object], editor: str
) -> None:
    editor_of(school, monkeypatch, code=1)
    if editor == "is not there":
        monkeypatch.setenv("EDITOR", "no-such-editor")
    run = school.begin(engineer={"approve": "plan"}, budget={"rounds": 1})
    typed(b"y\n")
    with pytest.raises(typer.Exit):
        resume_run(str(run.folder))
    assert run.reader.attempts() == []


@pytest.mark.parametrize("editor", ["", "true"])
def test_without_a_terminal_the_run_pauses_and_says_how_to_go_on(
    school: School, monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    run = school.begin(engineer={"approve": "plan"}, budget={"rounds": 1})
    result = CliRunner().invoke(app, ["resume", str(run.folder)])
    assert result.exit_code == 130
    assert "waits for your approval" in result.output
    assert "--yes" in result.output
    assert CliRunner().invoke(app, ["resume", str(run.folder), "--yes"]).exit_code == 0


def test_a_detached_run_has_no_editor(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    editor_of(school, monkeypatch)
    started: list[dict[str, str]] = []
    monkeypatch.setattr("toolkit.run.run.subprocess.Popen", lambda *_, env, **__: started.append(env))
    school.begin(engineer={"approve": "plan"}).resume_detached()
    assert not {"EDITOR", "VISUAL"} & started[0].keys()
    assert "PATH" in started[0]
