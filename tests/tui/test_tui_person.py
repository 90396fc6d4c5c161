from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from engineered import PLAN_FILE, attempt, two_rounds, wait_for_approval
from hypothesis import example, given
from hypothesis import strategies as st
from made_up import MadeUpRuns, app_of
from piloting import shown, until
from recorded import Recorder
from textual.document._document import Document
from textual.widgets import Input, TextArea

from toolkit.harmless import STEERS
from toolkit.run import Run
from tui import _take_editor
from tui.app import SchoolhouseApp
from tui.drafts import problem
from tui.person import Note, notes_of
from tui.screens.approve import ApproveScreen
from tui.screens.run import RunScreen
from tui.screens.steer import SteerScreen
from tui.text import as_written, editable


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    found = two_rounds(tmp_path / "quickstart-live")
    yield found
    found.__exit__()


def made_up(app: SchoolhouseApp) -> MadeUpRuns:
    assert isinstance(app.runs, MadeUpRuns)
    return app.runs


# -- without a terminal ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PLAN_FILE, ""),
        (PLAN_FILE.replace("18", "many"), "parcel_late must have a whole number of rows"),
        (PLAN_FILE.replace("wrong_item", "rong_item"), "there is no label 'rong_item'"),
        (PLAN_FILE + "style: []\n", "unknown keys: style"),
        (PLAN_FILE + "personas: a baker\n", "personas: write a list of texts"),
        (PLAN_FILE + "shown: {nobody: [0]}\n", "shown: there is no label 'nobody'"),
        ("skills: [", "line "),
        ("- a\n", "not a mapping"),
        ("styles: [a]\n", "skills must be a mapping"),
    ],
)
def test_a_plan_that_cannot_run_is_named_before_the_run_goes_on(text: str, words: str) -> None:
    found = problem(Path("attempt-5.yaml"), text, PLAN_FILE)
    assert words in found
    assert bool(found) == bool(words)


def test_a_program_that_does_not_parse_is_named_with_its_line() -> None:
    assert problem(Path("attempt-1.py"), "submit([])\n", "") == ""
    assert problem(Path("attempt-1.py"), "x = 1\nfor x\n", "").startswith("line 2:")


def test_a_note_is_waiting_then_taken_then_used() -> None:
    notes = notes_of([(10.0, "first"), (30.0, "second")], ["third"], [(1, 5.0), (2, 12.0)])
    assert notes == (Note("first", True, 2), Note("second", True, None), Note("third"))


def test_what_steers_a_terminal_stands_in_the_editor_by_its_number() -> None:
    assert editable("a\x1b[2J\n\tb\u202e\x7f") == "a⟨U+001B⟩[2J\n\tb⟨U+202E⟩⟨U+007F⟩"
    assert editable("one\r\ntwo\r\n") == "one\r\ntwo\r\n"
    assert editable("one\r\ntwo\n") == "one⟨U+000D⟩\ntwo\n"
    assert as_written("typed: ⟨U+0041⟩ ⟨U+1⟩ ⟨U+202E⟩") == "typed: ⟨U+0041⟩ ⟨U+1⟩ \u202e"


WRITING = "می\u200cخواهم 👩\u200d🚀 \U0001f3f4\U000e0067\U000e007f soft\u00adhyphen \u200e\u200f ✔\ufe0f \ue000 \u00a0"


AWKWARD = st.sampled_from(["⟨U+001B⟩", "⟨", "U+202E⟩", "\r\n", "\r", "\n", "\x85", "\u2028", "a"])


@given(st.text() | st.lists(AWKWARD).map("".join))
@example(WRITING)
def test_a_text_comes_out_of_the_editor_as_it_went_in(text: str) -> None:
    shown = editable(text)
    assert not STEERS.search(shown.replace("\r\n", "\n"))
    assert as_written(Document(shown).text) == text, "textual's editor breaks lines at more characters than these"


def test_real_writing_is_edited_as_it_is() -> None:
    assert editable(WRITING) == WRITING


def test_an_editor_is_taken_out_of_the_environment_of_started_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "nano")
    monkeypatch.setenv("VISUAL", "emacs -nw")
    assert _take_editor() == "emacs -nw"
    assert _take_editor() == ""


# -- approval ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_a_plan_is_edited_and_approved(recorder: Recorder, size: tuple[int, int]) -> None:
    path = wait_for_approval(recorder)
    app = app_of(recorder, "paused")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "The plan of attempt 5 waits for you: press a" in shown(app))
        assert "Approve" in shown(app)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ApproveScreen) and "refund_status: 31" in shown(app))
        area = app.screen.query_one(TextArea)
        area.load_text(PLAN_FILE.replace("refund_status: 31", "refund_status: 44"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert made_up(app).asked == ["approve"]
        assert not path.exists()
        assert "refund_status: 44" in path.with_name("attempt-5.yaml.approved").read_text()
        await until(pilot, lambda: "Starting …" in shown(app))
        assert "Approve" not in shown(app)


async def test_a_plan_that_cannot_run_stays_open_with_the_reason(recorder: Recorder) -> None:
    path = wait_for_approval(recorder)
    app = app_of(recorder, "paused")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "waits for you" in shown(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ApproveScreen))
        app.screen.query_one(TextArea).load_text("skills:\n  nobody: 3\n")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "there is no label 'nobody'" in shown(app))
        assert made_up(app).asked == []
        assert path.exists()


async def test_edits_are_kept_when_one_leaves(recorder: Recorder) -> None:
    path = wait_for_approval(recorder)
    app = app_of(recorder, "paused")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "waits for you" in shown(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ApproveScreen))
        await pilot.press("x", "q", "ctrl+q")
        await until(pilot, lambda: "Quit without saving?" in shown(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: path.read_text().startswith("xq# Attempt 5"))
        assert isinstance(app.screen, RunScreen)
        assert made_up(app).asked == []


async def test_the_own_editor_gets_the_terminal(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_approval(recorder, "attempt-5.py", "submit([])\n")
    app = app_of(recorder, "paused")
    made_up(app).edited = "log('mine')\n"
    monkeypatch.setattr(app, "suspend", nullcontext)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "The program of attempt 5 waits" in shown(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ApproveScreen))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "log('mine')" in shown(app))
        assert made_up(app).asked == ["edit"]


async def test_a_terminal_that_cannot_be_handed_over_says_so(recorder: Recorder) -> None:
    wait_for_approval(recorder)
    app = app_of(recorder, "paused")
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "waits for you" in shown(app))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ApproveScreen))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "cannot be handed to an editor" in shown(app))


async def test_a_plan_that_was_sent_back_says_why_and_hostile_text_stays_text(recorder: Recorder) -> None:
    wait_for_approval(recorder, text="# [b + \x1b[2J [@click=app.quit]x\n", problem="no label '[/red]\x1b[2J'")
    app = app_of(recorder, "paused")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "It was sent back: no label '[/red]'" in shown(app))
        await pilot.press("a")
        await until(
            pilot, lambda: isinstance(app.screen, ApproveScreen) and "⟨U+001B⟩[2J [@click=app.quit]x" in shown(app)
        )
        assert "It cannot run so: no label '[/red]'" in shown(app)
        assert "\x1b" not in shown(app)


async def test_nothing_to_approve_while_the_run_works(recorder: Recorder) -> None:
    app = app_of(recorder, "running")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        assert "Approve" not in shown(app)
        await pilot.press("a")
        assert isinstance(app.screen, RunScreen)


# -- steering ----------------------------------------------------------------------------------


async def test_a_note_is_left_and_seen_to_be_used(recorder: Recorder) -> None:
    app = app_of(recorder, "running")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, SteerScreen))
        await until(pilot, lambda: "used in attempt 3" in shown(app))
        await pilot.press(*"angry [b]", "enter")
        await until(pilot, lambda: "1 note waiting" in shown(app))
        (left,) = (recorder.folder / "steering").glob("*.txt")
        assert left.read_text() == "angry [b]"
        await pilot.press("n")
        await until(pilot, lambda: "… waiting  angry [b]" in shown(app))
        await pilot.press("escape")

        left.unlink()
        recorder.journal.event("steered", text="angry [b]")
        attempt(recorder, 5, "improve", 4, 0, rows=0)
        await until(pilot, lambda: "note waiting" not in shown(app))
        await pilot.press("n")
        await until(pilot, lambda: "used in attempt 5  angry [b]" in shown(app))


async def test_a_note_that_was_not_sent_is_there_the_next_time(recorder: Recorder) -> None:
    app = app_of(recorder, "running")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        await pilot.press("n", *"half", "escape", "n")
        await until(pilot, lambda: isinstance(app.screen, SteerScreen))
        assert app.screen.query_one(Input).value == "half"
        assert not (recorder.folder / "steering").exists()


async def test_an_engineer_that_reads_no_notes_is_named(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as recorder:
        recorder.begin("bandit")
        app = app_of(recorder, "running")
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            await pilot.press("n")
            await until(pilot, lambda: "(bandit) asks no model: notes become styles" in shown(app))


def test_a_note_left_by_the_toolkit_is_where_the_screen_looks(recorder: Recorder) -> None:
    Run(recorder.folder).steer("more two-part questions")
    assert len(list((recorder.folder / "steering").glob("*.txt"))) == 1
