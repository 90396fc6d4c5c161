"""What each kind of answer needs in a recipe, and how its items are read and split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.data.prepare import prepare
from toolkit.data.sources import read_examples
from toolkit.errors import DataError, RecipeError
from toolkit.evaluation.own_answers import QUICK, doubts_about
from toolkit.evaluation.scorers import SCORERS, open_scorer
from toolkit.recipe import Recipe, load_recipe, recipe_from_text
from toolkit.types import Json

GOOD = """\
name: sums
task: {about: Sums., system: Solve., answer: number}
data:
  path: data.jsonl
  columns: {input: question, output: result, unit: unit, source: book, skill: topic}
  splits: {public: 0.25, gate: 0.25, private: 0.5}
"""
ROOMS = ["hall", "kitchen", "cellar", "attic", "garden", "stable", "library", "tower"]


def rows() -> list[dict[str, Json]]:
    return [
        {"question": f"{room}: {n * 7} tiles of {n + 3} by {n * 2 + 1} cm, what area?", "result": n * 7 * (n + 3) / 2,
         "unit": "cm^2" if n % 2 else None, "book": room, "topic": "area" if n % 2 else "count"}
        for room in ROOMS for n in range(2, 12)
    ]  # fmt: skip


def recipe(folder: Path, text: str = GOOD, data: list[dict[str, Json]] | None = None) -> Recipe:
    lines = [json.dumps(row) for row in (rows() if data is None else data)]
    (folder / "data.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    return load_recipe(folder)


def test_a_recipe_without_labels_survives_its_own_dump(tmp_path: Path) -> None:
    found = recipe(tmp_path)
    again = recipe_from_text(found.dump(), tmp_path, tmp_path / "recipe.yaml")
    assert found.labels == again.labels == {}
    assert again.fingerprint == found.fingerprint


def test_items_keep_what_their_scorer_needs(tmp_path: Path) -> None:
    data = prepare(recipe(tmp_path), tmp_path / "run")
    metered = next(item for item in data.public if item.skill == "area")
    assert metered.meta == {"unit": "cm^2", "source": metered.input.split(":")[0]}
    assert open_scorer("number")(metered, f"{metered.output} cm^2") == 1
    assert "unit" not in next(item for item in data.public if item.skill == "count").meta


def test_answers_that_their_own_scorer_turns_down_are_told_and_refused_when_most_are(tmp_path: Path) -> None:
    def spoilt(times: int) -> Recipe:
        return recipe(
            tmp_path, data=[{**row, "result": "unknown"} if n < times else row for n, row in enumerate(rows())]
        )

    assert prepare(spoilt(0), tmp_path / "fine", doubts_about).doubts == ""
    prepare(spoilt(3), tmp_path / "run", doubts_about)
    told = prepare(spoilt(3), tmp_path / "run").doubts
    assert (
        told.startswith("3 of 80 answers of the data score 0 by 'number' themselves") and "data.jsonl:1: result" in told
    )
    with pytest.raises(DataError, match=r"data.jsonl:1: result: 41 of 80 answers of the data score 0") as caught:
        prepare(spoilt(41), tmp_path / "most", doubts_about)
    assert "data.columns.output" in caught.value.fix
    assert not (tmp_path / "most").exists()


def test_only_what_reads_and_runs_nothing_is_asked_about_the_datas_own_answers(tmp_path: Path) -> None:
    text = GOOD.replace("answer: number", "answer: sql")
    assert doubts_about(recipe(tmp_path, text), read_examples(recipe(tmp_path, text))) == ""
    assert {*QUICK} <= {*SCORERS}


def test_answers_that_are_all_different_are_split_by_skill(tmp_path: Path) -> None:
    data = prepare(recipe(tmp_path), tmp_path / "run")
    sizes = len(data.public), len(data.gate), data.sealed.count
    assert sum(sizes) == 80
    assert 14 <= sizes[0] <= 26
    assert 14 <= sizes[1] <= 26
    for split in (data.public, data.gate):
        assert {item.skill for item in split} == {"area", "count"}
    assert data.skills == {"area": "", "count": ""}


def test_structured_answers_and_lists_are_read(tmp_path: Path) -> None:
    text = GOOD.replace("answer: number", "answer: json").replace("unit: unit", "options: choices")
    data = [
        {"question": f"q{n}", "result": {"n": n}, "choices": '["a", "b"]', "book": "", "topic": "t"} for n in range(9)
    ]
    found = read_examples(recipe(tmp_path, text, data))
    assert found[3].output == '{"n": 3}'
    assert found[3].meta == {"options": ["a", "b"]}


def test_too_few_items_say_how_many_are_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it needs at least 10"):
        prepare(recipe(tmp_path, data=rows()[::8]), tmp_path / "run")


@pytest.mark.parametrize("given", [5, 1, -0.1, "5 %", "a bit", True, [0.1], "1e999"])
def test_a_tolerance_that_is_no_share_is_refused_with_its_line(tmp_path: Path, given: Json) -> None:
    text = GOOD.replace("unit: unit", "tolerance: within")
    fine = [{**row, "within": within} for row, within in zip(rows(), [0, 0.05, "0", "", None], strict=False)]
    found = read_examples(recipe(tmp_path, text, fine))
    assert [one.meta.get("tolerance") for one in found] == [0, 0.05, "0", None, None]
    with pytest.raises(DataError, match=r"data.jsonl:2: within: a tolerance of .* below 1") as caught:
        read_examples(recipe(tmp_path, text, [fine[0], {**fine[1], "within": given}]))
    assert "write 0.05 for 5 %" in caught.value.fix


def test_a_missing_scorer_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such column.*question"):
        read_examples(recipe(tmp_path, GOOD.replace("unit: unit", "unit: units")))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("answer: number", "answer: label", "task.labels: missing"),
        ("answer: number", "answer: number, labels: [a, b]", "task.labels: an answer of the kind number has no labels"),
        (
            "answer: number",
            "answer: label, labels: [a, b]",
            "data.columns.skill: in a label task the skill is the label",
        ),
        ("path: data.jsonl", "labels: 3", "data.labels: an answer of the kind number has no labels"),
        ("answer: number", "answer: python", "data.columns: code is scored by tests"),
        ("answer: number", "answer: essay", "task.answer: should be 'label', 'choice'"),
        ("unit: unit", "units: unit", "data.columns.units: unknown key, did you mean 'unit'?"),
    ],
)
def test_a_recipe_that_contradicts_itself(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(tmp_path, GOOD.replace(old, new))
    assert expected in str(caught.value)
    assert "\n  fix: " in str(caught.value)
