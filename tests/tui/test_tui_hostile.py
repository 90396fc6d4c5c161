"""Hostile texts on every screen: no exception, shown literally, nothing of it steers the terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answered import LABELS, answered
from made_up import MadeUpRuns, make_app
from piloting import shown, until
from recorded import Recorder
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TabbedContent, TextArea

from toolkit.harmless import STEERS
from toolkit.types import Completion, Outcome, Request, Row
from tui.app import SchoolhouseApp
from tui.comparing import comparison
from tui.doors.examples import ExamplePlace
from tui.linting import Linted
from tui.machine import Health, Lacking, findings_of
from tui.recipes import Checked, Mistake, RecipeText
from tui.screens.attempts import AttemptsScreen
from tui.screens.call import CallScreen
from tui.screens.chat import ChatScreen
from tui.screens.choose import ChooseScreen
from tui.screens.compare import CompareScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.data import DataScreen
from tui.screens.doctor import DoctorScreen
from tui.screens.evaluation import EvaluationScreen
from tui.screens.fetch import FetchScreen
from tui.screens.help import HelpScreen
from tui.screens.home import HomeScreen
from tui.screens.lint import LintScreen
from tui.screens.models import ModelsScreen
from tui.screens.recipe import RecipeScreen
from tui.screens.run import RunScreen
from tui.screens.steer import SteerScreen
from tui.screens.sure import SureScreen
from tui.state import RecipeLine, RunLine
from tui.weights import Memory, ModelLine, probe_lines

TEXTS = {
    "markup": "[b + [/ [@click=app.quit]x",
    "sequences": "\x1b]8;;https://evil.example\x07zz\x1b]8;;\x07\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[H\x9b31m\u202egnp\u2066\u200f",
    "long": "zz" * 500_000,
}
MARKS = {"markup": "[b + [/", "sequences": "zz", "long": "zz"}
"""What has to be on the screen."""


def fill(recorder: Recorder, evil: str) -> None:
    """The text wherever a model, a person or a file may have put it."""
    journal, clock = recorder.journal, recorder.clock
    journal.event("run_started", recipe=evil, teacher=evil, student=evil, engineer=evil)
    journal.event("log", text=evil)
    request = Request(({"role": "user", "content": evil},))
    journal.attempt(3, operation="improve", program=f"x = '{evil}'", plan={"styles": [evil]}, parent=2)
    journal.call(request, Completion(evil, "stop", 1, 1), role=evil[:2000], model=evil[:2000], attempt=3)
    journal.row(3, 0, Row(evil, evil, evil, (request.hash,), {"topic": evil}))
    journal.row(3, 1, Row(evil + "?", evil), status="rejected", reason="near_duplicate", detail=f"0.9 to: {evil}")
    journal.row(3, 2, Row(evil + "!", evil), status="quarantined", reason=evil, detail=evil)
    journal.end_attempt(3, "failed", evil, evil)
    journal.note(int(clock.now * 1e9), evil)
    journal.event("steered", text=evil)
    journal._db.execute("DELETE FROM outcomes WHERE item_id = 'pu00-0'")
    for student in ("zero-shot", "round-2"):
        journal.outcomes_of(
            student, "public", [Outcome("pu00-0", evil, 0.0, LABELS[0]), Outcome("zz", evil, 1.0, evil)]
        )
    journal.set_meta("verdict", {"word": evil, "sentence": evil, "student": "round-2", "evidence": evil})


def hostile_app(recorder: Recorder, evil: str) -> SchoolhouseApp:
    """An app whose toolkit answers with the text too."""
    app = make_app(recorder.folder.parent, recorder.clock.now)
    runs: Any = app.runs
    assert isinstance(runs, MadeUpRuns)
    runs.answers = (evil, evil)
    one = {"score": 0.5, "low": 0.4, "high": 0.6, "n": 9, "rows": 1, "calls": 1, "rounds": 1, "verdict": evil}
    pair = {"difference": 0.1, "low": 0.0, "high": 0.2, "wins": 1, "losses": 0, "n": 9, "p_adjusted": 0.5}
    found = {
        "split": evil,
        "untrained": {evil: one},
        "runs": [{**one, "name": evil}],
        "comparisons": [{**pair, "new": evil, "old": evil, "word": evil, "changed": [evil]}],
        "recipe": {evil: {evil: evil}},
        "notes": [evil],
    }
    runs.lint_run = lambda folder: Linted(((1, ((evil, False), (evil, True))),), evil, ((evil, evil),))
    runs.example_place = lambda folder: ExamplePlace(Path(evil[:200]), (evil, "b"))
    runs.example_preview = lambda path, label, text: ("a: 1\n", f"a: {evil}\n")
    runs.compare = lambda folders: comparison(found)
    runs.recipes = lambda: [RecipeLine(evil, Path("x.yaml"), evil), RecipeLine("bad", Path("y.yaml"), "", evil)]
    runs.runs = lambda: [RunLine(evil, recorder.folder, evil, "running", 0.0, 0.5)]
    runs.machine = lambda: "here"
    runs.found = Health(findings_of([{"what": evil, "state": evil, "ok": False, "fix": evil}]), 1.0)
    runs.needed = (Lacking(evil, 9),)
    runs.models = lambda: [
        ModelLine(evil, 1, evil[:9], 1, 1, (evil[:500],), True, True, Memory(1, 1), probe_lines((evil,)))
    ]
    runs.recipe_text = lambda path: RecipeText(evil, "", evil)
    runs.check_recipe = lambda path, text: Checked((Mistake(evil[:400], 1, "key", evil[:400]),))
    return app


Step = tuple[str, Callable[[Any], object]]
IN_RUN: dict[str, list[Step]] = {
    "run": [("1", lambda s: s.view.samples), ("2", lambda s: s.view.samples), ("4", lambda s: s.view.log)],
    "attempts": [
        ("t", lambda s: isinstance(s, AttemptsScreen) and s.view.attempts),
        *((str(tab), lambda s: s.chosen) for tab in (1, 2, 3, 4)),
        ("5", lambda s: s.query_one("#call-list", OptionList).option_count),
        ("tab", lambda s: s),
    ],
    "data": [
        ("d", lambda s: isinstance(s, DataScreen) and s.row and s.facets.total),
        ("end", lambda s: s.row and s.row.line.status == "quarantined"),
        ("up", lambda s: s.row and s.row.line.reason == "near_duplicate"),
        ("up", lambda s: s.row and s.row.calls),
        ("w", lambda s: isinstance(s, CallScreen)),
    ],
    "filter": [
        ("d", lambda s: isinstance(s, DataScreen) and s.row and s.facets.total),
        ("l", lambda s: s.query(OptionList)),
    ],
    "lint": [
        ("d", lambda s: isinstance(s, DataScreen) and s.row and s.facets.total),
        ("t", lambda s: isinstance(s, LintScreen) and s.found),
    ],
    "evaluation": [
        ("e", lambda s: isinstance(s, EvaluationScreen) and s.view.students),
        *((str(tab), lambda s: s.query_one(TabbedContent)) for tab in (2, 3)),
        ("down", lambda s: s),
        ("4", lambda s: s.query_one(TabbedContent).active == "exam"),
        ("v", lambda s: s.revealed),
    ],
    "chat": [
        ("c", lambda s: isinstance(s, ChatScreen)),
        ("h", lambda s: s.query_one(Input).value),
        ("enter", lambda s: s.turns and not s.waiting),
        ("ctrl+n", lambda s: isinstance(s, SteerScreen)),
        ("escape", lambda s: isinstance(s, ChatScreen)),
        ("ctrl+s", lambda s: isinstance(s, ChooseScreen)),
        ("enter", lambda s: isinstance(s, SureScreen)),
    ],
    "steer": [("n", lambda s: isinstance(s, SteerScreen))],
    "help": [("question_mark", lambda s: isinstance(s, HelpScreen))],
}
AT_HOME: dict[str, list[Step]] = {
    "compare": [
        ("c", lambda s: isinstance(s, CompareScreen) and s._listed),
        ("space", lambda s: s),
        ("enter", lambda s: s.view),
    ],
    "models": [("m", lambda s: isinstance(s, ModelsScreen) and s._models)],
    "doctor": [("d", lambda s: isinstance(s, DoctorScreen))],
    "confirm": [("enter", lambda s: isinstance(s, ConfirmScreen))],
    "fetch": [
        ("enter", lambda s: isinstance(s, ConfirmScreen)),
        ("s", lambda s: isinstance(s, FetchScreen) and s.progress),
    ],
    "recipe": [("e", lambda s: isinstance(s, RecipeScreen) and s.checked), ("f2", lambda s: s.query_one(TextArea))],
    "home": [("down", lambda s: s.query_one("#runs", OptionList).option_count), ("enter", lambda s: s)],
}
QUIET = ("help",)
"""Screens on which nothing of a run is shown."""


def is_harmless(app: SchoolhouseApp) -> bool:
    return not STEERS.search(shown(app))


async def walk(pilot: Pilot[None], steps: list[Step]) -> str:
    """All that was on the screen on the way there; then back to where it began."""
    seen, began = "", pilot.app.screen
    for key, condition in steps:
        await pilot.press(key)
        await until(pilot, lambda: condition(pilot.app.screen))  # noqa: B023
        assert is_harmless(pilot.app), shown(pilot.app)  # type: ignore[arg-type]
        seen += shown(pilot.app)
    await pilot.pause(0.2)
    seen += shown(pilot.app)
    for _ in steps:
        if pilot.app.screen is not began:
            await pilot.press("escape")
            await pilot.pause(0.1)
    assert pilot.app.screen is began
    return seen


@pytest.mark.parametrize("name", TEXTS)
async def test_a_hostile_text_is_harmless_on_every_screen_of_a_run(tmp_path: Path, name: str) -> None:
    evil = TEXTS[name]
    recorder = answered(tmp_path / "run")
    fill(recorder, evil)
    app = hostile_app(recorder, evil)
    app._open_first = recorder.folder
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
        seen = {screen: await walk(pilot, steps) for screen, steps in IN_RUN.items()}
        assert app.is_running
    recorder.__exit__()
    assert [screen for screen in seen if screen not in QUIET and MARKS[name] not in seen[screen]] == []


@pytest.mark.parametrize("name", TEXTS)
async def test_a_hostile_text_is_harmless_on_every_screen_from_home(tmp_path: Path, name: str) -> None:
    evil = TEXTS[name]
    recorder = answered(tmp_path / "run")
    app = hostile_app(recorder, evil)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and app.screen._runs and app.screen._recipes)
        seen = {screen: await walk(pilot, steps) for screen, steps in AT_HOME.items()}
    recorder.__exit__()
    assert [screen for screen in seen if MARKS[name] not in seen[screen]] == []


async def test_a_hostile_error_is_literal_in_a_toast(tmp_path: Path) -> None:
    app = make_app(tmp_path, 0.0)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.complain("[@click=app.quit]x \x1b]52;c;x\x07", "[/ \u202e")
        await until(pilot, lambda: "[@click=app.quit]x" in shown(app))
        assert is_harmless(app)
