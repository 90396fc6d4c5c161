"""An example is added to a recipe's text; everything else in it stays as a person wrote it."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from toolkit.errors import RecipeError
from toolkit.recipe import recipe_from_text
from toolkit.recipe.edit import with_example

QUICKSTART = Path(__file__).parents[2] / "recipes" / "quickstart" / "recipe.yaml"
SHORT = """# mine
name: short
task:   {about: a, system: b, labels: [yes_, "no"]}   # flow
data: {path: x.csv}
"""
LISTED = """name: listed
task:
    about: 'single ''quotes'''
    system: b
    labels:
        first: what it means   # why
        second: another
    examples:
        first:
        - one   # first of all

        # about the second label
        second: ["two", 'three']
train: {lr: 2e-3}
"""


def changes(before: str, after: str) -> list[str]:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    return [line for line in lines if not line.startswith("@")]


@pytest.mark.parametrize("label", ["late_parcel", "back_in_stock"])
def test_the_shipped_recipe_gets_one_line_more(label: str) -> None:
    before = QUICKSTART.read_text(encoding="utf-8")
    after = with_example(before, label, 'she said: "no" [/ # {x')
    assert changes(before, after) == [r'+      - "she said: \"no\" [/ # {x"']
    recipe = recipe_from_text(after, QUICKSTART.parent, QUICKSTART)
    assert recipe.file.task.examples[label][-1] == 'she said: "no" [/ # {x'


def test_comments_and_quotes_stay() -> None:
    after = with_example(LISTED, "first", "more\n  of it")
    assert changes(LISTED, after) == ['+        - "more of it"']
    assert after.index("more of it") < after.index("# about the second label")
    after = with_example(LISTED, "second", "four")
    assert changes(LISTED, after)[1:] == ['+        second: ["two", \'three\', "four"]']


def test_where_there_are_no_examples_they_begin() -> None:
    after = with_example(SHORT, "no", "not at all")
    assert "# mine" in after
    assert "# flow" in after
    assert recipe_from_text(after, Path(), Path("recipe.yaml")).file.task.examples == {"no": ["not at all"]}


@pytest.mark.parametrize(
    ("label", "message", "words"),
    [
        ("third", "x", "not one of task.labels"),
        ("first", "  ", "empty"),
        ("first", " one ", "already"),
    ],
)
def test_what_cannot_be_added_is_said(label: str, message: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        with_example(LISTED, label, message)


def test_text_that_is_no_recipe_is_refused() -> None:
    for text in ("a: [", "- 1", "task: 3", ""):
        with pytest.raises(RecipeError):
            with_example(text, "first", "x")
