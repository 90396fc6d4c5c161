"""How a run is made to fit into a time, and what it costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.budget import Size, parse_duration, shrink
from toolkit.cli.work import load_within, spending_line
from toolkit.data.prepare import prepare
from toolkit.data.sources import read_examples
from toolkit.data.splits import make_splits
from toolkit.errors import RecipeError
from toolkit.models.prices import Price, price_of
from toolkit.recipe import Recipe, load_recipe
from toolkit.stages.progress import (
    USUAL_ITEMS,
    before_run,
    dearer,
    fitted,
    forecast_before,
    items_of,
    known_pace,
    spending_before,
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SCHOOLHOUSE_CONFIG", str(tmp_path / "config"))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("1h30m", 5400), ("1.5h", 5400), ("5400s", 5400), ("90", 5400), ("1H", 3600)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0m", "-5m", "5m later", "1d"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(RecipeError, match="no length of time"):
        parse_duration(text)


@given(st.integers(1, 10), st.integers(20, 2000), st.floats(1, 5000))
def test_the_largest_size_that_fits_is_taken(rounds: int, rows: int, seconds: float) -> None:
    def cost(size: Size) -> float:
        return 60.0 * size.rounds + size.rows

    found = shrink(Size(rounds, rows), 10, seconds, cost)
    if found is None:
        assert cost(Size(1, min(10, rows // rounds or 1))) > seconds
        return
    assert cost(found) <= seconds and found.rounds <= rounds and found.rows <= rows
    assert found.rows // found.rounds >= min(10, rows // rounds), "a round with fewer rows is refused"
    if found.rounds > 1:
        assert cost(Size(found.rounds + 1, rows // rounds * (found.rounds + 1))) > seconds or found.rounds == rounds


def test_rounds_go_before_rows() -> None:
    def cost(size: Size) -> float:
        return size.rows

    assert shrink(Size(3, 300), 30, 250, cost) == Size(2, 200)
    assert shrink(Size(3, 300), 30, 90, cost) == Size(1, 90)
    assert shrink(Size(3, 300), 30, 20, cost) is None
    assert shrink(Size(3, 300), 30, 300, cost) == Size(3, 300)


def test_a_recipe_is_made_smaller_and_its_minutes_are_the_limit() -> None:
    whole = load_recipe("quickstart", [])
    items = (107, 107, 314)
    seconds = before_run(whole, items) * 0.6
    smaller = load_recipe("quickstart", fitted(whole, seconds))
    assert before_run(smaller, items) <= seconds
    assert smaller.file.budget.minutes == pytest.approx(seconds / 60, abs=0.01)
    assert smaller.file.budget.rounds < whole.file.budget.rounds
    assert fitted(whole, 10 * 3600)[0] == f"budget.rounds={whole.file.budget.rounds}"


def test_rounds_that_are_too_small_are_refused_before_they_are_made_fewer() -> None:
    with pytest.raises(RecipeError, match="6 rounds share 180 rows, 30 each, but 32 are needed"):
        load_within("quickstart", ["budget.rounds=6"], "10h")


def test_too_little_time_says_how_much_is_needed() -> None:
    with pytest.raises(RecipeError) as caught:
        fitted(load_recipe("quickstart", []), 30)
    assert "write --within" in caught.value.fix


def test_items_are_counted_where_they_are_known(own_folders: Path) -> None:
    few = {"public": 2, "gate": 3}
    recipe = load_recipe("quickstart", ["data.labels=4", f"data.per_label={json.dumps(few)}"])
    assert items_of(recipe) == (8, 12, 3 * USUAL_ITEMS)
    data = prepare(recipe, own_folders / "run")
    assert items_of(recipe, own_folders / "run") == (8, 12, data.sealed.count)
    assert before_run(recipe, items_of(recipe, own_folders / "run")) < before_run(recipe)


def test_the_least_is_counted_in_the_labels_in_use() -> None:
    recipe = load_recipe("quickstart", ["data.labels=2", "budget.min_rows=1", "budget.rows=60"])
    (size,) = [text for text in fitted(recipe, _shortest(recipe) + 1) if text.startswith("budget.rows")]
    assert int(size.partition("=")[2]) < 2 * len(recipe.file.task.labels)


def _shortest(recipe: Recipe) -> float:
    """Seconds of one round on four rows."""
    budget = recipe.file.budget.model_copy(update={"rounds": 1, "rows": 4})
    splits = make_splits(read_examples(recipe), recipe).items
    items = len(splits["public"]), len(splits["gate"]), len(splits["private"])
    return before_run(replace(recipe, file=recipe.file.model_copy(update={"budget": budget})), items)


def test_a_forecast_has_every_stage() -> None:
    found = forecast_before(load_recipe("quickstart", []))
    assert set(found.stages) == {"generate", "train", "evaluate", "load"} and min(found.stages.values()) > 0


# -- money --------------------------------------------------------------------------------------


def test_this_machine_costs_nothing_and_an_unknown_price_is_unknown() -> None:
    assert price_of("llama_cpp/x") == Price()
    assert price_of("openai/any@http://127.0.0.1:8080/v1") == Price()
    assert price_of("openai/unheard-of@https://example.org/v1") is None
    recipe = load_recipe("quickstart", ["teacher.model=openai/unheard-of@https://example.org/v1"])
    assert spending_before(recipe).dollars is None


def test_who_else_costs_money_is_named() -> None:
    assert dearer(load_recipe("quickstart", [])) == []
    cloud = ["engineer.kind=code", "engineer.model=openai/gpt-4o@https://api.openai.com/v1"]
    recipe = load_recipe("quickstart", cloud)
    assert dearer(recipe) == ["engineer"]
    assert spending_line(recipe).endswith("no money for the teacher; the calls of the engineer cost extra")


def test_a_person_edits_the_table(own_folders: Path) -> None:
    table = own_folders / "config" / "prices.toml"
    table.parent.mkdir()
    table.write_text('[models."my-*"]\ninput = 2.0\noutput = 8.0\n[models."gpt-4o"]\ninput = 1\noutput = 2\n')
    assert price_of("openai/my-model@https://example.org/v1") == Price(2.0, 8.0)
    assert price_of("openai/openai/gpt-4o@https://openrouter.ai/api/v1") == Price(1.0, 2.0)
    recipe = load_recipe("quickstart", ["teacher.model=openai/my-model@https://example.org/v1"])
    found = spending_before(recipe)
    assert found.dollars == pytest.approx((2 * found.prompt_tokens + 8 * found.completion_tokens) / 1e6)
    table.write_text("models = 3")
    with pytest.raises(RecipeError, match="price table"):
        price_of("openai/my-model@https://example.org/v1")


def test_cached_tokens_are_cheaper_where_the_table_says_so() -> None:
    assert Price(2.0, 8.0, 0.5).of(1_000_000, 0, 500_000) == 1.25
    assert Price(2.0, 8.0).of(1_000_000, 1_000_000) == 10.0


def test_a_damaged_file_of_paces_is_the_default(own_folders: Path) -> None:
    (own_folders / "cache").mkdir()
    (own_folders / "cache" / "pace.json").write_text("{")
    assert known_pace().row_seconds > 0
    (own_folders / "cache" / "pace.json").write_text('{"row_seconds": 9, "teachers": {"a/b": {"row_seconds": 2}}}')
    assert (known_pace("a/b").row_seconds, known_pace("c/d").row_seconds) == (2, 9)
