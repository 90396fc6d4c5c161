"""Which of the recipe's examples a label's prompts show."""

from __future__ import annotations

from pathlib import Path

import pytest
from school import FILLED, School, build

from toolkit.engineer.picks import MOST_SHOWN, border, picks

EXAMPLES = {
    "late_parcel": ["no parcel yet", "tracking stands still", "where is my money and my parcel", "courier?", "so late",
                    "is my money gone, nothing came"],
    "refund_status": ["where is my money", "is my money coming", "paid back?", "the sum", "bank says no", "when"],
    "broken_item": ["it leaks", "it is cracked"],
}  # fmt: skip
CONFUSED = [(("late_parcel", "refund_status"), 4), (("broken_item", "late_parcel"), 2)]


def test_the_examples_nearest_to_the_confused_label_are_shown() -> None:
    found = picks(EXAMPLES, CONFUSED)
    assert {2, 5} <= set(found["late_parcel"]), "the two that speak of money"
    assert {0, 1} <= set(found["refund_status"])
    assert all(len(places) == MOST_SHOWN for places in found.values())


def test_a_label_with_few_examples_shows_all_of_them() -> None:
    assert "broken_item" not in picks(EXAMPLES, CONFUSED)


def test_labels_without_examples_and_without_confusion_pick_none() -> None:
    assert picks({}, CONFUSED) == {}
    assert picks(EXAMPLES, []) == {}
    assert picks({**EXAMPLES, "refund_status": []}, CONFUSED[:1]) == {}


def test_equally_near_texts_keep_their_order() -> None:
    assert border(["qqqq"] * 6, ["wwww"]) == [0, 1, 2, 3]


def test_a_plan_shows_the_border_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school: School = build(tmp_path, monkeypatch)
    school.skill["refund_status"] = 0.1
    run = school.run(engineer={"kind": "plan"}, task={"examples": EXAMPLES})
    plan = run.reader.attempts()[1]["plan"]
    assert plan["shown"].keys() == {"late_parcel", "refund_status"}
    shows = "refund_status: shows its examples"
    change = next(change for change in plan["changes"] if change["what"].startswith(shows))
    assert "late_parcel (" in change["why"]
    hidden = set(range(6)) - set(plan["shown"]["refund_status"])
    asked = [request for request in school.asked if "Intent: refund status" in request.messages[-1]["content"]]
    second = [request for request in asked if request.sample // 10_000 == 2]
    lines = {line for request in second for line in request.messages[-1]["content"].split("\n")}
    assert f"- {EXAMPLES['refund_status'][plan['shown']['refund_status'][0]]}" in lines
    assert not [place for place in hidden if f"- {EXAMPLES['refund_status'][place]}" in lines]


def test_a_code_prompt_names_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school: School = build(tmp_path, monkeypatch)
    school.engineer = lambda request: f"```python\n{FILLED}\n```"
    school.run(engineer={"kind": "code"}, task={"examples": EXAMPLES}, budget={"rounds": 1})
    assert 'task["examples"] (label -> a few messages' in school.prompts()[0]
    shown = [prompt for prompt in school.prompts() if "One of their messages, which you must not repeat: " in prompt]
    assert len({prompt.split("repeat: ")[1].split("\n")[0] for prompt in shown}) >= 3
