"""The checks of a submission as a run puts them: caps, the student's cut-off, the end of the time."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from school import FakeStudent, FakeTrainer, School, lessons, nonsense

from toolkit.errors import SchoolhouseError
from toolkit.journal import Journal
from toolkit.run import Run
from toolkit.stages.hosting import BY_HAND_SHARE, OPENING_SHARE, TEMPLATE_TOKENS, limits_of
from toolkit.stages.session import Session
from toolkit.types import Request, Row

EVEN = {"late_parcel": 8, "broken_item": 8, "refund_status": 8}


def reasons(run: Run) -> Counter[str]:
    return Counter(row["reason"] for row in run.reader.rows() if row["reason"])


def test_a_healthy_submission_loses_no_row(school: School) -> None:
    run = school.run(budget={"rounds": 1})
    assert reasons(run).keys() <= {"over_budget"}
    assert run.reader.row_counts()["accepted"] == 24


def test_rows_that_all_begin_alike_are_asked_for_again(school: School) -> None:
    def teacher(request: Request) -> str:
        if int(request.hash[:2], 16) % 2:
            return lessons(request)
        return "\n".join(f"{n}. Can you tell me {nonsense(f'{request.hash}{n}')}" for n in range(1, 6))

    school.teacher = teacher
    run = school.run(budget={"rounds": 1, "min_rows": 4})
    found = [row["input"].startswith("Can you tell") for row in run.reader.rows(status="accepted")]
    assert 0 < sum(found) <= OPENING_SHARE * 24
    assert reasons(run)["opening_share"] > 0
    assert run.summary()["rows"]["rejected"]["opening_share"] == reasons(run)["opening_share"]


class NoItem:
    """Meanings of evaluation items, to none of which any text is near."""

    def nearest(self, text: str) -> None:
        return None


@pytest.mark.parametrize("began_with", [True, False])
def test_rows_that_mean_the_same_are_turned_away_in_runs_that_began_with_embeddings(
    school: School, monkeypatch: pytest.MonkeyPatch, began_with: bool
) -> None:
    monkeypatch.setattr("toolkit.stages.hosting.open_embedder", lambda: lambda texts: np.ones((len(texts), 1)))
    monkeypatch.setattr(Session, "meanings", NoItem() if began_with else None)
    run = school.begin(budget={"rounds": 1, "min_rows": 2})
    if not began_with:
        run.carry_out()
        assert reasons(run)["same_meaning"] == 0
        return
    with pytest.raises(SchoolhouseError, match="same_meaning"):
        run.carry_out()
    assert [row["reason"] for row in run.reader.rows()][:2] == ["too_few_rows", "same_meaning"]


SEEDY = """
replies = ask_many(["Write 5 messages"] * 8)
submit([{"input": line[3:], "output": "late_parcel", "replies": [reply.id]}
        for reply in replies for line in reply.text.split("\\n")])
"""


def test_one_label_does_not_fill_a_submission(school: School) -> None:
    school.engineer = lambda request: f"```python\n{SEEDY}\n```"
    run = school.run(engineer={"kind": "code"}, budget={"rounds": 1})
    assert run.reader.row_counts()["accepted"] == 2 * 8, "twice its planned share"
    assert reasons(run)["label_share"] >= 40 - 16


def test_rows_written_by_hand_are_a_few_at_most(school: School) -> None:
    own = "submit([{'input': f'word{i} thing{i} other{i * 7} more{i * 3}', 'output': 'broken_item'} for i in range(9)])"
    school.engineer = lambda request: f"```python\n{own}\n{SEEDY}\n```"
    run = school.run(engineer={"kind": "code"}, budget={"rounds": 1})
    kept = [row for row in run.reader.rows(status="accepted") if row["output"] == "broken_item"]
    assert len(kept) == int(BY_HAND_SHARE * 24)
    assert reasons(run)["hand_written"] >= 9 - len(kept)


def test_the_end_of_the_time_ends_a_program(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Session, "seconds", lambda session: 30.0 if len(asked) < 3 else 61.0)
    school.teacher = lambda request: asked.append("") or f"1. {nonsense(request.hash)}\n2. and a"
    run = school.begin(budget={"minutes": 1, "rounds": 1, "min_rows": 20})
    with pytest.raises(SchoolhouseError, match="the time of the run is over"):
        run.carry_out()
    assert run.reader.attempts()[0]["error_class"] == "execution timeout"


def test_rows_are_counted_in_the_students_tokens(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    unpacked = school.folder / "unpacked"
    unpacked.mkdir()
    words = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(unpacked / "tokenizer.json"))
    (school.folder / "student.gguf").write_bytes(b"weights")
    monkeypatch.setattr("toolkit.stages.hosting.hf_folder", lambda gguf, log: unpacked)
    run = school.begin(train={"max_length": TEMPLATE_TOKENS + 8})
    with closing(Journal(run.folder)) as journal:
        limits = limits_of(Session(school.recipe(train={"max_length": 60}), run.folder, journal), EVEN, 24)
    assert limits.tokens is not None
    assert limits.tokens(Row("three words here", "late")) == TEMPLATE_TOKENS + 3 + 1 + len(["Classify", "."])
    assert limits.most_tokens == 60
    with pytest.raises(SchoolhouseError, match="too_long"):
        run.carry_out()
    assert "tokens, the student reads at most" in run.reader.rows()[0]["detail"]


def test_without_weights_nothing_counts_tokens(school: School) -> None:
    run = school.begin()
    with closing(Journal(run.folder)) as journal:
        limits = limits_of(Session(school.recipe(), run.folder, journal), EVEN, 24)
    assert limits.tokens is None
    assert limits.label_share == pytest.approx(2 / 3)


def test_the_teacher_is_unloaded_before_the_exam_when_a_round_was_given_up(
    school: School, trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[int] = []

    def open_student(backend: str, gguf: Path, adapter: Path | None, log: Path, **_: Any) -> FakeStudent:
        loaded.append(school.opened - school.closed)
        return FakeStudent(school, adapter is not None)

    monkeypatch.setattr("toolkit.stages.evaluate.open_student", open_student)
    school.teacher = lambda request: "" if trainer.trained else lessons(request)
    run = school.run(engineer={"kind": "fixed"})
    assert [found["status"] for found in run.reader.attempts()] == ["valid", "failed"]
    assert school.opened == 2 and set(loaded) == {0}
    assert "exam" in [stage["name"] for stage in run.reader.stages()]
