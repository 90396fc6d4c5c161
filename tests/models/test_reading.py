"""What a reply is worth."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toolkit.models.json_schema import misfit
from toolkit.models.reading import BadJson, json_of, read, runs_into_the_cut, storable, strict_json, without_thinking
from toolkit.types import Completion, FinishReason, Request

SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "array", "items": {"type": "string"}, "minItems": 2}, "n": {"type": "integer"}},
    "required": ["words"],
    "additionalProperties": False,
}
RIGHT = {"words": ["a", "b"], "n": 3}


def reading(text: str, finish: FinishReason = "stop", schema: Any = None) -> Any:
    return read(Request((), schema=schema), Completion(text, finish, 1, 1))


@pytest.mark.parametrize(
    ("text", "finish", "schema", "problem"),
    [
        ("a word", "stop", None, ""),
        ("", "stop", None, "empty"),
        ("  \n", "stop", None, "empty"),
        ("<think>hm</think>\n", "stop", None, "thinking_only"),
        ("<think>hm", "length", None, "cut_off"),
        ("a wo", "length", None, "cut_off"),
        ("", "context", None, "over_context"),
        ("I can't", "refusal", None, "refused"),
        ("", "error", None, "server_error"),
        ("a wo", "unknown", None, "unknown_finish"),
        (json.dumps(RIGHT), "stop", SCHEMA, ""),
        ('{"words": ["a"', "stop", SCHEMA, "json_cut_off"),
        ('{"words": ["a"', "length", SCHEMA, "json_cut_off"),
        ("Sure! Here you are.", "stop", SCHEMA, "no_json"),
        ('{"words": ["a", 1]}', "stop", SCHEMA, "wrong_schema"),
        ('{"words": ["a", "b"], "words": ["c", "d"]}', "stop", SCHEMA, "no_json"),
        ('{"words": ["a", "b"], "n": NaN}', "stop", SCHEMA, "no_json"),
        ('{"words": ["a", "\\ud800"]}', "stop", SCHEMA, "no_json"),
        ("[" * 10_000 + "]" * 10_000, "stop", SCHEMA, "no_json"),
        ("[" * 10_000, "stop", SCHEMA, "json_cut_off"),
    ],
)
def test_each_reply_has_its_reason(text: str, finish: FinishReason, schema: Any, problem: str) -> None:
    found = reading(text, finish, schema)
    assert found.problem == problem
    assert (found.data is None) == bool(problem or schema is None)


def test_a_code_block_and_thoughts_around_json_do_no_harm() -> None:
    assert reading(f"<think>{{</think>\n```json\n{json.dumps(RIGHT)}\n```", schema=SCHEMA).data == RIGHT


def test_a_block_that_the_template_has_opened_is_taken_out() -> None:
    assert without_thinking("so, hm</think>\nyes") == "yes"
    assert without_thinking("<think>a</think>yes <think>b</think>no") == "yes no"
    assert without_thinking("a < b and think > c") == "a < b and think > c"
    assert without_thinking("so, hm</thinking>\nyes") == "yes"
    assert without_thinking("yes <think>a</think><thinking>never closed") == "yes"


def test_tags_inside_of_code_are_the_codes_own() -> None:
    code = "```python\nx = re.sub('<think>.*?</think>', '', y).split('</think>')[-1] + '<think>'\n```"
    assert without_thinking(f"<think>a\n```\nb\n```\n</think>{code}") == code


@pytest.mark.parametrize("before", ["", "<think>[</think>", "<thinking>\n[1]</thinking>\n", "hm, [2]?</think>"])
@pytest.mark.parametrize("form", ["{}", "```json\n{}\n```"])
def test_the_json_of_a_whole_reply(before: str, form: str) -> None:
    text = before + form.format(json.dumps(["a"]))
    assert json_of(Completion(text, "stop", 1, 1)) == ["a"]
    assert json_of(Completion(text, "length", 1, 1)) is None
    assert json_of(Completion(f"{text} and so on", "stop", 1, 1)) is None


def test_a_row_at_the_cut_is_found() -> None:
    cut = "1. Where is my parcel?\n2. My card is bro"
    assert runs_into_the_cut("My card is bro", cut)
    assert not runs_into_the_cut("Where is my parcel?", cut)
    assert runs_into_the_cut("half of", '["whole", "half of')


def test_half_a_surrogate_pair_is_written_out() -> None:
    assert storable("a\ud800b") == "a\\ud800b"
    assert storable("a\x00b😀") == "a\x00b😀"


@pytest.mark.parametrize("text", ["1e999", "{", "", "nul", "[1] [2]", "-Infinity"])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(BadJson):
        strict_json(text)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (True, {"type": "integer"}),
        (1.5, {"type": "integer"}),
        ("c", {"enum": ["a", "b"]}),
        (1, {"const": True}),
        ({}, {"required": ["a"]}),
        ({"b": 1}, {"properties": {"a": {}}, "additionalProperties": False}),
        ([1, "x"], {"items": {"type": "integer"}}),
        ("x", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (1, False),
        ({"a": {"b": [{}]}}, {"properties": {"a": {"properties": {"b": {"items": {"required": ["c"]}}}}}}),
    ],
)
def test_misfits_are_found(value: Any, schema: Any) -> None:
    assert misfit(value, schema)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1.0, {"type": "integer"}),
        ([1], {"minItems": 2}),
        (None, {"type": ["string", "null"]}),
        (RIGHT, SCHEMA),
        (1, True),
    ],
)
def test_fits_are_not(value: Any, schema: Any) -> None:
    assert misfit(value, schema) == ""
