"""The door of the sealed exam: before it, once, and again; and several training seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from school import School
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.data.sealed import EXAM
from toolkit.errors import JournalError, Paused
from toolkit.run import Run
from toolkit.stages.session import LAST_ROUND_FILE


def shown(run: Run) -> str:
    return CliRunner().invoke(app, ["show", str(run.folder)], env={"COLUMNS": "200"}).output


def test_before_the_exam_no_reason_opens_the_seal(school: School) -> None:
    run = school.begin()
    for reason in ("just curious", EXAM):
        with pytest.raises(JournalError, match="has not sat its exam"):
            run.open_sealed(reason)
        with pytest.raises(JournalError, match="has not sat its exam"):
            run.examine_again(1, reason)
    assert run.reader.openings("private") == []


def test_the_exams_own_reason_makes_no_later_look(school: School) -> None:
    run = school.run()
    for look in (lambda: run.open_sealed(EXAM), lambda: run.examine_again(1, EXAM)):
        with pytest.raises(JournalError, match="the exam's own reason"):
            look()
    assert run.summary()["uses"]["private"] == 1 and run.summary()["later_verdicts"] == []


def test_an_exam_that_was_begun_is_not_sat_and_nothing_is_trained_after_it(school: School) -> None:
    run = school.begin()
    run.end_after_round()
    answers = school.answers

    def pause(prompts: Any, trained: bool) -> Any:
        if run.reader.openings("private"):
            raise Paused("paused", "resume")
        return answers(prompts, trained)

    school.answers = pause  # type: ignore[method-assign]
    with pytest.raises(Paused):
        run.carry_out()
    for look in (lambda: run.open_sealed("to see"), lambda: run.examine_again(1, "to see")):
        with pytest.raises(JournalError, match="has not sat its exam"):
            look()
    with pytest.raises(JournalError, match="has begun its exam"):
        run.end_after_round(False)
    (run.folder / LAST_ROUND_FILE).unlink()
    school.answers = answers  # type: ignore[method-assign]
    run.carry_out()
    assert [found["number"] for found in run.rounds] == [1] and run.summary()["uses"]["private"] == 1


def test_after_the_exam_each_look_is_counted_and_later_verdicts_are_spent(school: School) -> None:
    run = school.run()
    first = run.summary()
    assert first["uses"] == {"private": 1, "reasons": ["final exam"], "gate": 2}
    assert "opened once (final exam)" in shown(run) and "gate: decided on 2 rounds" in shown(run)

    assert len(run.open_sealed("what went wrong?")) == first["exam"]["n"]
    with pytest.raises(ValueError, match="reason"):
        run.open_sealed("  ")
    found = run.examine_again(1, "the other round")
    assert found.openings == 3 and "opened 3 times: they are spent" in found.sentence
    assert found.comparisons == 3, "the exam's own comparison counts as well"

    later = run.summary()
    assert later["verdict"] == first["verdict"], "the run's own verdict stays what it was"
    assert [one["reason"] for one in later["later_verdicts"]] == ["the other round"]
    assert later["uses"]["private"] == 3
    assert "opened 3 times" in shown(run) and "they are spent" in shown(run)


def test_unseal_prints_what_went_wrong(school: School) -> None:
    run = school.run()
    arguments = ["unseal", str(run.folder), "--reason", "to learn"]
    output = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}).output
    assert "opened 2 times" in output and "are wrong" in output
    listed = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert len(listed) == run.summary()["exam"]["n"]
    assert {"input", "output", "answer", "score"} == set(listed[0])
    told = json.loads(CliRunner().invoke(app, [*arguments, "--round", "1", "--json"]).output)
    assert (told["student"], told["reason"], told["openings"]) == ("round-1", "to learn", 4)


def test_a_round_that_was_not_trained_cannot_sit(school: School) -> None:
    run = school.run()
    with pytest.raises(JournalError, match="round 7 has no trained student"):
        run.examine_again(7, "why not")


def seeds_trained(school: School, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    jobs: list[tuple[str, int, int]] = []

    class Noting:
        def train(self, job: Any, emit: Any) -> Path:
            if not (job.output / "job.json").exists():  # as the real trainer: what stands is not done again
                jobs.append((job.output.name, job.seed, len(job.examples)))
            job.output.mkdir(parents=True, exist_ok=True)
            (job.output / "job.json").write_text("{}")
            (job.output / "adapter_model.safetensors").write_bytes(b"weights")
            emit({"event": "gpu_memory", "peak_bytes": 3 << 30})
            emit({"event": "step", "step": 1, "steps": 1, "loss": 1.0, "lr": 0.1, "tokens_per_second": 1.0})
            return Path(job.output)

    monkeypatch.setattr("toolkit.stages.train.open_trainer", lambda backend: Noting())
    return jobs


def test_several_seeds_sit_the_exam_and_their_spread_is_shown(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = seeds_trained(school, monkeypatch)
    run = school.run(train={"seeds": 3, "seed": 5}, engineer={"mode": "one-shot"})
    assert jobs == [("round-1", 5, 24), ("round-1-seed-6", 6, 24), ("round-1-seed-7", 7, 24)]
    verdict = run.summary()["verdict"]
    assert verdict["student"] == "round-1" and verdict["spread"]["seeds"] == 3
    assert set(verdict["spread"]["scores"]) == {"round-1", "round-1-seed-6", "round-1-seed-7"}
    assert "over 3 training seeds" in shown(run)
    assert len(run.reader.training_steps(1)) == 1, "the steps of the other seeds are not the round's"
    assert {student: one["step"] for student, one in run.reader.further_times().items()} == {
        "round-1-seed-6": 1,
        "round-1-seed-7": 1,
    }
    told = [event["data"] for event in run.reader.events() if event["kind"] == "training" and "loss" in event["data"]]
    assert [data["student"] for data in told] == ["round-1-seed-6", "round-1-seed-7"]
    texts = [event["data"]["text"] for event in run.reader.events() if event["kind"] == "log"]
    assert "round 1: the GPU held 3.0 GiB at most while the student learnt" in texts
    assert len(run.reader.openings("private")) == 1


class Killed(BaseException):
    """Stands for SIGKILL."""


def test_a_run_killed_between_seeds_trains_none_twice(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = seeds_trained(school, monkeypatch)
    run = school.begin(train={"seeds": 3}, engineer={"mode": "one-shot"})
    real = school.answers

    def kill(prompts: Any, trained: bool) -> Any:
        if len(jobs) == 3:
            raise Killed
        return real(prompts, trained)

    monkeypatch.setattr(school, "answers", kill)
    with pytest.raises(Killed):
        run.carry_out()
    monkeypatch.setattr(school, "answers", real)
    run.carry_out()
    assert len(jobs) == 3 and run.status == "finished"
    assert run.summary()["uses"]["private"] == 1, "the exam that was interrupted is one look"
