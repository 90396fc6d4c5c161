"""Multiple choice, JSON and function calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.evaluation.scorers import call, choice, json_equal, json_fields
from toolkit.types import Item

QUESTION = "Which one burns?\nA) water\nB) dry wood\nC) sand"

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def item(output: str, question: str = "a question", **meta: Any) -> Item:
    return Item("1", "gate", question, output, meta=meta)


@pytest.mark.parametrize(
    "answer",
    ["B", "b", "(B)", "B.", "B)", "**B**", "dry wood", "Dry wood.", "B) dry wood", "The answer is B.", "Answer: (B)",
     "<think>A?</think>B", "The answer is **B** because wood burns."],
)  # fmt: skip
def test_an_option_is_named_by_letter_or_text(answer: str) -> None:
    assert choice(item("B", QUESTION), answer) == 1
    assert choice(item("dry wood", QUESTION), answer) == 1


@pytest.mark.parametrize(
    "answer", ["", "A", "A or B", "A, B, C", "B) sand", "The answer is B. No, the answer is C.", "wood", "D", "Because"]
)
def test_no_option_a_wrong_one_or_two_are_wrong(answer: str) -> None:
    assert choice(item("B", QUESTION), answer) == 0


def test_options_may_come_with_the_item() -> None:
    assert choice(item("B", options=["cat", "dog"]), "dog") == 1
    assert choice(item("dog", options={"x": "cat", "y": "dog"}), "(Y)") == 1
    assert choice(item("dog"), "dog") == 1


@pytest.mark.parametrize("option", ["In the U.S.", '"Call me Ishmael"', "the dogs'", "**bold**", "Yes."])
def test_an_option_that_ends_in_a_sign_is_named_by_its_text(option: str) -> None:
    for options in (["no", option], {"a": "no", "b": option}):
        asked = item(option, options=options)
        assert choice(asked, option) == choice(asked, option + ".") == choice(asked, f"B) {option}") == 1
        assert choice(asked, "B") == 1
        assert choice(asked, "no.") == choice(asked, "") == choice(asked, f"A) {option}") == 0


def test_options_that_differ_in_a_sign_only_are_told_apart() -> None:
    asked = item("C.", options=["C", "C.", "."])
    assert choice(asked, "C.") == 1
    assert choice(asked, "B) C.") == 1
    assert choice(asked, "C") == 0
    assert choice(item("*", options=["+", "*"]), "*") == choice(item("*", options=["+", "*"]), "B) *") == 1


@given(values)
def test_json_equals_itself_however_it_is_laid_out(value: Any) -> None:
    plain, laid_out = json.dumps(value), json.dumps(value, indent=3, sort_keys=True, ensure_ascii=False)
    for scorer in (json_equal, json_fields):
        assert scorer(item(plain), laid_out) == 1
        assert scorer(item(plain), f"```json\n{plain}\n```") == 1


@given(values, values)
def test_json_that_differs_is_not_equal(one: Any, other: Any) -> None:
    same = json_equal(item(json.dumps(one)), json.dumps(other))
    assert same == json_equal(item(json.dumps(other)), json.dumps(one))
    if same:
        assert one == other
        assert json_fields(item(json.dumps(one)), json.dumps(other)) == 1


@pytest.mark.parametrize(
    ("expected", "answer", "score"),
    [
        ('{"a": 1}', '{"a": 1.0}', 1),
        ('{"a": 1}', '{"a": true}', 0),
        ('{"a": [1, 2]}', '{"a": [2, 1]}', 0),
        ('{"a": 1}', '{"a": 2, "a": 1}', 0),
        ('{"a": 1}', 'Here it is: {"a": 1}', 0),
        ('{"a": 1}', '{"a": NaN}', 0),
        ("[]", "[" * 5000 + "]" * 5000, 0),
        ("1", "1" * 10000, 0),
    ],
)
def test_json_traps(expected: str, answer: str, score: float) -> None:
    assert json_equal(item(expected), answer) == score


def test_field_f1_counts_what_is_right_missing_and_too_much() -> None:
    expected = item('{"name": "Ana", "age": 30, "tags": ["x", "y"]}')
    assert json_fields(expected, '{"name": "Ana", "age": 31, "tags": ["y", "x"]}') == pytest.approx(3 / 4)
    assert json_fields(expected, '{"name": "Ana"}') == pytest.approx(2 * 1 / 5)
    assert json_fields(expected, "{}") == 0


CALL = '{"name": "book", "arguments": {"city": "Oslo", "nights": 2}}'


@pytest.mark.parametrize(
    "answer",
    [
        CALL,
        '{"arguments": {"nights": 2.0, "city": "Oslo"}, "name": "book"}',
        f"[{CALL}]",
        f"<tool_call>\n{CALL}\n</tool_call>",
        '{"type": "function", "function": {"name": "book", "arguments": "{\\"city\\": \\"Oslo\\", \\"nights\\": 2}"}}',
        'book(nights=2, city="Oslo")',
        '```python\nbook(city="Oslo", nights=2)\n```',
    ],
)
def test_a_call_may_be_written_in_several_ways(answer: str) -> None:
    assert call(item(CALL), answer) == 1


@pytest.mark.parametrize(
    "answer",
    ["", "book", "book()", 'book("Oslo", 2)', 'book(city="Oslo", nights=3)', f"[{CALL}, {CALL}]", "null", "[]",
     'book(city="Oslo", nights=2, extra=1)', 'cancel(city="Oslo", nights=2)', "book(**x)", "book(nights=1+1j)",
     "book(nights=__import__('os'))", '{"name": ["book"], "arguments": {}}', "-" * 3000, "(" * 3000],
)  # fmt: skip
def test_another_call_is_wrong(answer: str) -> None:
    assert call(item(CALL), answer) == 0


def test_parallel_calls_come_in_any_order() -> None:
    both = item('[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {"x": [1]}}]')
    assert call(both, "b(x=(1,))\na()") == 1
    assert call(both, "a()") == 0
