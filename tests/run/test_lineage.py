"""From rows to scores, and what a batch of rows was worth."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from school import LABELS, FakeTrainer, School, lessons, read_items
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import JournalError, SchoolhouseError
from toolkit.journal import Journal
from toolkit.run import Run
from toolkit.run.leave_out import Batch
from toolkit.run.worker import recipe_of
from toolkit.stages.session import LEAVE_OUT, Session


class Notebook:
    """A trainer and a student whose skill is what they were last trained on: a label without rows is not known."""

    def __init__(self, school: School, patch: pytest.MonkeyPatch) -> None:
        self.jobs: list[tuple[str, list[tuple[str, str]]]] = []
        self.known: dict[str, set[str]] = {}
        self._school = school
        patch.setattr("toolkit.stages.train.open_trainer", lambda backend: self)
        patch.setattr("toolkit.stages.evaluate.open_student", self._student)

    def train(self, job: Any, emit: Callable[[dict[str, Any]], None]) -> Path:
        if not (job.output / "adapter_config.json").is_file():
            examples = [(example.messages[-1]["content"], example.answer) for example in job.examples]
            self.jobs.append((job.output.name, examples))
            self.known[job.output.name] = {answer for _, answer in examples}
        return FakeTrainer().train(job, emit)

    def _student(self, backend: str, gguf: Path, adapter: Path | None, log: Path, **_: object) -> Notebook:
        self._adapter = adapter.name if adapter else ""
        return self

    peak_bytes = 0

    def answer(self, prompts: Sequence[Any], *, max_new_tokens: int = 24, **_: Any) -> Iterator[tuple[int, str]]:
        labels = {item["input"]: item["output"] for item in read_items(self._school.folder)}
        for index, messages in enumerate(prompts):
            text = messages[-1]["content"]
            knows = labels[text] in self.known.get(self._adapter, set())
            yield index, labels[text] if knows and random.Random(text).random() < 0.95 else "?"

    def close(self) -> None:
        return


@pytest.fixture
def notebook(school: School, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    return Notebook(school, monkeypatch)


def test_each_row_knows_its_plan_and_its_trainings(school: School, notebook: Notebook) -> None:
    run = school.run()
    told = run.lineage()
    assert json.loads(json.dumps(told)) == told
    trained = dict(notebook.jobs)
    for found in told["rounds"]:
        examples = {text for text, _ in trained[f"round-{found['round']}"]}
        assert {row["input"] for row in told["rows"] if found["round"] in row["trainings"]} == examples
        assert sum(batch["rows"] for batch in found["batches"]) == found["trained_on"] == len(examples)
    assert [[batch["attempt"] for batch in found["batches"]] for found in told["rounds"]] == [[1], [1, 2]]
    first = told["rows"][0]
    assert first["round"] == 1 and first["trainings"] == [1, 2] and first["operation"] == "draft"
    assert first["plan"]["skill"] == first["skill"] and first["plan"]["rows"] >= 1 and first["plan"]["style"]
    assert run.reader.answered(first["calls"][0]), "the reply that it came from is in the journal"


def test_skills_change_in_pairs_and_the_words_claim_no_cause(school: School, notebook: Notebook) -> None:
    told = school.run().lineage()
    first, second = told["rounds"]
    assert first["against"] == "zero-shot" and second["against"] == "round-1"
    by_name = {found["skill"]: found for found in first["skills"]}
    assert set(by_name) == set(LABELS)
    found = by_name["late_parcel"]
    assert found["n"] == 12, "six public and six gate items"
    assert found["difference"] > 0.8 and found["low"] > 0.4 and found["p_adjusted"] >= found["p_value"]
    assert found["words"] == f"a rise went along with {found['new_rows']} new rows"
    assert all(skill["words"] == "within the noise" for skill in second["skills"])
    assert "nothing here says what caused" in told["note"]
    assert not [word for word in ("because", "thanks to", "due to") if word in json.dumps(told["rounds"])]


def test_a_rejected_row_is_in_no_training_and_is_not_listed(school: School, notebook: Notebook) -> None:
    school.teacher = lambda request: lessons(request).replace("1. ", "1. my order {order_id} ")
    run = school.run(budget={"rounds": 1})
    rejected = {row["id"] for row in run.reader.rows() if row["status"] != "accepted"}
    rows = run.lineage()["rows"]
    assert rejected and rows and not rejected & {row["id"] for row in rows}
    assert all(row["trainings"] == [1] for row in rows)


def test_what_a_batch_was_worth(school: School, notebook: Notebook) -> None:
    run = school.run()
    openings = len(run.reader.openings("private"))
    found = run.leave_out("label=late_parcel")
    student, examples = notebook.jobs[-1]
    assert student.startswith("round-2-without-label-late-parcel-") or student.startswith("round-1-without")
    assert {answer for _, answer in examples} == set(LABELS) - {"late_parcel"}
    assert (
        found["worth"] > 0.2 and found["low"] > 0 and found["sentence"].startswith("It helped: with label=late_parcel")
    )
    assert found["n"] == 36 and found["left_out"] + found["kept"] == len(examples) + found["left_out"]
    assert run.reader.outcomes(student, "private") == [], "the sealed items are not touched"
    assert len(run.reader.openings("private")) == openings
    jobs = len(notebook.jobs)
    assert run.leave_out("label=late_parcel") == found and len(notebook.jobs) == jobs, "nothing is trained twice"
    assert run.lineage()["leave_outs"] == [found]
    assert run.summary()["verdict"]["student"] == run.reader.meta("verdict")["student"]


def test_a_batch_that_changed_nothing_cannot_tell_and_says_what_could_be_seen(
    school: School, notebook: Notebook
) -> None:
    run = school.run(budget={"rows": 60, "rounds": 1})
    style = next(row["plan"]["style"] for row in run.lineage()["rows"])
    found = run.leave_out(f"style={style}")
    assert found["sentence"].startswith("Cannot tell") and "could be seen" in found["sentence"]
    again = run.leave_out("random=3")
    assert again["left_out"] == 3 and again["p_adjusted"] >= again["p_value"]
    assert len(run.lineage()["leave_outs"]) == 2


@pytest.mark.parametrize("text", ["round", "=2", "round=two", "style="])
def test_what_is_no_batch_is_told(text: str) -> None:
    with pytest.raises(SchoolhouseError, match="names no batch"):
        Batch.parse(text)


def test_an_empty_or_a_whole_batch_is_refused_before_anything_is_trained(school: School, notebook: Notebook) -> None:
    run = school.run(budget={"rounds": 1})
    jobs = len(notebook.jobs)
    with pytest.raises(SchoolhouseError, match="no row that round 1 was trained on") as raised:
        run.leave_out("style=in verse")
    assert "late_parcel" in raised.value.fix and "style" in raised.value.fix
    with pytest.raises(SchoolhouseError, match="nothing would be left"):
        run.leave_out("round=1")
    assert len(notebook.jobs) == jobs


def test_without_a_trained_round_nothing_is_left_out(school: School) -> None:
    run = school.begin()
    assert run.lineage()["rounds"] == []
    with pytest.raises(JournalError, match="no trained and scored round"):
        run.leave_out("round=1")


def test_its_time_is_not_the_runs(school: School, notebook: Notebook) -> None:
    run = school.run()
    run.leave_out("label=late_parcel")
    with Journal(run.folder) as journal:
        session = Session(recipe_of(journal), run.folder, journal)
        stages = [{"name": stage["name"], "started": 0.0, "ended": 1.0} for stage in journal.stages()]
        journal.stages = lambda: stages  # type: ignore[method-assign]
        assert sum(stage["name"] == LEAVE_OUT for stage in stages) == 2
        assert session.seconds() == len(stages) - 2
        session.close()


def test_the_command_prints_it(school: School, notebook: Notebook) -> None:
    run = school.run()

    def said(*arguments: str) -> str:
        return CliRunner().invoke(app, ["lineage", str(run.folder), *arguments], env={"COLUMNS": "200"}).output

    assert "of attempt 1 (draft)" in said() and "went along with" in said() and "late_parcel" in said()
    assert "It helped" in said("--leave-out", "label=late_parcel")
    assert "It helped" in said(), "what was found is shown later too"
    assert "trained on in" in said("--rows")
    assert json.loads(said("--json")) == Run(run.folder).lineage()


def test_items_of_one_source_count_once(school: School, notebook: Notebook) -> None:
    """In acceptance, in lineage and where a batch is left out."""
    items = [{**item, "book": item["output"]} for item in read_items(school.folder)]
    (school.folder / "data.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    columns = {"columns": {"input": "input", "output": "output", "source": "book"}}
    run = school.run(data=columns, budget={"rounds": 1})
    assert run.rounds[0]["decision"] == "accepted" and len(set(run.reader.meta("sources").values())) == 3
    alone = school.run(budget={"rounds": 1})
    shared = run.summary()["gains"][0], alone.summary()["gains"][0]
    assert shared[0]["n"] == shared[1]["n"] and shared[0]["p_value"] > 0.2 > shared[1]["p_value"]
    assert run.leave_out("label=late_parcel")["p_value"] > 0.2
