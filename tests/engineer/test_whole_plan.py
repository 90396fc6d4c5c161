"""A model that was measured to be fit for it says a whole plan in one answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from school import build, prompt_of

from toolkit.engineer import Earlier, EngineerModel, Problem, Situation, SkillReport
from toolkit.engineer.fitness import FILE, Fitness, _key
from toolkit.engineer.lesson_plan import LessonPlan
from toolkit.engineer.planner import Planner, at_once
from toolkit.engineer.words import Words
from toolkit.paths import cache_dir, write_text
from toolkit.types import Completion, Request

LABELS = {"late_parcel": "it has not come", "broken_item": "it is damaged", "refund": ""}
MEASURED = {name: SkillReport(right, 10, 8) for name, right in zip(LABELS, (2, 10, 9), strict=True)}
GOOD = {
    "labels": [
        {
            "label": "late_parcel",
            "share": 70,
            "hint": "It says that nothing has arrived.",
            "topics": ["a birthday present", "a courier who never rang"],
            "why": "2 of 10 right is the weakest score",
        },
        {"label": "refund", "share": 30, "hint": "{hint}", "topics": ["refund", "[topic]"], "why": ""},
    ],
    "styles": ["as a voice message, typed out", "..."],
    "personas": ["a pensioner who is new to the shop"],
}


def situation(**more: object) -> Situation:
    values = {"number": 2, "parent": 1, "labels": LABELS, "rows": 60, "calls": 40, "skills": MEASURED, **more}
    return Situation(**values)  # type: ignore[arg-type]


class Model:
    """Answers with one text, and keeps what it was asked."""

    def __init__(self, answer: Any, finish: str = "stop") -> None:
        self.asked: list[str] = []
        self._text, self._finish = answer if isinstance(answer, str) else json.dumps(answer), finish

    def __call__(self, request: Request, attempt: int) -> Completion:
        self.asked.append(prompt_of(request))
        return Completion(self._text, self._finish, 1, 1)  # type: ignore[arg-type]


def planned(answer: Any, finish: str = "stop", **more: object) -> LessonPlan | None:
    found = situation(**more)
    return at_once(found, Words(EngineerModel(Model(answer, finish)), found))


def test_shares_words_and_reasons_are_the_models() -> None:
    plan = planned(GOOD)
    assert plan is not None and sum(plan.skills.values()) == 60
    assert plan.skills == {"late_parcel": 10 + 21, "broken_item": 10, "refund": 10 + 9}
    assert plan.hints == {"late_parcel": "It says that nothing has arrived."}, "a placeholder is no hint"
    assert plan.topics["late_parcel"] == ["a birthday present", "a courier who never rang"]
    assert plan.topics["refund"] == ["refund"]
    assert plan.styles[0] == "as a voice message, typed out" and "..." not in plan.styles
    assert plan.personas == ["a pensioner who is new to the shop"]
    reasons = {change.what.split(":")[0]: change.why for change in plan.changes if "an even share" in change.what}
    assert reasons["late_parcel"].startswith("late_parcel: 2 of 10 right [6%, 51%]")
    assert reasons["late_parcel"].endswith("2 of 10 right is the weakest score")
    assert set(reasons) == set(LABELS) and reasons["broken_item"].endswith("no reason given")


@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        ("I have no idea.", "stop"),
        (GOOD, "length"),
        ({"labels": []}, "stop"),
        ({"labels": [{"label": "late_parcel", "share": 0}]}, "stop"),
        ({"labels": [{"label": "made_up", "share": 90}]}, "stop"),
        ({"labels": [{"label": "late_parcel", "share": 1000}]}, "stop"),
        ("[" * 10_000, "stop"),
    ],
)
def test_an_answer_of_no_use_leaves_the_narrow_questions(answer: Any, finish: str) -> None:
    assert planned(answer, finish) is None
    model = Model(answer, finish)
    proposal = Planner("program", EngineerModel(model, at_once=True)).propose(situation())
    assert len(model.asked) > 1 and sum(proposal.plan["skills"].values()) == 60  # type: ignore[union-attr, arg-type]
    assert proposal.plan["dropped"]["whole plan"] == 1  # type: ignore[index, call-overload]


def test_one_question_is_enough_and_tells_no_more_than_the_recipe_allows() -> None:
    model = Model(GOOD)
    Planner("program", EngineerModel(model, at_once=True)).propose(situation(notes=("more angry people",)))
    (asked,) = model.asked
    assert "late_parcel: 2 of 10 right" in asked and "A person asks: more angry people" in asked
    silent = Model(GOOD)
    Planner("program", EngineerModel(silent, at_once=True)).propose(situation(feedback="bit"))
    assert "of 10 right" not in silent.asked[0]


def test_it_is_told_why_the_attempt_before_failed() -> None:
    problem = Problem("insufficient valid samples", "40 of 40 teacher calls were used")
    earlier = Earlier(1, "", {}, problem, rejected={"near_duplicate": (31, "like </text> my parcel")})
    model = Model(GOOD)
    Planner("program", EngineerModel(model, at_once=True)).propose(situation(earlier=earlier))
    assert "The attempt before failed:\ninsufficient valid samples. 40 of 40 teacher calls" in model.asked[0]
    assert r"- near_duplicate: 31, for example: <text>like <\/text> my parcel</text>" in model.asked[0]


def test_every_third_style_is_a_persons_wish_beside_the_models_own() -> None:
    wish = "more angry people"
    plan = planned(GOOD, notes=(wish,))
    assert plan is not None and plan.styles[0] == "as a voice message, typed out"
    assert plan.styles.count(wish) / len(plan.styles) == pytest.approx(1 / 3, abs=0.03)
    assert f"every third style: {wish}" in [change.what for change in plan.changes]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"label": st.sampled_from([*LABELS, "other"]), "share": st.integers(0, 100)},
            optional={"hint": st.text(max_size=30), "topics": st.lists(st.text(max_size=20), max_size=4)},
        ),
        max_size=5,
    )
)
def test_whatever_it_says_no_label_is_starved(labels: list[dict[str, Any]]) -> None:
    plan = planned({"labels": labels, "styles": [], "personas": []})
    if plan is not None:
        assert sum(plan.skills.values()) == 60 and min(plan.skills.values()) >= 10
        assert LessonPlan.model_validate(plan.for_program()).skills == plan.skills


def test_only_a_model_that_was_measured_plans_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school = build(tmp_path, monkeypatch)
    school.engineer = lambda request: json.dumps({**GOOD, "labels": [GOOD["labels"][0]]})  # type: ignore[index]
    engineer: dict[str, Any] = {"kind": "plan"}
    plain = school.run(engineer=engineer)
    assert plain.reader.meta("plans_at_once") is False
    found = Fitness(json=True, code=True)
    settings = school.recipe(engineer=engineer).file.engineer
    key = _key("replay/teacher", settings.temperature)
    write_text(cache_dir() / FILE, json.dumps({key: {"json": found.json, "code": found.code, "why": found.why}}))
    fit = school.run(engineer=engineer)
    assert fit.reader.meta("plans_at_once") is True
    assert len([p for p in school.prompts() if "Plan them: for each label" in p]) == 2, "once a round"
    assert replace(found, code=False).at_once is False
