from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.errors import RecipeError
from toolkit.recipe import RecipeFile, list_recipes, load_recipe, recipe_from_text, recipe_json_schema

GOOD = """\
name: small
task:
  about: Messages to a shop.
  system: Classify.
  labels:
    late: It has not come.
    broken: It came in pieces.
data:
  path: data.csv
train:
  lr: 2e-4
"""


def write(folder: Path, text: str | bytes = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistake(folder: Path, text: str | bytes, overrides: list[str] | None = None) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(folder, text), overrides or [])
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_folder_a_file_and_a_name_load_the_same_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "recipes" / "small")
    by_name, by_folder, by_file = load_recipe("small"), load_recipe(path.parent), load_recipe(path)
    assert by_name.file == by_folder.file == by_file.file
    assert by_name.fingerprint == by_file.fingerprint
    assert by_name.file.train.lr == 2e-4
    assert by_name.text == GOOD


def test_an_unknown_name_gets_the_nearest_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "recipes" / "small")
    with pytest.raises(RecipeError, match="did you mean 'small'") as caught:
        load_recipe("smal")
    assert caught.value.fix == "schoolhouse recipes"


def test_labels_may_be_a_list(tmp_path: Path) -> None:
    head, _, rest = GOOD.partition("  labels:\n")
    text = head + "  labels: [late, broken, 3]\n" + rest.partition("data:")[1] + rest.partition("data:")[2]
    assert load_recipe(write(tmp_path, text)).labels == {"late": "", "broken": "", "3": ""}


def test_labels_in_use_keep_the_order_of_the_task(tmp_path: Path) -> None:
    text = GOOD.replace("    broken:", "    lost: Nobody knows.\n    broken:")
    path = write(tmp_path, text)
    assert list(load_recipe(path).labels) == ["late", "lost", "broken"]
    assert list(load_recipe(path, ["data.labels=2"]).labels) == ["late", "lost"]
    assert list(load_recipe(path, ["data.labels=[broken, late]"]).labels) == ["late", "broken"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [("train.lr=2e-4", 2e-4), ("train.lr=1", 1.0), ("train.lr=.5", 0.5), ("train.lr=1E-3", 1e-3)],
)
def test_overrides_are_yaml_1_2(tmp_path: Path, override: str, expected: float) -> None:
    assert load_recipe(write(tmp_path), [override]).file.train.lr == expected


def test_only_an_iterative_run_shares_its_rows_among_rounds(tmp_path: Path) -> None:
    budget = ["budget.rounds=13"]
    for mode in ("one-shot", "human"):
        load_recipe(write(tmp_path), [*budget, f"engineer.mode={mode}"])
    for rounds, least in ((12, 32), (13, 30)):
        load_recipe(write(tmp_path), [f"budget.rounds={rounds}", f"budget.min_rows={least}"])


def test_the_last_override_wins_and_changes_the_fingerprint(tmp_path: Path) -> None:
    path = write(tmp_path)
    changed = load_recipe(path, ["train.seed=1", "train.seed=2"])
    assert changed.file.train.seed == 2
    assert changed.fingerprint != load_recipe(path).fingerprint


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.lr=fast", "--set: train.lr: should be a number"),
        ("train.lr", "'train.lr' is not an override"),
        ("name.x=1", "--set: name.x: name is a value here"),
        ("train.lora=1", "--set: train.lora: unknown key, did you mean 'lora_r'?"),
        ("train.lr=[1", "--set: train.lr: not YAML"),
        ("data.labels=1", "--set: data.labels: a label task needs at least 2 labels"),
        ("data.labels=9", "--set: data.labels: 9 labels are asked for, task.labels has 2"),
        ("data.labels=[late, brokn]", "--set: data.labels: 'brokn' is not in task.labels, did you mean 'broken'?"),
        ("budget.rows=3", "budget.min_rows: 32 rows are needed"),
        ("budget.rounds=13", "budget.rounds: 13 rounds share 400 rows, 30 each, but 32 are needed for a submission"),
        ("budget.rounds=13", "write `rounds: 12`, `rows: 416` or `min_rows: 30`"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, override: str, expected: str) -> None:
    assert expected in mistake(tmp_path, GOOD, [override])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  lr: 2e-4", "  lr: fast", ":11: train.lr: should be a number"),
        ("  lr: 2e-4", "  lora: 8", ":11: train.lora: unknown key, did you mean 'lora_r'?"),
        ("  lr: 2e-4", "  epochs: 0", ":11: train.epochs: should be greater than 0, not 0"),
        ("  lr: 2e-4", "  dtype: fp16", "write one of auto, float32, bfloat16"),
        ("train:", "lora_r:", "did you mean 'train.lora_r'?"),
        ("name: small", "name: Not Small", ":1: name: only lower-case letters"),
        ("  system: Classify.\n", "", ":2: task.system: missing"),
        ("    broken: It came in pieces.\n", "", ":5: task.labels: a label task needs at least 2 labels"),
        ("    broken: ", "    late: ", ":7: late: this key is there twice"),
        ("  path: data.csv", "  path: [data.csv", "not YAML"),
        ("  path: data.csv", "\tpath: data.csv", ":9: not YAML"),
        ("  path: data.csv", "  splits: {public: 0.5, private: 0.7}", ":9: data.splits: the fractions add up to 1.2"),
        ("  path: data.csv", "  splits: {public: 0.5, test: 0.5}", ":9: data.splits.test: unknown key"),
        ("  path: data.csv", "  columns: {text: x}", ":9: data.columns.text: unknown key"),
        ("data:\n  path: data.csv", "data: here", ":8: data: this is a section, not a value"),
    ],
)
def test_a_mistake_has_file_line_key_and_fix(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    message = mistake(tmp_path, GOOD.replace(old, new))
    assert expected in message
    assert str(tmp_path / "recipe.yaml") in message
    assert "\n  fix: " in message


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = mistake(tmp_path, GOOD.replace("  lr: 2e-4", "  lora: 8\n  epochs: -1\nbudgt: {}"))
    lines = [line for line in message.splitlines() if "recipe.yaml:" in line]
    assert [line.split(":")[1] for line in lines] == ["11", "12", "13"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "the file is empty"),
        (b"- a\n- b\n", "not a mapping but a list"),
        (b"name: x\nabout: caf\xe9\n", ":2: not UTF-8"),
        (b"name: x\nabout: \x07\n", ":2: a character that YAML does not allow"),
        (b"a: !!python/object:os.system x\n", "not YAML"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in mistake(tmp_path, content)


def test_a_folder_without_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"has no recipe\.yaml"):
        load_recipe(tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())).file.name == "small"


def test_the_snapshot_reads_back_to_an_equal_recipe(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path), ["train.lr=3e-5", "data.labels=[late, broken]"])
    again = recipe_from_text(recipe.dump(), Path("elsewhere"), Path("elsewhere/recipe.yaml"))
    assert again.file == recipe.file
    assert again.fingerprint == recipe.fingerprint


def test_the_list_names_broken_recipes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "recipes" / "aaa")
    write(tmp_path / "recipes" / "bbb", "name: bbb\n")
    found = {summary.name: summary for summary in list_recipes()}
    assert found["aaa"].problem is None and found["aaa"].about == "Messages to a shop."
    assert "task: missing" in (found["bbb"].problem or "")


def test_the_schema_covers_every_section_and_allows_a_list_of_labels() -> None:
    schema = recipe_json_schema()
    assert set(schema["properties"]) == set(RecipeFile.model_fields)
    assert {"array", "object"} == {kind["type"] for kind in schema["$defs"]["Task"]["properties"]["labels"]["anyOf"]}
    json.dumps(schema)
