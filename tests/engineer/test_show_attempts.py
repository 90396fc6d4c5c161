from __future__ import annotations

import json

import pytest
from school import FILLED, School
from typer.testing import CliRunner

from toolkit.cli.app import app
from toolkit.errors import SchoolhouseError
from toolkit.evaluation.statistics import score_of
from toolkit.run import Run
from toolkit.types import BASELINES

GOOD = f"```python\n{FILLED}\n```"


@pytest.fixture
def school(school: School) -> School:
    school.engineer = lambda request: "```python\nraise KeyError('label')\n```" if request.sample < 200 else GOOD
    return school


def test_show_attempts_prints_the_tree_and_what_went_wrong(school: School) -> None:
    run = school.run(engineer={"kind": "code"})
    output = CliRunner().invoke(app, ["show", str(run.folder), "--attempts"], env={"COLUMNS": "160"}).output
    for words in ("1 draft", "  2 debug", "    3 improve", "code runtime error", "KeyError: label"):
        assert words in output, output
    assert "attempts: 3, 1.50 for each successful submission (MATS)" in output
    assert "gain: +" in output
    assert "gain on gate" in output
    assert output.count(" points, +") >= 2, "each valid attempt has its gain"


def test_the_figures_are_in_the_json(school: School) -> None:
    run = school.run(engineer={"kind": "code"})
    figures = json.loads(CliRunner().invoke(app, ["show", str(run.folder), "--json"]).output)
    assert figures["engineer"]["mats"] == 1.5
    assert figures["engineer"]["failures"] == {"code runtime error": 1}
    assert [found["parent"] for found in figures["attempts"]] == [None, 1, 2]
    assert figures["calls"] == run.reader.call_totals("teacher")["calls"], "the engineer's calls are not the teacher's"
    assert figures["exam"]["gain_points"] > 0
    failed, *valid = figures["attempts"]
    assert (failed["gain_points"], failed["gain_relative"]) == (None, None)
    untrained = max(score["score"] for score in gate_baselines(run).values())
    for attempt, found in zip(valid, figures["rounds"], strict=True):
        points = 100 * (found["gate"]["score"] - untrained)
        assert attempt["gain_points"] == pytest.approx(points, abs=0.02)
        assert attempt["gain_relative"] == pytest.approx(points / 100 / untrained, abs=0.001)


def gate_baselines(run: Run) -> dict[str, dict[str, float]]:
    return {name: score_of(run.reader.outcomes(name, "gate")).to_json() for name in BASELINES}


def test_each_submission_has_its_card(school: School) -> None:
    run = school.run(engineer={"kind": "code"})
    cards = [event["data"] for event in run.reader.events() if event["kind"] == "diversity"]
    assert [card["attempt"] for card in cards] == [2, 3]
    assert cards[0]["card"]["n"] == len(run.reader.accepted_rows(2))
    assert cards[0]["handwritten"] == 0.0


OWN = "submit([{'input': f'word{i} thing{i} other{i * 7} more{i * 3}', 'output': 'late_parcel'} for i in range(COUNT)])"


def test_rows_written_by_hand_do_not_count(school: School) -> None:
    school.engineer = lambda request: f"```python\n{OWN.replace('COUNT', '12')}\n```"
    run = school.begin(engineer={"kind": "code", "attempts": 1}, budget={"rounds": 1})
    with pytest.raises(SchoolhouseError, match="its text is in no teacher reply"):
        run.carry_out()
    assert run.reader.attempts()[0]["error_class"] == "insufficient valid samples"


def test_a_few_rows_written_by_hand_are_named(school: School) -> None:
    school.engineer = lambda request: f"```python\n{OWN.replace('COUNT', '2')}\n{FILLED}\n```"
    run = school.run(engineer={"kind": "code"}, budget={"rounds": 1})
    card = next(event["data"] for event in run.reader.events() if event["kind"] == "diversity")
    assert card["handwritten"] == pytest.approx(2 / 24)
    assert "8 % of rows are in no teacher reply" in card["warnings"]
