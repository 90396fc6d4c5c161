"""General rows against forgetting: mixed into every training, journaled, shown, and no lesson."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from school import FakeTrainer, School
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.data.firewall import Firewall
from toolkit.evaluation.probe import probe_items, probe_prompt
from toolkit.recipe import RecipeFile
from toolkit.run.report import MARKDOWN, write_report
from toolkit.stages.general import general_rows
from toolkit.types import Item, Message

TEXTS = {row.input: row.output for row in general_rows()}


def general(trainer: FakeTrainer) -> list[list[Any]]:
    """Of each training: the examples that are general rows."""
    return [[one for one in trained if one.messages[-1]["content"] in TEXTS] for trained in trainer.trained]


def test_a_share_of_the_lessons_is_mixed_in_and_shown(school: School, trainer: FakeTrainer) -> None:
    run = school.run(train={"replay": 0.5})
    rounds = run.summary()["rounds"]
    assert [(one["trained_on"], one["general"]) for one in rounds] == [(12, 6), (24, 12)]
    assert [len(found) for found in general(trainer)] == [6, 12]
    assert [len(found) for found in trainer.trained] == [18, 36]
    for one in general(trainer)[-1]:
        text = one.messages[-1]["content"]
        assert (one.messages, one.answer) == (probe_prompt(text), TEXTS[text]), "asked as the probe asks"
    shown = CliRunner().invoke(app, ["show", str(run.folder)], env={"COLUMNS": "160"}).output
    assert "24 + 12 general" in shown
    page = write_report(run)
    for path in (page, page.with_name(MARKDOWN)):
        assert "24 + 12 general" in path.read_text(encoding="utf-8")


def test_they_are_journaled_once_a_round_and_count_as_no_rows(school: School, trainer: FakeTrainer) -> None:
    run = school.run(train={"replay": 0.5})
    events = [event for event in run.reader.events() if event["kind"] == "general"]
    assert [(event["round"], event["data"]["origin"], event["data"]["count"]) for event in events] == [
        (1, "general", 6),
        (2, "general", 12),
    ]
    assert all(TEXTS[text] == answer for _, text, answer in events[-1]["data"]["rows"])
    assert not {row["input"] for row in run.reader.rows()} & TEXTS.keys()
    assert run.summary()["rows"]["accepted"] == 24, "the budget is the teacher's alone"


def test_without_the_key_there_are_none(school: School, trainer: FakeTrainer) -> None:
    run = school.run()
    assert trainer.trained and not any(general(trainer))
    assert [one["general"] for one in run.summary()["rounds"]] == [0, 0]
    assert not [event for event in run.reader.events() if event["kind"] == "general"]


def test_one_that_a_recipe_asks_for_is_left_out(
    school: School, trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = general_rows()[0].input
    wall = Firewall([], [Item("g1", "gate", asked, "late_parcel")], [])
    monkeypatch.setattr("toolkit.stages.session.Session.firewall", lambda session: wall)
    run = school.run(train={"replay": 0.5})
    assert [one["general"] for one in run.summary()["rounds"]] == [5, 11]
    assert not any(asked == one.messages[-1]["content"] for found in general(trainer) for one in found)


def test_the_forecast_counts_them(school: School, trainer: FakeTrainer) -> None:
    from toolkit.stages.progress import work_left

    plain, mixed = (work_left(school.recipe(train={"replay": share}), None, 9, 9, 9) for share in (0.0, 0.5))
    assert mixed.example_epochs == pytest.approx(1.5 * plain.example_epochs, abs=1)


@pytest.fixture
def forgetful(school: School, monkeypatch: pytest.MonkeyPatch) -> School:
    """The untrained student knows the whole probe, a trained one only its chat."""
    asked, known = {item.input: item for item in probe_items()}, school.answers

    def answers(prompts: Sequence[Sequence[Message]], trained: bool) -> Iterator[tuple[int, str]]:
        for index, messages in enumerate(prompts):
            item = asked.get(messages[-1]["content"])
            if item:
                yield index, "" if trained and item.skill != "chat_format" else item.output
            else:
                yield index, next(known([messages], trained))[1]

    monkeypatch.setattr(school, "answers", answers)
    return school


def test_forgetting_blocks_a_round_and_the_reason_says_how_to_go_on(forgetful: School) -> None:
    run = forgetful.run(acceptance={"probe": RecipeFile.model_fields["acceptance"].default.probe})
    assert [found["decision"] for found in run.rounds] == ["rejected", "rejected"]
    reason = run.rounds[0]["reason"]
    for words in ("its probe fell from 100.0% to 20.0%", "most in arithmetic (from 100% to 0%)", "train.replay: 0.25"):
        assert words in reason, reason
    verdict = run.reader.meta("verdict")
    assert verdict["student"] is None and "without forgetting what it knew" in verdict["sentence"]


def test_where_it_is_reported_or_no_other_round_comes_it_is_named_only(forgetful: School) -> None:
    reported = forgetful.run(acceptance={"probe": "report"})
    single = forgetful.run(acceptance={"probe": "block"}, engineer={"mode": "one-shot"})
    for run in (reported, single):
        assert run.rounds[0]["decision"] == "accepted" and "its probe fell" in run.rounds[0]["reason"]
        assert "blocks" not in run.rounds[0]["reason"] and run.summary()["exam"]
