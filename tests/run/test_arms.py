"""Arms of one recipe, carried out with stand-ins, and their comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from school import School, build, read_items
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import RecipeError, SchoolhouseError
from toolkit.run import Run
from toolkit.run.arms import begin_series, next_arm, parse_arms, siblings
from toolkit.run.compare import compare, runs_to_compare

WITH_EXTRA = {"splits": {"public": 0.2, "gate": 0.2, "private": 0.3}}


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    monkeypatch.setenv("SCHOOLHOUSE_RUNS", str(tmp_path / "runs"))
    return build(tmp_path, monkeypatch)


@pytest.fixture
def untrained(school: School, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the untrained student was asked."""
    asked: list[str] = []
    answers = school.answers

    def noted(prompts: Sequence[Any], trained: bool) -> Iterator[tuple[int, str]]:
        asked.extend(json.dumps(prompt) for prompt in prompts if not trained)
        return answers(prompts, trained)

    monkeypatch.setattr(school, "answers", noted)
    return asked


def carry_out(school: School, arms: str, **sections: dict[str, Any]) -> list[Run]:
    run: Run | None = begin_series(school.recipe(**sections), parse_arms(arms))
    done = []
    while run:
        run.carry_out()
        done.append(run)
        run = next_arm(run)
    return done


def test_arms_share_the_split_and_the_untrained_students_answers(school: School, untrained: list[str]) -> None:
    runs = carry_out(school, "iterative,control,one-shot")
    assert [run.reader.meta("series")["arm"] for run in runs] == ["iterative", "control", "one-shot"]
    assert len(untrained) == len(set(untrained)), "an untrained student was asked the same twice"
    for split in ("public", "gate", "private"):
        assert len({(run.folder / "data" / f"{split}.jsonl").read_text() for run in runs}) == 1
        for baseline in ("zero-shot", "few-shot"):
            first, *others = [run.outcomes(baseline, split) for run in runs]
            assert first and all(other == first for other in others)
    assert [len(run.reader.openings("private")) for run in runs] == [1, 1, 1]
    assert [{found["arm"] for found in run.rounds} for run in runs] == [{"iterative"}, {"control"}, {"one-shot"}]


def test_an_answer_is_not_taken_over_from_another_student(school: School, untrained: list[str]) -> None:
    first = begin_series(school.recipe(), ["iterative", "one-shot"])
    first.carry_out()
    asked = len(untrained)
    second = next_arm(first)
    assert second
    from toolkit.journal import Journal

    with Journal(second.folder) as journal:
        journal.set_meta("recipe", journal.meta("recipe").replace("max_new_tokens: 24", "max_new_tokens: 8"))
    second.carry_out()
    assert len(untrained) == 2 * asked


def test_control_may_use_what_the_examined_student_learnt_from_and_has_no_feedback(school: School) -> None:
    iterative, control = carry_out(school, "iterative,control", budget={"rows": 24, "teacher_calls": 79})
    used = iterative.summary()
    assert used["exam"]["student"] == "round-1" and len(iterative.rounds) == 2
    values = control.reader.meta("recipe")
    assert f"teacher_calls: {used['calls']}" in values and "rows: 12\n" in values and "rounds: 1\n" in values
    assert "kind: fixed" in values and "feedback: bit" in values
    assert control.summary()["rounds"][0]["trained_on"] == used["rounds"][0]["trained_on"] == 12


def test_a_series_goes_on_with_the_first_arm_that_is_not_finished(school: School) -> None:
    first = begin_series(school.recipe(), ["iterative", "control"])
    assert next_arm(first) is not None and next_arm(first).name == first.name  # type: ignore[union-attr]
    first.carry_out()
    second = next_arm(first)
    assert second and second.name != first.name
    assert next_arm(first).name == second.name, "it is not begun twice"  # type: ignore[union-attr]
    second.carry_out()
    assert next_arm(second) is None
    assert list(siblings(second)) == ["iterative", "control"]


def test_a_later_look_through_one_arm_counts_for_the_others(school: School) -> None:
    first = begin_series(school.recipe(), ["iterative", "one-shot"])
    first.carry_out()
    first.open_sealed("what went wrong?")
    second = next_arm(first)
    assert second
    second.carry_out()
    assert second.summary()["uses"]["reasons"] == ["final exam", "iterative: what went wrong?"]
    assert "opened 2 times: they are spent" in second.summary()["verdict"]["sentence"]
    assert first.summary()["uses"]["private"] == 2, "the other arm's exam is no later look"


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_a_damaged_run_beside_them_stops_no_arm(school: School, tmp_path: Path, content: bytes) -> None:
    damaged = tmp_path / "runs" / "damaged"
    damaged.mkdir(parents=True)
    (damaged / "run.db").write_bytes(content)
    runs = carry_out(school, "iterative,one-shot")
    assert [run["name"] for run in compare(runs_to_compare([str(runs[0].folder)]))["runs"]] == ["iterative", "one-shot"]
    (runs[0].folder / "run.db").write_bytes(content)
    assert list(siblings(runs[1])) == ["one-shot"]


def test_the_arm_human_trains_once_on_rows_that_no_split_took(school: School) -> None:
    (run,) = carry_out(school, "human", data=WITH_EXTRA, budget={"rows": 15})
    own = {item["input"]: item["output"] for item in read_items(school.folder)}
    rows = run.reader.rows(status="accepted")
    assert len(rows) == 15 and all(own[row["input"]] == row["output"] for row in rows)
    assert {row["skill"] for row in rows} == set(own.values()), "each label has its share"
    assert len(run.rounds) == 1 and school.asked == []
    assert run.summary()["exam"]["n"] > 0


def test_too_few_human_rows_are_told_before_anything_runs(school: School, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="needs 6 labelled rows that no split takes, here are 0"):
        begin_series(school.recipe(), ["iterative", "human"])
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("text", ["", "iterative,iterative", "iterative,contorl"])
def test_wrong_arms_are_told(text: str) -> None:
    with pytest.raises(RecipeError, match="--arms"):
        parse_arms(text)


def test_two_arms_that_would_be_the_same_are_refused(school: School) -> None:
    with pytest.raises(RecipeError, match="control is the engineer"):
        begin_series(school.recipe(engineer={"kind": "fixed"}), ["iterative", "control"])


def two_arms(school: School) -> list[Run]:
    """The first arm's student is good, the second one's is not."""
    first = begin_series(school.recipe(), ["iterative", "one-shot"])
    school.skill = dict.fromkeys(school.skill, 1.0)
    first.carry_out()
    second = next_arm(first)
    assert second
    school.skill = dict.fromkeys(school.skill, 0.1)
    second.carry_out()
    return [first, second]


def test_a_comparison_has_the_effect_and_what_differs_in_the_recipe(school: School) -> None:
    runs = two_arms(school)
    found = compare(runs_to_compare(["last"]))
    assert json.loads(json.dumps(found)) == found
    assert found["split"] == "private"
    assert [run["name"] for run in found["runs"]] == ["iterative", "one-shot"]
    (pair,) = found["comparisons"]
    assert pair["word"] == "better" and pair["difference"] > 0.3 and pair["n"] == found["runs"][0]["n"]
    assert pair["low"] < pair["difference"] < pair["high"]
    assert pair["changed"] == ["engineer.mode"] and list(found["recipe"]) == ["engineer.mode"]
    assert found["untrained"]["few-shot"]["n"] > 0
    assert [run["run"] for run in found["runs"]] == [run.name for run in runs]


def test_an_arm_whose_exam_stayed_sealed_leads_to_the_untrained_student(school: School) -> None:
    sealed, sat = carry_out(school, "iterative,one-shot", acceptance={"gate_errors": 100})
    assert sealed.reader.openings("private") == []
    for names in (["last"], [str(sealed.folder), str(sat.folder)]):
        found = compare(runs_to_compare(names))
        assert found["split"] == "private"
        assert [run["student"] for run in found["runs"]] == ["zero-shot", "round-1"]
        assert found["runs"][0]["n"] == found["runs"][1]["n"] == found["comparisons"][0]["n"] > 0
        assert found["untrained"]["zero-shot"]["n"] > 0
        assert any("iterative: its exam stayed sealed" in note for note in found["notes"])
    assert sealed.reader.openings("private") == []


def test_sealed_items_of_another_split_tell_nothing_of_a_sealed_arm(school: School) -> None:
    never = {"gate_errors": 100}
    sealed = school.run(data={"seed": 0}, acceptance=never)
    other = school.run(data={"seed": 5}, acceptance=never, engineer={"mode": "one-shot"})
    again = school.run(data={"seed": 0}, acceptance=never)
    assert compare([sealed, again])["split"] == "gate", "no exam was opened"
    assert compare([sealed, other])["split"] == "gate", "its items are others"


def test_many_comparisons_are_corrected_together(school: School) -> None:
    found = compare(carry_out(school, "iterative,control,one-shot"))
    assert len(found["comparisons"]) == 3
    assert all(pair["p_adjusted"] >= pair["p_value"] for pair in found["comparisons"])
    assert all(pair["word"] == "cannot tell" for pair in found["comparisons"]), "the stand-in students are the same"
    assert any("could be seen" in note for note in found["notes"])


def test_compare_prints_a_table(school: School) -> None:
    two_arms(school)
    output = CliRunner().invoke(app, ["compare", "last"], env={"COLUMNS": "200"}).output
    for words in ("iterative − one-shot", "better", "engineer.mode", "private score", "few-shot"):
        assert words in output, output


def test_one_run_alone_is_no_comparison(school: School) -> None:
    run = school.run()
    for names in ([str(run.folder)], [str(run.folder), str(run.folder)]):
        with pytest.raises(SchoolhouseError, match="two or more"):
            runs_to_compare(names)


def test_only_items_that_both_answered_are_compared(school: School) -> None:
    first, second = (school.run(data={**WITH_EXTRA, "seed": seed}) for seed in (0, 5))
    found = compare([first, second])
    ids = [{outcome.item_id for outcome in run.outcomes("zero-shot", "private")} for run in (first, second)]
    assert 0 < found["comparisons"][0]["n"] == len(ids[0] & ids[1]) < len(ids[0])
    assert any("that both answered" in note for note in found["notes"])
    assert found["comparisons"][0]["changed"] == ["data.seed"]
