"""Exports as a whole, with made-up students: what stands, what blocks, and what is journaled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
from tiny_trained import RECIPE, adapter, base_gguf, trained
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import ExportError, JournalError
from toolkit.export import export as module
from toolkit.export.cards import model_card
from toolkit.export.export import Export, Order, describe_ollama, export
from toolkit.export.gate import gate_prompts
from toolkit.export.parity import Difference, Drift, Parity
from toolkit.export.trained import Trained
from toolkit.journal import GIVEN, Journal
from toolkit.run import Run
from toolkit.run.export import export_run, trained_student
from toolkit.types import Outcome, Row

KNOWN = {
    "end_token": 2,
    "begin": 1,
    "end_texts": ["<|im_end|>"],
    "turns": ["<s>", "<u>", "<su>", "<a>", "<nu>", "<a>"],
    "untold": "",
}
SAME = Parity(60, 60, Drift(60, 0.8, 0.8, 0.0, 0.0))
OTHER = replace(SAME, same_answers=3, differences=(Difference("BOS", "60 of 60 prompts", 60),))


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch) -> list[Parity]:
    """What the gate finds; a test may replace it. No student is asked and no server is looked for."""
    found = [SAME]
    monkeypatch.setattr(module, "inspect_trained", lambda student: KNOWN)
    monkeypatch.setattr(module, "check_parity", lambda *_: found[0])
    monkeypatch.setattr(module, "server", lambda: None)
    return found


def exported(student: Trained, order: Order) -> Export:
    return export(student, order, lambda what, done, total: None)


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def test_an_adapter_as_gguf(tmp_path: Path, finding: list[Parity]) -> None:
    made = exported(trained(tmp_path), Order("gguf-lora", tmp_path / "out"))
    assert sorted(made.files) == ["README.md", "adapter.gguf"]
    assert gguf.GGUFReader(made.folder / "adapter.gguf").get_field("adapter.type").contents() == "lora"
    assert manifest(made.folder)["parity"]["passed"] is True
    card = (made.folder / "README.md").read_text()
    assert "Yes: the exported student is the trained one" in card
    assert "Messages \\| of a \\*shop\\*." in card
    assert "--force" not in card


def test_a_merged_file_from_the_child(tmp_path: Path, finding: list[Parity]) -> None:
    places: list[tuple[str, int, int]] = []
    order = Order("gguf", tmp_path / "out", "f16")
    made = export(trained(tmp_path), order, lambda *place: places.append(place))
    file = made.folder / "tiny-smollm2-135m-instruct-f16.gguf"
    assert gguf.GGUFReader(file).get_field("general.name").contents() == "tiny-smollm2-135m-instruct"
    assert ("merging", 5, 5) in places
    assert not [path for path in made.folder.iterdir() if path.name.startswith(".")]


def test_ollama_has_a_modelfile_beside_its_weights(
    tmp_path: Path, finding: list[Parity], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_carry_out", lambda name, job, progress: Path(job["out"]).write_bytes(b"GGUF"))
    made = exported(trained(tmp_path), Order("ollama", tmp_path / "out"))
    text = (made.folder / "Modelfile").read_text()
    assert text.startswith("FROM ./tiny-smollm2-135m-instruct-q8_0.gguf\n")
    assert 'SYSTEM """Give one label."""' in text
    assert "ollama create tiny-smollm2-135m-instruct" in made.usage[0]
    assert module.create_in_ollama(made) is None  # no server
    created: list[Any] = []
    monkeypatch.setattr(module, "server", lambda: "http://here")
    monkeypatch.setattr(module, "create", lambda *told: created.append(told))
    assert module.create_in_ollama(made) == "tiny-smollm2-135m-instruct"
    url, described, folder, sha256 = created[0]
    assert (url, folder, described.file) == ("http://here", made.folder, "tiny-smollm2-135m-instruct-q8_0.gguf")
    assert sha256 == made.files[described.file]


def test_long_rows_get_a_context_that_holds_them(tmp_path: Path) -> None:
    student = trained(tmp_path)
    assert describe_ollama(student, KNOWN, "a.gguf").parameters()["num_ctx"] == 2048
    file = student.recipe.file
    longer = file.model_copy(update={"train": file.train.model_copy(update={"max_length": 6000})})
    student = replace(student, recipe=replace(student.recipe, file=longer))
    assert describe_ollama(student, KNOWN, "a.gguf").parameters()["num_ctx"] == 6006


@pytest.mark.parametrize("to", ["gguf-lora", "gguf"])
def test_drift_blocks_and_leaves_nothing(tmp_path: Path, finding: list[Parity], to: Any) -> None:
    finding[0] = OTHER
    with pytest.raises(ExportError, match="is not the trained one, because of: BOS"):
        exported(trained(tmp_path), Order(to, tmp_path / "out"))
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_force_writes_it_with_the_failure_in_its_card(tmp_path: Path, finding: list[Parity]) -> None:
    finding[0] = OTHER
    made = exported(trained(tmp_path), Order("gguf-lora", tmp_path / "out", force=True))
    assert (
        "**This export did not pass its check and was written with `--force`" in (made.folder / "README.md").read_text()
    )
    assert manifest(made.folder)["forced"] is True
    assert manifest(made.folder)["parity"]["causes"] == ["BOS"]


@pytest.mark.parametrize("to", ["gguf-lora", "gguf", "ollama"])
def test_an_unsupported_architecture_is_refused_before_any_work(tmp_path: Path, to: Any) -> None:
    with pytest.raises(ExportError, match="architecture 'mamba'"):
        exported(trained(tmp_path, architecture="mamba"), Order(to, tmp_path / "out"))


def test_what_is_not_quantized_says_so(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="--to hf is not quantized"):
        exported(trained(tmp_path), Order("hf", tmp_path / "out", "q8_0"))


def test_the_dataset_loads_and_its_card_says_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import load_dataset

    made = exported(trained(tmp_path), Order("dataset", tmp_path / "out"))
    assert made.parity is None
    rows = load_dataset(str(made.folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.num_rows == 12
    assert set(rows.column_names) == {"id", "input", "output", "skill", "messages", "calls", "attempt", "meta"}
    assert rows[3]["messages"][-1] == {"role": "assistant", "content": "late"}
    assert json.loads(rows[3]["meta"]) == {"topic": "x"}
    card = (made.folder / "README.md").read_text()
    for text in ("qwen2.5-coder-1.5b-instruct", "3 rows of the run", "duplicate: 3", "Vendi score of 12", "Apache-2.0"):
        assert text in card
    assert "12 of 12 synthetic rows name the teacher's replies" in card
    assert "exact, n-grams" in card


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose first round was accepted, and whose second was not."""
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "runs" / "tiny-1"
    weights = base_gguf(tmp_path / "base.gguf")
    with Journal(folder) as journal:
        journal.set_meta("recipe", f"{RECIPE}student: {{model: {weights}}}\n")
        journal.set_meta("recipe_folder", str(tmp_path))
        journal.set_meta("recipe_name", "tiny")
        journal.set_meta("state", "finished")
        (folder / "adapters").mkdir()
        for number, decision in ((1, "accepted"), (2, "rejected")):
            rows = [Row(f"message {number} {n}", "late", "late", ("c",)) for n in range(3)]
            journal.attempt(number, operation="draft", program="", plan={})
            for seq, row in enumerate(rows):
                journal.row(number, seq, row)
            journal.round(number, attempt=number, arm="iterative", row_ids=[row.id for row in rows])
            journal.round_adapter(number, str(adapter(folder / "adapters" / f"round-{number}").relative_to(folder)))
            journal.end_round(number, decision, "")
            outcomes = [Outcome(f"i{n}", "late", 1.0) for n in range(10)]
            journal.outcomes_of(f"round-{number}", "gate", outcomes)
    return Run.open("tiny-1")


def test_the_best_round_is_exported_and_journaled(run: Run, finding: list[Parity]) -> None:
    done = run.export("gguf-lora")
    assert done.export.folder == run.folder / "exports" / "round-1-gguf-lora"
    kinds = {event["kind"]: event for event in run.reader.events()}
    assert kinds["parity"]["data"]["passed"] is True
    assert kinds["parity"]["round"] == kinds["exported"]["round"] == 1
    stored = run.reader._all("SELECT path, sha256 FROM artifacts ORDER BY path")
    assert {found["path"]: found["sha256"] for found in stored} == {
        f"exports/round-1-gguf-lora/{name}": sha256 for name, sha256 in done.export.files.items()
    }


def test_a_blocked_export_is_journaled_too(run: Run, finding: list[Parity]) -> None:
    finding[0] = OTHER
    with pytest.raises(ExportError):
        export_run(run, "gguf-lora")
    events = {event["kind"]: event["data"] for event in run.reader.events()}
    assert events["parity"]["causes"] == ["BOS"]
    assert "exported" not in events
    assert not (run.folder / "exports" / "round-1-gguf-lora").exists()


def test_another_round_may_be_asked_for(run: Run) -> None:
    student = trained_student(run, 2)
    assert (student.round, [row["input"] for row in student.rows]) == (2, [f"message 2 {n}" for n in range(3)])
    assert student.scores["gate"].n == 10
    with pytest.raises(JournalError, match="no trained student of round 7"):
        trained_student(run, 7)


def test_the_cards_tell_the_recipes_examples_from_the_teachers_rows(tmp_path: Path, finding: list[Parity]) -> None:
    student = trained(tmp_path)
    rows = [{**row, **({"attempt": GIVEN, "calls": []} if n < 5 else {})} for n, row in enumerate(student.rows)]
    student = replace(student, rows=rows)
    data = exported(student, Order("dataset", tmp_path / "data")).folder / "README.md"
    for text in (
        "tiny: 7 synthetic rows and 5 examples",
        "5 of them are the recipe's own examples",
        "7 of 7 synthetic",
    ):
        assert text in data.read_text()
    model = exported(student, Order("gguf-lora", tmp_path / "model")).folder / "README.md"
    assert "trained on 7 rows written by" in model.read_text()
    assert "and on 5 of the recipe's own examples, which a person wrote" in model.read_text()


def test_a_card_has_the_verdict_of_its_own_round(run: Run, finding: list[Parity], tmp_path: Path) -> None:
    with Journal(run.folder) as journal:
        journal.set_meta(
            "verdict", {"word": "helped", "sentence": "It helped.", "student": "round-1", "baseline": "zs"}
        )
    first, second = (trained_student(run, number) for number in (1, 2))
    assert (first.verdict, second.verdict) == ("It helped.", "")
    card = model_card(second, None, usage=[], forced=False)
    assert "the student of this round has not sat the exam" in card
    with Journal(run.folder) as journal:
        said = {"word": "hurt", "sentence": "It hurt.", "student": "round-2", "reason": "to be *sure*"}
        journal.set_meta("later_verdicts", [said])
    card = model_card(trained_student(run, 2), None, usage=[], forced=False)
    assert "Later, for “to be \\*sure\\*”: It hurt." in card
    assert "no verdict" not in card and "It helped." not in card
    assert "It hurt." not in model_card(trained_student(run, 1), None, usage=[], forced=False)


def test_a_student_without_a_system_message(
    tmp_path: Path, finding: list[Parity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ollama sends no system turn then, so none is trained, asked, checked or written."""
    monkeypatch.setattr(module, "_carry_out", lambda name, job, progress: Path(job["out"]).write_bytes(b"GGUF"))
    student = trained(tmp_path)
    file = student.recipe.file
    wordless = file.model_copy(update={"task": file.task.model_copy(update={"system": ""})})
    student = replace(student, recipe=replace(student.recipe, file=wordless))
    made = exported(student, Order("ollama", tmp_path / "out"))
    assert "SYSTEM" not in (made.folder / "Modelfile").read_text()
    assert "trained without a system message" in (made.folder / "README.md").read_text()
    assert gate_prompts(student)[0] == ({"role": "user", "content": "public message 0"},)


def test_the_command_says_what_was_found_and_where_it_is(run: Run, finding: list[Parity], tmp_path: Path) -> None:
    command = ["export", "tiny-1", "--to", "gguf-lora", "--out", str(tmp_path / "here")]
    ran = CliRunner().invoke(app, command, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    assert "the exported student is the trained one: 60 of 60" in ran.output
    assert f"2 files in {tmp_path / 'here'}" in ran.output.replace("\n", "")
    assert "--lora adapter.gguf" in ran.output
    wrong = CliRunner().invoke(app, ["export", "tiny-1", "--to", "floppy"])
    assert isinstance(wrong.exception, ExportError)
    assert "gguf-lora, gguf, ollama, hf, mlx, dataset" in wrong.exception.fix
