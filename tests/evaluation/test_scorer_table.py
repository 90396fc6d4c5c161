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

OWN = {
    "label": 'late¦_¦parcel¦.¦"¦ ',
    "choice": 'A¦b¦)¦(¦. ¦one¦two¦\n¦answer is ¦*¦"',
    "json": '{¦}¦[¦]¦"a"¦:¦,¦1¦-¦e9¦.¦null¦NaN¦```json\n¦\n```',
    "sql": "SELECT ¦1¦ UNION ¦*¦ FROM t¦a¦(¦)¦,¦;¦'¦\"¦--¦/*¦-¦99999999999999999999¦x''",
    "probe": "lantern¦Lantern¦ ¦(¦\\¦.",
}
"""What the answers to a scorer are made of: random text seldom gets past a parser's first character."""
OWN["json_fields"] = OWN["json"]


def joined(parts: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts.split("¦")), max_size=12).map("".join)


quantities = st.tuples(
    st.sampled_from(["", "answer is ", "\\boxed{", "$", "x = ", "("]),
    st.sampled_from(["5", "10^", "10**", "1,", "1\u00a0", "1\u202f", ".5", "-1e", "7/", "2 × 10^", "\\frac{1}{"]),
    st.sampled_from(["", " ", "\t", "\u00a0", "{", " { ", "\t{", "-", "}"]),
    st.sampled_from(["", "000", "5", "99", "0"]),
    st.sampled_from(["", " ", "\u00a0", "}", ")", " million "]),
    st.sampled_from(["", "GHz", "h", "pm", "kJ/mol", "%", "10^3 m", "dollars", "π"]),
    st.sampled_from(["", "^40", "99", "-30", "^{-99}", "⁻⁹", " per s"]),
).map("".join)
literals = st.recursive(
    st.sampled_from(["1", "-1", "'x'", "None", "1j", "b''", "1e999", "...", "0xf", "x"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda found: f"[{', '.join(found)}]"),
        st.tuples(inner, inner).map(lambda found: f"({found[0]}, {found[1]})"),
        st.tuples(inner, inner).map(lambda found: f"{{{found[0]}: {found[1]}}}"),
        st.tuples(inner, inner).map(lambda found: f"{{{found[0]}, {found[1]}}}"),
        st.tuples(inner, inner).map(lambda found: f"{found[0]} + {found[1]}"),
    ),
    max_leaves=4,
)
LIKE_ANSWERS = {name: joined(parts) for name, parts in OWN.items()}
LIKE_ANSWERS["number"] = st.lists(quantities, max_size=2).map(" ".join)
LIKE_ANSWERS["call"] = literals.map("f(a={})".format)


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
@settings(max_examples=400)
@given(data=st.data())
def test_any_text_like_its_answers_gives_a_score(name: str, data: st.DataObject) -> None:
    answer = data.draw(LIKE_ANSWERS[name])
    assert 0 <= SCORERS[name](ITEMS[name], answer) <= 1
    turned = Item("1", "gate", "how many million?", answer, meta=ITEMS[name].meta)  # an odd item is no crash either
    assert 0 <= SCORERS[name](turned, answer) <= 1


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("number", "5 GHz^40"),
        ("number", "2 h99"),
        ("number", "12 pm-30"),
        ("number", "1\u00a0000"),
        ("number", "10^\t{5}"),
        ("number", "10**\u00a0{ -3 }"),
        ("call", "f(a={[1]: 2})"),
        ("call", "f(a={1, 2})"),
    ],
)
def test_answers_that_once_ended_a_run_are_wrong_or_read(name: str, answer: str) -> None:
    assert SCORERS[name](ITEMS[name], answer) == 0


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
        assert guarded(lambda item, answer, found=given_score: found, "foreign")(ITEMS["label"], "") == kept


@pytest.mark.parametrize("name", list(SCORERS))
def test_no_scorer_of_ours_ends_a_run_and_a_failing_one_is_reported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> float:
        raise OverflowError("the text of a sealed item")

    monkeypatch.setitem(SCORERS, name, fails)
    told: list[str] = []
    assert open_scorer(name, told.append)(ITEMS[name], "5") == 0
    assert told == [f"the scorer {name!r} failed over an answer (OverflowError); such answers score 0"]
