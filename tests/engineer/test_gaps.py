from __future__ import annotations

import ast

import pytest

from toolkit.engineer.gaps import is_empty, texts_in, with_texts
from toolkit.engineer.skeletons import SKELETON, STYLES, gap, skeleton

KINDS_OF_ANSWERS = ["label", "number", "sql", "python", "json"]
OWN = ["like a letter", "with a joke", "in capitals"]
KNOWN = texts_in(SKELETON, STYLES)


@pytest.mark.parametrize("answer", KINDS_OF_ANSWERS)
def test_every_skeleton_has_one_marked_place_and_copied_it_is_empty(answer: str) -> None:
    program, place = skeleton(answer), gap(answer)
    assert program.count("FILL") == 1 and program.count(place.mark) == 1
    assert len(texts_in(program, place)) == 2
    assert is_empty(program, place, program)
    filled = with_texts(program, place, [*texts_in(program, place), *OWN])
    assert texts_in(filled, place)[2:] == OWN
    assert not is_empty(filled, place, program)
    assert ast.parse(filled)


@pytest.mark.parametrize(
    "copy",
    [
        SKELETON.replace(STYLES.mark, ""),
        SKELETON.replace(STYLES.mark, "# other styles"),
        f"# my program\n\n{SKELETON}\n\n",
        SKELETON.replace("turn = 0", "turn = 10"),
        SKELETON.replace(STYLES.mark, f'"like a letter",  {STYLES.mark}'),
        SKELETON.replace(STYLES.mark, ", ".join(f'"FILL: style {n}"' for n in range(6))),
        with_texts(SKELETON, STYLES, [*KNOWN, *OWN[:2], "In a hurry - all lower case!"]),
        "submit([])\n# FILL: the rest",
    ],
    ids=["no mark", "other comment", "spaces", "one figure", "one text", "placeholders", "two texts", "other list"],
)
def test_what_only_looks_filled_is_empty(copy: str) -> None:
    assert is_empty(copy, STYLES, SKELETON)


@pytest.mark.parametrize(
    "own",
    [
        with_texts(SKELETON, STYLES, OWN),
        with_texts(SKELETON, STYLES, [*KNOWN, *OWN], STYLES.mark),
        with_texts(SKELETON, STYLES, OWN).replace("STYLES = [", "STYLES: list[str] = ["),
        SKELETON.replace(STYLES.mark, "").replace("Write 5 messages.", "Write 7 messages."),
        "STYLES = ['short']\nsubmit([])",
        "submit([])",
    ],
    ids=["list", "list and mark", "annotated", "other code", "own short list", "no list"],
)
def test_a_program_with_a_part_of_its_own_is_the_engineers(own: str) -> None:
    assert not is_empty(own, STYLES, SKELETON)


def test_texts_stay_inside_of_the_list() -> None:
    hostile = ['"]\nimport os', "a\\", "line\nbreak", "é …"]
    filled = with_texts(SKELETON, STYLES, hostile)
    assert texts_in(filled, STYLES) == hostile
    assert len(ast.parse(filled).body) == len(ast.parse(SKELETON).body)


def test_a_program_without_the_list_cannot_be_given_one() -> None:
    assert texts_in("def broken(", STYLES) == texts_in("x = 1", STYLES) == []
    with pytest.raises(ValueError, match="no list STYLES"):
        with_texts("x = 1", STYLES, OWN)
