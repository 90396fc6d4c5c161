from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up import app_of, make_app
from piloting import shown, until
from recorded import Recorder
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from toolkit.journal import DATABASE
from toolkit.types import Row
from tui.app import SchoolhouseApp
from tui.rows import (
    PAGE,
    PAGES_KEPT,
    Chosen,
    Facets,
    Pages,
    RowLine,
    choices,
    decision_of,
    public_item_id,
    set_filter,
    twin_text,
)
from tui.rows_feed import FacetsNews, RowsSource
from tui.runs import Runs
from tui.screens.call import CallScreen
from tui.screens.data import DataScreen
from tui.screens.run import RunScreen
from tui.widgets.rows import filter_words
from tui.widgets.window import Window


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """157 rows of a round, then five of a second attempt that show every kind of verdict."""
    with Recorder(tmp_path / "quickstart-live") as recorder:
        recorder.begin()
        recorder.generate(1)
        recorder.journal.round(1, attempt=1, arm="iterative", row_ids=[])
        special_rows(recorder)
        yield recorder


def special_rows(recorder: Recorder) -> None:
    journal = recorder.journal
    journal.attempt(2, operation="improve", program="", plan={})
    recorder.call(2)
    hashes = (journal.calls(limit=1)[0]["hash"],)
    first = Row("where is my parcel, it is friday already", "parcel_late", "parcel_late", hashes, {"style": "plain"})
    journal.row(2, 0, first)
    near = Row("where is my parcel, it is friday", "parcel_late", "parcel_late", hashes)
    journal.row(2, 1, near, status="rejected", reason="near_duplicate", detail=f"0.93 to: {first.input}")
    journal.row(2, 2, Row(first.input, "wrong_item", "wrong_item"), status="rejected", reason="duplicate",
                detail=first.input)  # fmt: skip
    journal.row(2, 3, Row("is the sealed text", "parcel_late"), status="quarantined", reason="leak",
                detail="near 0.88 to gate item abc")  # fmt: skip
    journal.row(2, 4, Row("where is it", "lost"), status="rejected", reason="unknown_label", detail="'lost'")


# -- without a terminal ------------------------------------------------------------------------


def test_pages_are_asked_for_once_and_few_are_kept() -> None:
    pages, line = Pages(), RowLine(1, 0, "a", "accepted", "x", "text")
    assert pages.wanted(95, 130) == [0, 1]
    assert pages.wanted(95, 130) == []
    pages.put(1, [line])
    assert pages.line(PAGE) == line
    assert pages.line(PAGE + 1) is None
    pages.age()
    assert pages.line(PAGE) == line  # shown until it is read again
    assert pages.wanted(100, 100) == [1]
    for number in range(2, 40):
        pages.put(number, [line])
    assert pages.line(PAGE) is None
    assert pages.line(39 * PAGE) == line
    assert len(pages._pages) == PAGES_KEPT


def test_a_status_that_has_no_reason_forgets_the_reason() -> None:
    chosen = set_filter(Chosen(), "reason", "duplicate")
    assert chosen.any
    assert set_filter(chosen, "status", "accepted") == Chosen(status="accepted")


def test_choices_name_the_round_of_an_attempt() -> None:
    facets = Facets(attempts=((1, 5), (2, 3)), rounds=((1, 2),), statuses=(("accepted", 8),))
    assert choices(facets)["attempt"][1:] == [("attempt 1 (5)", 1), ("attempt 2, round 1 (3)", 2)]
    assert choices(facets)["status"] == [("every status", None), ("accepted (8)", "accepted")]


def test_a_filter_is_shown_without_what_steers_a_terminal() -> None:
    words = filter_words(Chosen(skill="late\x1b[2J\u202e", text="x\x07"), Facets(total=3), 1).plain
    assert words == "1 of 3 rows  label: late  text: x"


def test_what_a_row_is_like() -> None:
    assert twin_text({"reason": "near_duplicate", "detail": "0.91 to: a to: b"}) == "a to: b"
    assert twin_text({"reason": "duplicate", "detail": "the text"}) == "the text"
    assert twin_text({"reason": "leak", "detail": "near 0.9 to gate item 7"}) == ""
    assert public_item_id({"reason": "leak", "detail": "near 0.90 to public item 7"}) == "7"
    assert public_item_id({"reason": "leak", "detail": "near 0.90 to gate item 7"}) == ""


def test_a_decision_is_shown_where_it_changes_something() -> None:
    row = RowLine(1, 0, "a", "accepted", "x", "text")
    assert decision_of({"a": "drop"}, row) == "dropped"
    assert decision_of({"a": "keep"}, row) == ""
    assert decision_of({}, row) == ""


def test_news_only_when_something_changed(recorder: Recorder) -> None:
    runs = make_app(recorder.folder.parent, 0.0).runs
    source = RowsSource(runs, recorder.folder)
    news = source.look()
    assert isinstance(news, FacetsNews)
    assert news.facets.total == 161
    assert dict(news.facets.attempts)[2] == 5
    assert source.look() is None
    recorder.journal.event("log", text="nothing about rows")
    assert source.look() is None
    runs.decide(recorder.folder, "someid", "drop")
    news = source.look()
    assert isinstance(news, FacetsNews)
    assert news.facets.waiting == ("someid",)
    source.close()


def many_rows(folder: Path, count: int) -> None:
    with Recorder(folder) as recorder:
        recorder.begin()
    with sqlite3.connect(folder / DATABASE) as database:
        database.executemany(
            "INSERT INTO rows VALUES (1, ?, ?, ?, ?, ?, '[]', '{}', 'accepted', '', '', 0)",
            ((n, f"id{n}", f"message number {n}", f"label_{n % 20}", f"label_{n % 20}") for n in range(count)),
        )


def test_a_window_anywhere_in_100_000_rows_is_there_at_once(tmp_path: Path) -> None:
    many_rows(tmp_path / "run", 100_000)
    runs, times = Runs(), []
    for chosen, page in ((Chosen(), 0), (Chosen(), 999), (Chosen(skill="label_3"), 40), (Chosen(text="99"), 10)):
        start = time.perf_counter()
        _, pages = runs.row_window(tmp_path / "run", chosen, [], [page])
        times.append(time.perf_counter() - start)
        assert len(pages[page]) == PAGE
    assert sorted(times)[1] < 1.0  # 30 ms alone; machines are shared


# -- with a terminal ---------------------------------------------------------------------------


async def opened(pilot: Pilot[None], app: SchoolhouseApp) -> DataScreen:
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
    await pilot.press("d")
    await until(pilot, lambda: isinstance(app.screen, DataScreen) and app.screen.row and app.screen.facets.total)
    assert isinstance(app.screen, DataScreen)
    return app.screen


async def choose(pilot: Pilot[None], key: str, words: str) -> None:
    """Set a filter by its key."""
    await pilot.press(key)
    await until(pilot, lambda: pilot.app.screen.query(OptionList))
    options = pilot.app.screen.query_one(OptionList)
    prompts = [str(options.get_option_at_index(index).prompt) for index in range(options.option_count)]
    options.highlighted = next(index for index, prompt in enumerate(prompts) if prompt.startswith(words))
    await pilot.press("enter")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_rows_by_filter_and_a_duplicate_beside_its_original(recorder: Recorder, size: tuple[int, int]) -> None:
    app = app_of(recorder)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "161 rows" in shown(app))
        await choose(pilot, "r", "near_duplicate")
        await until(pilot, lambda: "1 of 161 rows" in shown(app))
        await until(pilot, lambda: "like row 1 of attempt 2, accepted (0.93 alike)" in shown(app))
        assert "friday already" in shown(app)
        await pilot.press("escape")
        await choose(pilot, "s", "quarantined")
        await until(pilot, lambda: "near 0.88 to gate item abc" in shown(app))
        await pilot.press("a")
        await choose(pilot, "o", "attempt 1, round 1")
        await until(pilot, lambda: "156 of 161 rows" in shown(app))
        await pilot.press("escape", "escape")
        assert isinstance(app.screen, RunScreen)
        assert screen.chosen == Chosen()


async def test_search_and_where_a_row_came_from(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        assert not screen.check_action("source", ())  # the first row has no reply noted
        await pilot.press("slash")
        await until(pilot, lambda: app.screen.query(Input))
        await pilot.press(*"friday alr", "enter")
        await until(pilot, lambda: "2 of 161 rows" in shown(app))
        await until(pilot, lambda: screen.row and screen.row.line.attempt == 2)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, CallScreen))
        assert "the reply behind row 1 of attempt 2" in shown(app)


async def test_drop_and_keep_by_key(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = await opened(pilot, app)
        assert not screen.check_action("decide", ("keep",))
        await pilot.press("x")
        await until(pilot, lambda: "dropped by you; it counts from" in shown(app))
        (left,) = (recorder.folder / "decisions").glob("*.json")
        assert screen.row
        assert json.loads(left.read_text()) == {"row": screen.row.line.id, "decision": "drop"}
        assert not screen.check_action("decide", ("drop",))
        await pilot.press("k")
        await until(pilot, lambda: "dropped by you" not in shown(app))
        await choose(pilot, "r", "unknown_label")
        await until(pilot, lambda: screen.row and screen.row.line.reason == "unknown_label")
        await pilot.press("k")  # such a row is of no use
        assert screen.check_action("decide", ("keep",)) is False
        await choose(pilot, "r", "near_duplicate")
        await until(pilot, lambda: screen.row and screen.row.line.reason == "near_duplicate")
        await pilot.press("k")
        await until(pilot, lambda: "kept by you" in shown(app))
        await pilot.press("a", "y")
        await until(pilot, lambda: "4 of 161 rows" in shown(app))  # equal texts are one row


async def test_rows_that_come_are_counted_and_the_place_stays(recorder: Recorder) -> None:
    app = app_of(recorder)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        window = screen.query_one(Window)
        await pilot.press("pagedown", "down")
        place = window.cursor
        recorder.row(3, "one more", "parcel_late")
        await until(pilot, lambda: "162 rows" in shown(app))
        assert window.cursor == place
        await pilot.press("end")
        await until(pilot, lambda: screen.row and screen.row.input == "one more")
        await pilot.press("home")
        await until(pilot, lambda: window.scroll_offset.y == 0 and screen.row and screen.row.line.seq == 0)


async def test_the_end_of_100_000_rows_is_one_key_away(tmp_path: Path) -> None:
    many_rows(tmp_path / "quickstart-many", 100_000)
    app = make_app(tmp_path, 0.0, tmp_path / "quickstart-many")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await pilot.press("end")
        await until(pilot, lambda: "message number 99999" in shown(app))
        assert len(screen.pages._pages) <= 3
        await pilot.press("pageup")
        await until(pilot, lambda: "row 99989 of attempt 1" in shown(app))


async def test_a_run_without_rows_says_so(tmp_path: Path) -> None:
    with Recorder(tmp_path / "new") as recorder:
        recorder.begin()
        app = app_of(recorder)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.view.scores)
            await pilot.press("d")
            await until(pilot, lambda: "no row yet" in shown(app))
            await pilot.press("x", "k", "w", "enter", "down", "end")
            assert isinstance(app.screen, DataScreen)
