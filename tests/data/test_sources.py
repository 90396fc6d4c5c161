from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from making import LABELS, messages, recipe_in, write_csv

from toolkit.data.sources import read_examples, read_seeds
from toolkit.errors import DataError


def mistake(recipe_folder: Path, *overrides: str, path: str | None = "data.csv") -> str:
    with pytest.raises(DataError) as caught:
        read_examples(recipe_in(recipe_folder, *overrides, path=path))
    assert caught.value.exit_code == 2
    assert caught.value.fix
    return str(caught.value)


def test_a_csv_file_gives_texts_labels_and_lines(tmp_path: Path) -> None:
    rows = [('over two\nlines, and "quoted"', LABELS[0]), ("NA", LABELS[1]), ("  null  ", LABELS[2])]
    write_csv(tmp_path / "data.csv", rows)
    found = read_examples(recipe_in(tmp_path))
    assert [(one.input, one.output, one.line) for one in found] == [
        ('over two\nlines, and "quoted"', LABELS[0], 2),
        ("NA", LABELS[1], 4),
        ("null", LABELS[2], 5),
    ]


@pytest.mark.parametrize("kind", ["jsonl", "json", "tsv", "semicolons", "parquet"])
def test_every_format_reads_the_same(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    rows = messages()
    name = "data.csv" if kind == "semicolons" else f"data.{kind}"
    objects = [{"text": text, "intent": label} for text, label in rows]
    if kind == "jsonl":
        (tmp_path / name).write_text("\n".join(map(json.dumps, objects)) + "\n\n")
    elif kind == "json":
        (tmp_path / name).write_text(json.dumps(objects, indent=1))
    elif kind == "parquet":
        from datasets import Dataset

        Dataset.from_list(objects).to_parquet(tmp_path / name)
    else:
        mark = "\t" if kind == "tsv" else ";"
        quoted = [f'"{text}"{mark}{label}' for text, label in rows]
        (tmp_path / name).write_text("\n".join([f"text{mark}intent", *quoted]))
    found = read_examples(recipe_in(tmp_path, path=name))
    assert [(one.input, one.output) for one in found] == rows


def test_lines_of_a_json_list_are_known(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('\n[\n {"text": "a", "intent": "late_parcel"},\n\n {"text": "b"}]')
    assert "data.json:5: intent: no such column" in mistake(tmp_path, path="data.json")


def test_a_folder_is_read_whole_and_files_named_after_a_split_are_that_split(tmp_path: Path) -> None:
    rows = messages()
    write_csv(tmp_path / "d" / "more.csv", rows[:60])
    write_csv(tmp_path / "d" / "private.csv", rows[60:])
    (tmp_path / "d" / "README.md").write_text("not data")
    found = read_examples(recipe_in(tmp_path, path="d"))
    assert Counter(one.split for one in found) == {None: 60, "private": 30}


def test_a_recipe_names_the_file_of_a_split(tmp_path: Path) -> None:
    rows = messages()
    write_csv(tmp_path / "d" / "train.csv", rows[:60])
    write_csv(tmp_path / "d" / "test.csv", rows[60:])
    splits = "data.splits={private: test.csv, public: 0.5, gate: 0.5}"
    assert Counter(one.split for one in read_examples(recipe_in(tmp_path, splits, path="d"))) == {
        None: 60,
        "private": 30,
    }
    wrong = "data.splits={private: tset.csv, public: 0.5, gate: 0.5}"
    assert "data.splits.private: no file" in mistake(tmp_path, wrong, path="d")
    assert "did you mean 'test.csv'?" in mistake(tmp_path, wrong, path="d")
    twice = "data.splits={private: test.csv, gate: test.csv, public: 0.5}"
    assert "already the file of" in mistake(tmp_path, twice, path="d")


def test_a_path_may_be_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "here.csv", messages())
    assert len(read_examples(recipe_in(tmp_path / "recipe", path="here.csv"))) == 90


def test_labels_not_in_use_are_left_out(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", messages())
    found = read_examples(recipe_in(tmp_path, "data.labels=2"))
    assert {one.output for one in found} == set(LABELS[:2])


def test_numbers_are_labels_too(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"text": "a", "intent": 0}\n{"text": "b", "intent": 1}\n')
    found = read_examples(recipe_in(tmp_path, "task.labels=[0, 1]", path="data.jsonl"))
    assert [one.output for one in found] == ["0", "1"]


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (None, "data.path: missing"),
        ("dat.csv", "did you mean 'data.csv'?"),
        ("nowhere", "no file or folder"),
        ("empty_folder", "no data file in this folder"),
        ("notes.txt", "unknown kind of file '.txt'"),
    ],
)
def test_a_path_that_leads_nowhere(tmp_path: Path, path: str | None, expected: str) -> None:
    write_csv(tmp_path / "data.csv", messages())
    (tmp_path / "empty_folder").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    assert expected in mistake(tmp_path, path=path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file has no rows"),
        (b"text,intent\n", "the file has no rows"),
        (b"text,intent\nhello,late_parcel\ncaf\xe9,late_parcel\n", "data.csv:3: not UTF-8 (byte 0xe9 at position 4)"),
        ("text,intent\nhello,late_parcel\n".encode("utf-16"), "data.csv:1: not UTF-8"),
        (b"text,intent\nhi, there,late_parcel\n", "data.csv:2: 3 values here, but the first line names 2 columns"),
        (b"text,intent\nhello\n", "data.csv:2: 1 values here"),
        (b'text,intent\n"never closed,late_parcel\n', "not CSV"),
        (b"text,text\na,b\n", "data.csv:1: two columns are named 'text'"),
        (b"text,label\nhello,late_parcel\n", "data.csv:2: intent: no such column. The columns here: text, label"),
        (b"txt,intent\nhello,late_parcel\n", "text: no such column, did you mean 'txt'?"),
        (b"text,intent\n  ,late_parcel\n", "data.csv:2: text: empty"),
        (b"text,intent\nhello,\n", "data.csv:2: intent: empty"),
        (
            b"text,intent\nok,late_parcel\nhello,late_parcl\n",
            "data.csv:3: intent: the label 'late_parcl' is not in task",
        ),
        (b"text,intent\nhello,late_parcl\n", "did you mean 'late_parcel'?"),
        (b"text,intent\nhello,late_parcel\n", "task.labels: no example in the data has the label broken_item, refund"),
    ],
)
def test_bad_csv(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    assert expected in mistake(tmp_path)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(10_000_000, "data.csv:2: this line is longer than 1 MB"), (120_000, "data.csv:2: text: a text of 120000 char")],
)
def test_texts_of_impossible_length(tmp_path: Path, length: int, expected: str) -> None:
    (tmp_path / "data.csv").write_text(f"text,intent\n{'x' * length},late_parcel\n")
    assert expected in mistake(tmp_path)


def test_whole_characters_may_be_spelled_in_halves(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"\N{GRINNING FACE} {text}", "intent": label}) for text, label in messages()]
    assert r"\ud83d\ude00" in lines[0]
    (tmp_path / "data.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert read_examples(recipe_in(tmp_path, path="data.jsonl"))[0].input.startswith("\N{GRINNING FACE} ")


def test_a_wrong_column_is_mended_by_its_own_fix(tmp_path: Path) -> None:
    write_csv(tmp_path / "data.csv", messages(), header=("message", "intent"))
    assert "--set data.columns.input=COLUMN" in mistake(tmp_path)
    assert len(read_examples(recipe_in(tmp_path, "data.columns.input=message"))) == 90


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("data.jsonl", '{"text": "a", "intent": "late_parcel"}\n{"text": \n', "data.jsonl:2: not JSON"),
        ("data.jsonl", '["a", "b"]\n', "data.jsonl:1: not an object"),
        ("data.jsonl", '{"text": null, "intent": "late_parcel"}', "data.jsonl:1: text: empty"),
        ("data.jsonl", '{"text": ["a"], "intent": "late_parcel"}', "data.jsonl:1: text: not a text but list"),
        ("data.jsonl", '{"text": true, "intent": "late_parcel"}', "data.jsonl:1: text: not a text but bool"),
        pytest.param("data.jsonl", "[" * 100_000, "data.jsonl:1: not JSON", id="deep"),
        pytest.param(
            "data.jsonl", f'{{"text": {"9" * 5000}}}', "data.jsonl:1: not JSON: a number of", id="long number"
        ),
        pytest.param("data.json", f'[{{"text": {"9" * 5000}}}]', "data.json:1: not JSON: a number of", id="in a list"),
        ("data.jsonl", r'{"text": "a \ud83d", "intent": "x"}', r"data.jsonl:1: text: \ud83d is half of a character"),
        (
            "data.json",
            "[\n" r'{"text": "\uDE00 b", "intent": "x"}]',
            r"data.json:2: text: \ude00 is half of a character",
        ),
        ("data.jsonl", r'{"\udc00": "a"}', r"data.jsonl:1: \udc00: \udc00 is half of a character"),
        ("data.json", '{"text": "a"}', "data.json: not a list of objects"),
        ("data.json", '[{"text": "a"}\n {"text": "b"}]', "a comma or the closing ] is missing"),
        ("data.json", '[{"text": "a"}', "a comma or the closing ] is missing"),
        ("data.json", "[1]", "data.json:1: not an object"),
        ("data.json", "", "the file has no rows"),
        ("data.json", "[]", "the file has no rows"),
        ("data.parquet", "not parquet", "data.parquet: not Parquet"),
    ],
)
def test_bad_json_and_parquet(
    tmp_path: Path, name: str, content: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / name).write_text(content)
    assert expected in mistake(tmp_path, path=name)


def test_a_hub_name_without_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nobody answers there
    message = mistake(tmp_path, path="nobody/nothing-of-this-name")
    assert "neither a file or folder nor a hub data set" in message
    assert "--set data.path=DIR" in message


# -- seeds -------------------------------------------------------------------------------------


def test_seeds_are_read_from_a_file_of_their_own(tmp_path: Path) -> None:
    write_csv(tmp_path / "d" / "rows.csv", messages())
    write_csv(tmp_path / "d" / "pool.csv", [("where is it",), (" when? ",), ("where is it",)], header=("question",))
    recipe = recipe_in(tmp_path, "data.seeds=pool.csv", path="d")
    assert read_seeds(recipe) == ["where is it", "when?"]
    assert len(read_examples(recipe)) == 90, "the seeds are no examples"
    assert read_seeds(recipe_in(tmp_path, path="d")) == []


def test_the_column_of_seeds_is_that_of_the_inputs(tmp_path: Path) -> None:
    write_csv(tmp_path / "pool.csv", [("1", "where is it")], header=("id", "text"))
    assert read_seeds(recipe_in(tmp_path, "data.seeds=pool.csv")) == ["where is it"]


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        ([("1", "x")], ("id", "words"), "no such column"),
        ([("",)], ("question",), "empty"),
        ([], ("question",), "the file has no rows"),
    ],
)
def test_mistakes_in_seeds_are_named(
    tmp_path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...], words: str
) -> None:
    write_csv(tmp_path / "pool.csv", rows, header=header)
    with pytest.raises(DataError, match=words):
        read_seeds(recipe_in(tmp_path, "data.seeds=pool.csv"))


def test_a_missing_file_of_seeds_is_an_error(tmp_path: Path) -> None:
    write_csv(tmp_path / "pool.csv", messages())
    with pytest.raises(DataError, match=r"data\.seeds: no file .* did you mean 'pool\.csv'"):
        read_seeds(recipe_in(tmp_path, "data.seeds=poll.csv"))
