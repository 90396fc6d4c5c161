"""A canary in every gate and private item: before the exam no screen of the terminal UI shows one.

The run is a replayed one, and the screens ask the toolkit itself; only the students and doctor are stand-ins.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from piloting import shown, until
from school import LABELS, FakeStudent, School, build
from test_canaries import canaries, engineer
from test_canary_run import leaking, sealed_words, stop_before_the_exam
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, SelectionList
from textual.worker import Worker

from toolkit.models.chat import open_chat_model
from toolkit.run import Run
from tui.app import SchoolhouseApp
from tui.doors.home import HomeDoor
from tui.machine import Health
from tui.screens.attempts import AttemptsScreen
from tui.screens.call import CallScreen
from tui.screens.chat import ChatScreen
from tui.screens.compare import CompareScreen
from tui.screens.data import DataScreen
from tui.screens.evaluation import EvaluationScreen
from tui.screens.run import RunScreen
from tui.screens.steer import SteerScreen

SIZE = (160, 50)
LINES = 4
"""Rows and items that are looked at one by one, of each list."""


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path))
    found = build(tmp_path, monkeypatch)
    found.engineer = engineer
    found.skill = dict.fromkeys(LABELS, 0.6)
    monkeypatch.setattr("toolkit.run.students.weights_path", lambda name: tmp_path / name)
    monkeypatch.setattr(
        "toolkit.run.students.open_student",
        lambda backend, gguf, adapter, log, **_: FakeStudent(found, adapter is not None),
    )
    # it looks at the machine, in a child that lets all others go first: beside busy tests no walk could wait for it
    monkeypatch.setattr(HomeDoor, "health", lambda self, again=False: Health())
    return found


@pytest.fixture
def replayed(school: School, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The second of two runs: every reply of it is the first one's. Both stopped before their exam."""
    settings = {"engineer": {"kind": "plan", "feedback": "cases"}, "budget": {"min_rows": 4}}
    first = school.begin(**settings)
    stop_before_the_exam(first, monkeypatch)
    monkeypatch.setattr("toolkit.stages.session.open_chat_model", open_chat_model)
    second = school.begin(**settings, teacher={"model": f"replay/{first.folder}"})
    stop_before_the_exam(second, monkeypatch)
    return second


class Watcher:
    """Presses keys, and keeps what was on the screen after each."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot, self.seen = pilot, list[str]()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause(0.05)
            await self.look()

    async def look(self) -> None:
        """Once nothing is asked of the toolkit any more."""
        await until(self.pilot, lambda: not [one for one in self.pilot.app.workers if working(one)])
        self.seen.append(shown(self.pilot.app))


def working(worker: Worker[object]) -> bool:
    return worker.group == "actions" and not worker.is_finished


async def run_screen(watch: Watcher) -> None:
    await watch.press("1", "2", "end", "3", "4", "end", "1", *"ssss")


async def attempts_screen(watch: Watcher) -> None:
    app = watch.pilot.app
    await watch.press("t")
    await until(watch.pilot, lambda: isinstance(app.screen, AttemptsScreen) and app.screen.view.attempts)
    screen = app.screen
    attempts = screen.query_one("#attempt-list", OptionList)
    for place in range(attempts.option_count)[-2:]:
        attempts.highlighted = place
        await watch.press("1", "2", "3", "4", "5")
        calls = screen.query_one("#call-list", OptionList)
        await until(watch.pilot, lambda: calls.option_count)  # noqa: B023
        await watch.look()
        calls.focus()
        for number in range(min(2, calls.option_count)):
            calls.highlighted = number
            await watch.press("enter")
            if isinstance(app.screen, CallScreen):
                await watch.press("end", "escape")
        attempts.focus()


async def data_screen(watch: Watcher) -> None:
    app = watch.pilot.app
    await watch.press("d")
    await until(watch.pilot, lambda: isinstance(app.screen, DataScreen) and app.screen.row and app.screen.facets.total)
    assert isinstance(app.screen, DataScreen)
    await watch.press(*["down"] * LINES, "end", *["up"] * LINES)


async def evaluation_screen(watch: Watcher) -> None:
    app = watch.pilot.app
    await watch.press("e")
    await until(watch.pilot, lambda: isinstance(app.screen, EvaluationScreen) and app.screen.view.students)
    for _ in range(2):  # public and gate
        await watch.press("1", "2", "4", "3", *["down"] * LINES, "end", "s")


async def chat_screen(watch: Watcher) -> None:
    app = watch.pilot.app
    await watch.press("c")
    await until(watch.pilot, lambda: isinstance(app.screen, ChatScreen))
    assert isinstance(app.screen, ChatScreen)
    public = json.loads((app.screen.folder / "data" / "public.jsonl").read_text(encoding="utf-8").splitlines()[0])
    app.screen.query_one(Input).value = public["input"]
    await watch.press("enter")
    await until(watch.pilot, lambda: app.screen.turns and not app.screen.waiting)  # type: ignore[attr-defined]
    await watch.press("ctrl+n")


async def compare_screen(watch: Watcher) -> None:
    app = watch.pilot.app
    await watch.press("m")
    await until(watch.pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen._listed)
    app.screen.query_one(SelectionList).select_all()
    await watch.press("enter")
    await until(watch.pilot, lambda: app.screen.view)  # type: ignore[attr-defined]
    await watch.press("tab", "end")


async def steer_screen(watch: Watcher) -> None:
    await watch.press("n")
    await until(watch.pilot, lambda: isinstance(watch.pilot.app.screen, SteerScreen))


SCREENS = {
    "run": run_screen,
    "attempts": attempts_screen,
    "data": data_screen,
    "evaluation": evaluation_screen,
    "chat": chat_screen,
    "compare": compare_screen,
    "steer": steer_screen,
}


async def test_before_the_exam_no_screen_shows_a_canary(replayed: Run) -> None:
    words, found = sealed_words(replayed), dict[str, str]()
    for name, walk in SCREENS.items():
        app = SchoolhouseApp(open_first=replayed.folder)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)  # noqa: B023
            watch = Watcher(pilot)
            await walk(watch)
            await watch.look()
            found[name] = "\n".join(watch.seen)
    assert leaking(found, words) == []
    public = re.compile("|".join(canaries(replayed, "public")))
    assert {"evaluation", "chat"} <= set(leaking(found, public)), "the search itself finds what is there"
    assert all(len(text) > 1000 for text in found.values())
