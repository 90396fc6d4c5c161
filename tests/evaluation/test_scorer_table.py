"""What holds for every scorer."""

from __future__ import annotations

import time
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from toolkit.errors import SchoolhouseError
from toolkit.evaluation.scorers import SCORERS, guarded, open_scorer, table
from toolkit.types import Item

ITEMS = {
    "label": Item("1", "gate", "q", "late_parcel"),
    "choice": Item("1", "gate", "q\nA) one\nB) two", "B"),
    "json": Item("1", "gate", "q", '{"a": [1, {"b": null}]}'),
    "json_fields": Item("1", "gate", "q", '{"a": [1, {"b": null}]}'),
    "call": Item("1", "gate", "q", '{"name": "f", "arguments": {"x": 1}}'),
    "number": Item("1", "gate", "how many million?", "12.5 kJ", meta={"unit": "kJ"}),
    "sql": Item("1", "gate", "q", "SELECT 1 UNION SELECT 2", meta={"schema": "CREATE TABLE t (a);"}),
    "python": Item("1", "gate", "q", "def f():\n    return 1", meta={"tests": "assert f() == 1"}),
    "regex": Item("1", "gate", "q", "a1", meta={"matches": ["a1"], "rejects": ["b"]}),
    "probe": Item("1", "probe", "q", "Lantern"),
}
REFERENCE = {"regex": "a[0-9]"}
IN_PROCESS = [name for name in SCORERS if name not in ("python", "regex")]

hostile = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(), max_size=60),  # surrogates and controls too
    st.text("()[]{}<>\\^$0123456789eE.,+-*/%πx= \n\"'`;", max_size=60),
    st.sampled_from(["(", "[", "{", "-", "\\boxed{", "```\n", "1e", "9", "<think>", "answer is "]).map(
        lambda c: c * 3000
    ),
)


def test_every_scorer_has_an_item_here() -> None:
    assert set(ITEMS) == set(SCORERS)


@pytest.mark.parametrize("name", list(SCORERS))
def test_the_right_answer_is_right_and_silence_is_wrong(name: str) -> None:
    item = ITEMS[name]
    assert open_scorer(name)(item, REFERENCE.get(name, item.output)) == 1
    assert open_scorer(name)(item, "") == 0


@pytest.mark.parametrize("name", IN_PROCESS)
@given(answer=hostile)
@example(answer="\ud800")
@example(answer="\x00")
def test_any_text_gives_a_score(name: str, answer: str) -> None:
    score = SCORERS[name](ITEMS[name], answer)
    assert 0 <= score <= 1
    assert score == SCORERS[name](ITEMS[name], answer)


@pytest.mark.parametrize("name", IN_PROCESS)
@pytest.mark.parametrize(
    "part", ["1 ", "1,", "<think>", "\\boxed{", "1 kJ mol ", "answer is ", "A) ", "- ", "1=", "[", "'"]
)
def test_no_answer_takes_long_to_score(name: str, part: str) -> None:
    begun = time.perf_counter()
    SCORERS[name](ITEMS[name], part * (20_000 // len(part)) + "x")
    assert time.perf_counter() - begun < 1  # 0.08 s at most when nothing else runs; quadratic ones took 2.5 s


@pytest.mark.parametrize("name", ["python", "regex"])
@settings(max_examples=15)
@given(answer=hostile)
@example(answer="\ud800")
@example(answer="\x00")
def test_any_text_gives_a_score_in_the_sandbox(name: str, answer: str) -> None:
    assert 0 <= SCORERS[name](ITEMS[name], answer) <= 1


@pytest.mark.parametrize("name", IN_PROCESS)
@given(
    output=hostile,
    answer=hostile,
    meta=st.dictionaries(st.sampled_from(["options", "schema", "unit", "tolerance"]), hostile),
)
def test_a_bad_item_is_no_crash_either(name: str, output: str, answer: str, meta: dict[str, Any]) -> None:
    assert 0 <= SCORERS[name](Item("1", "gate", answer, output, meta=meta), answer) <= 1


def test_an_unknown_scorer_is_named_with_those_that_are_known() -> None:
    with pytest.raises(SchoolhouseError, match="'bleu'") as raised:
        open_scorer("bleu")
    assert "label, choice" in raised.value.fix


def test_other_packages_add_scorers_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        [EntryPoint("length", "builtins:len", table.GROUP), EntryPoint("gone", "no_such_module:x", table.GROUP)]
    )
    monkeypatch.setattr(table, "entry_points", lambda group: points.select(group=group))
    assert open_scorer("length")(ITEMS["label"], "x") == 0  # len takes one argument: what it raises is 0
    with pytest.raises(SchoolhouseError, match="gone"):
        open_scorer("gone")


def test_a_foreign_scorer_is_kept_within_bounds() -> None:
    for given_score, kept in ((7.0, 1.0), (-1.0, 0.0), (float("nan"), 0.0), (0.25, 0.25)):
        assert guarded(lambda item, answer, found=given_score: found)(ITEMS["label"], "") == kept
