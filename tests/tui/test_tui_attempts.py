from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engineered import attempt, two_rounds
from made_up import app_of, make_app
from piloting import shown, until
from recorded import Recorder
from textual.pilot import Pilot
from textual.widgets import OptionList, TabbedContent

from toolkit.types import Completion, Request
from tui.app import SchoolhouseApp
from tui.attempts import BEFORE, COMING, Tree, difference, in_tree
from tui.attempts_feed import AttemptsNews, AttemptsSource
from tui.runs import Runs
from tui.screens.attempts import AttemptsScreen
from tui.screens.call import CallScreen
from tui.screens.help import HelpScreen
from tui.screens.run import RunScreen


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    found = two_rounds(tmp_path / "quickstart-live")
    yield found
    found.__exit__()


def look(recorder: Recorder) -> Tree:
    app = make_app(recorder.folder.parent, 0.0)
    message = AttemptsSource(app.runs, recorder.folder).look()
    assert isinstance(message, AttemptsNews)
    return message.tree


# -- without a terminal ------------------------------------------------------------------------


def test_attempts_stand_below_what_they_came_from(recorder: Recorder) -> None:
    tree = look(recorder)
    assert [(found.id, found.operation, found.depth) for found in tree.attempts] == [
        (0, BEFORE, 0),
        (1, "draft", 0),
        (2, "repair", 1),
        (3, "improve", 2),
        (4, "debug", 3),
        (5, COMING, 0),
    ]
    assert [found.id for found in tree.made] == [1, 2, 3, 4]
    assert tree.mats == 2.0
    assert dict(tree.failures) == {"insufficient valid samples": 1, "code runtime error": 1}


def test_counts_round_and_reasons_of_an_attempt(recorder: Recorder) -> None:
    found = look(recorder).find(4)
    assert found
    assert (found.submitted, found.round, found.decision) == (110, 2, "accepted")
    assert 0 < found.accepted < 110
    assert (found.calls, found.questions) == (19, 2)
    assert found.changes[1][1] == "asked for by a person: more two-part questions"
    assert "per_call: 6" in found.plan
    assert "because" not in found.plan


def test_a_child_that_is_older_than_its_sibling_s_child_stands_first() -> None:
    records = [
        {"id": number, "parent": parent, "operation": "draft", "status": "failed", "error_class": None,
         "error": None, "plan": {}, "program": ""}
        for number, parent in ((1, None), (2, 1), (3, None), (4, 1), (5, 2))
    ]  # fmt: skip
    assert [found.id for found in in_tree(records, [], {}, {})] == [1, 2, 5, 4, 3]


def test_a_look_gives_nothing_when_nothing_was_written(recorder: Recorder) -> None:
    source = AttemptsSource(make_app(recorder.folder.parent, 0.0).runs, recorder.folder)
    assert source.look() is not None
    assert source.look() is None
    attempt(recorder, 5, "improve", 4, 0, rows=0)
    assert source.look() is not None
    source.close()


def test_a_difference_keeps_the_signs_that_tell_it_without_colour() -> None:
    assert difference("a\nb\n", "a\nb\n") == []
    found = difference("a\nb\nc\n", "a\nx\nc\n")
    assert ("removed", "-b") in found
    assert ("added", "+x") in found
    assert ("same", " a") in found


def test_the_exact_prompt_and_reply_of_a_call(recorder: Recorder) -> None:
    runs = Runs()
    lines = runs.calls(recorder.folder, 3, 100)
    assert [(line.role, line.finish) for line in lines] == [("engineer", "stop"), ("engineer", "length")]
    call = runs.call(recorder.folder, lines[0].hash)
    assert call.messages == (
        ("system", "You plan lessons."),
        ("user", "Which styles are missing?\n- plain\n- angry"),
    )
    assert call.reply == '{"styles": ["in two parts"]}'
    assert '"type": "array"' in call.schema


# -- with a terminal ---------------------------------------------------------------------------


async def opened(pilot: Pilot[None], app: SchoolhouseApp) -> AttemptsScreen:
    """The attempts of the run that is open, by key."""
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
    await pilot.press("t")
    await until(pilot, lambda: isinstance(app.screen, AttemptsScreen) and app.screen.view.attempts)
    assert isinstance(app.screen, AttemptsScreen)
    return app.screen


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_tree_by_keys(recorder: Recorder, size: tuple[int, int]) -> None:
    app = app_of(recorder)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "4 attempts, 2 valid" in shown(app))
        for words in ("2.00 for each", "(MATS)", "failed:", "✗ 1 draft", "✓ 2 repair", "code runtime error"):
            assert words in shown(app), words
        assert screen.chosen
        assert screen.chosen.id == 5  # the newest
        await pilot.press("up", "up")
        await until(pilot, lambda: "NameError: name 'MESSAGES'" in shown(app))
        await pilot.press("2")
        await until(pilot, lambda: "skills:" in shown(app))
        await pilot.press("3")
        await until(pilot, lambda: "ask_many(prompts" in shown(app))
        await pilot.press("4")
        await until(pilot, lambda: "attempt 2 → attempt 3" in shown(app))
        assert "+MESSAGES = {}" in shown(app) or screen.query_one("#difference-text").max_scroll_y > 0
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)


async def test_two_attempts_of_one_s_choice_are_compared(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("home", "down", "c")  # attempt 1
        await until(pilot, lambda: screen.compared == 1)
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: "attempt 1 → attempt 4" in shown(app))
        assert "-per_call" not in shown(app)
        assert "with the intent" in shown(app)
        await pilot.press("up", "up", "up", "c")
        await until(pilot, lambda: screen.compared is None)


async def test_a_call_is_read_in_full(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("up", "up", "5")
        calls = screen.query_one("#call-list", OptionList)
        await until(pilot, lambda: calls.option_count == 2)
        assert "✗ cut off" in shown(app)
        await pilot.press("enter")
        assert calls.has_focus
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CallScreen))
        await until(pilot, lambda: "Which styles are missing?" in shown(app))
        await pilot.press("r")
        await until(pilot, lambda: '{"styles": ["in two parts"]}' in shown(app))
        await pilot.press("escape")
        assert app.screen is screen


async def test_a_new_attempt_appears_and_the_chosen_one_stays(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("home", "down")
        await until(pilot, lambda: screen.chosen and screen.chosen.id == 1)
        attempt(recorder, 5, "improve", 4, 0, rows=3)
        await until(pilot, lambda: "● 5 improve" in shown(app))
        assert screen.chosen
        assert screen.chosen.id == 1


async def test_many_calls_come_a_page_at_a_time(recorder: Recorder) -> None:
    for _ in range(250):
        recorder.call(5)
    app = app_of(recorder)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("5")
        calls = screen.query_one("#call-list", OptionList)
        await until(pilot, lambda: calls.option_count == 201)
        await pilot.press("enter", "end", "enter")
        await until(pilot, lambda: calls.option_count == 252)


async def test_hostile_words_of_a_model_are_literal_everywhere(recorder: Recorder) -> None:
    evil = "[@click=app.quit]x[/] \x1b]0;hi\x07[/ [b + \x1b[2J\u202e"
    recorder.journal.attempt(
        5,
        operation="improve",
        program=f"print('{evil}')\n",
        plan={"styles": [evil], "changes": [{"what": evil, "why": evil}]},
        parent=4,
    )
    recorder.journal.end_attempt(5, "failed", "other", evil)
    request = Request(({"role": "user", "content": evil},))
    recorder.journal.call(request, Completion(evil * 3, "stop", 1, 1), role="engineer", model="m", attempt=5)
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        for key in ("1", "2", "3", "4"):
            await pilot.press(key)
            await until(pilot, lambda: "[@click=app.quit]x[/]" in shown(app))
            assert not set("\x1b\x07\u202e") & set(shown(app))
        await pilot.press("5")
        await until(pilot, lambda: screen.query_one("#call-list", OptionList).option_count == 3)
        await pilot.press("enter", "end", "enter")
        await until(pilot, lambda: isinstance(app.screen, CallScreen) and "[b + " in shown(app))
        assert not set("\x1b\x07\u202e") & set(shown(app))


async def test_a_run_without_attempts_says_so_and_help_opens(tmp_path: Path) -> None:
    with Recorder(tmp_path / "new") as recorder:
        recorder.begin()
        app = make_app(tmp_path, recorder.clock.now, recorder.folder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            await pilot.press("t")
            await until(pilot, lambda: "nothing planned so far" in shown(app))
            await pilot.press("c", "5", "question_mark")
            assert isinstance(app.screen, HelpScreen)
            await pilot.press("escape")
            assert app.screen.query_one(TabbedContent).active == "calls"
