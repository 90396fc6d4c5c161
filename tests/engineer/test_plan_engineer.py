from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from school import School, build, prompt_of

from toolkit.engineer import Earlier, EngineerModel, Problem, Situation, SkillReport
from toolkit.engineer.lesson_plan import HARD_KINDS, HARD_STYLES, LessonPlan, mixed, words_of
from toolkit.engineer.planner import confused_pairs, lesson
from toolkit.engineer.words import Words
from toolkit.programs import library
from toolkit.programs.sandbox import run_program
from toolkit.types import Completion, Request

LABELS = {"late_parcel": "it has not come", "broken_item": "it is damaged", "refund": ""}
MEASURED = {
    "late_parcel": SkillReport(2, 10, 8),
    "broken_item": SkillReport(10, 10, 8),
    "refund": SkillReport(9, 10, 8),
}
CONFUSED = {("late_parcel", "refund"): 3, ("refund", "late_parcel"): 1, ("late_parcel", "banana"): 9}


def situation(**more: object) -> Situation:
    values = {"number": 2, "parent": 1, "labels": LABELS, "rows": 60, "calls": 40, "skills": MEASURED, **more}
    return Situation(**values)  # type: ignore[arg-type]


def answers(styles: object, contrast: object, topics: object, finish: str = "stop") -> EngineerModel:
    def ask(request: Request, attempt: int) -> Completion:
        text = prompt_of(request)
        found = styles if "other styles" in text else contrast if "confuses" in text else topics
        return Completion(found if isinstance(found, str) else json.dumps(found), finish, 1, 1)  # type: ignore[arg-type]

    return EngineerModel(ask)


GOOD = answers(
    ["as a voice message, typed out", "with a list of questions", "very formal, full sentences"],
    {"first": "It says that nothing has arrived.", "second": "It asks about money that is owed."},
    ["a birthday present", "a courier who never rang", "tracking that stands still"],
)


def plan_of(model: EngineerModel, **more: object) -> LessonPlan:
    found = situation(**more)
    return lesson(found, Words(model, found))


def test_words_after_thoughts_and_in_a_code_block_count() -> None:
    def ask(request: Request, attempt: int) -> Completion:
        found = GOOD.ask(request, attempt)
        return Completion(f"<think>hm, [1]</think>\n```json\n{found.text}\n```", found.finish_reason, 1, 1)

    thoughtful = EngineerModel(ask)
    assert plan_of(thoughtful, confusions=CONFUSED) == plan_of(GOOD, confusions=CONFUSED)


def test_the_numbers_are_measured_and_the_words_are_the_models() -> None:
    plan = plan_of(GOOD, confusions=CONFUSED)
    assert sum(plan.skills.values()) == 60
    assert plan.skills["late_parcel"] > plan.skills["broken_item"]
    assert plan.styles[0] == "as a voice message, typed out"
    assert plan.hints == {
        "late_parcel": "It says that nothing has arrived.",
        "refund": "It asks about money that is owed.",
    }
    assert plan.contrasts["late_parcel"] == ["refund"]
    assert plan.topics["late_parcel"][0] == "a birthday present"
    program = plan.for_program()
    assert program["notes"]["late_parcel"].startswith("It says that nothing has arrived. It may be about: a birthday")
    assert "broken_item" not in program["notes"]
    assert json.loads(json.dumps(program)) == program


def test_each_change_cites_its_evidence() -> None:
    changes = plan_of(GOOD, confusions=CONFUSED).changes
    assert all(change.why for change in changes)
    share = next(change for change in changes if "even share" in change.what and change.what.startswith("late_parcel"))
    assert share.why.startswith("late_parcel: 2 of 10 right [6%, 51%]")
    assert any("confused 4 times" in change.why for change in changes)


def asked_of(**more: object) -> tuple[list[str], LessonPlan]:
    """The questions for one plan, and the plan."""
    asked: list[str] = []

    def ask(request: Request, attempt: int) -> Completion:
        asked.append(prompt_of(request))
        return GOOD.ask(request, attempt)

    return asked, plan_of(EngineerModel(ask), **more)


@pytest.mark.parametrize(("alike", "other", "count"), [(30, 4, 6), (4, 30, 3)])
def test_rows_that_were_too_alike_ask_for_more_words_and_the_plan_says_why(alike: int, other: int, count: int) -> None:
    rejected = {"near_duplicate": (alike, ""), "too_long": (other, ""), "too_few_rows": (90, "")}
    earlier = Earlier(1, "", {}, Problem("insufficient valid samples", "spent"), rejected=rejected)
    asked, plan = asked_of(earlier=earlier, least=100)
    assert f"Name {count} other styles" in asked[0] and f"Name {count} different concrete things" in asked[-1]
    change = plan.changes[0]
    assert change.why.startswith("attempt 1: insufficient valid samples, 90 valid rows, 100 are needed (")
    assert f"near_duplicate {alike}" in change.why
    assert change.what.startswith("6 new styles" if count == 6 else "the styles begin")


def test_what_is_narrow_and_went_wrong_reaches_the_question_that_it_is_about() -> None:
    cases = (("my money is here but late", "late_parcel", "refund"), ("a torn box", "broken_item", "refund"))
    narrow = ("41 % of rows share one opening: 'i want to …'", "labels are out of balance: 'refund' has 9 rows")
    asked, _ = asked_of(feedback="cases", cases=cases, narrow=narrow, confusions=CONFUSED)
    styles, contrast, *topics = asked
    assert "41 % of rows share one opening" in styles and "out of balance" not in styles
    assert "my money is here" in contrast and "torn box" not in contrast
    assert "my money is here" in topics[0] and "torn box" not in topics[0]
    assert "out of balance" in topics[1], "topics of refund"
    silent, _ = asked_of(feedback="aggregate", cases=cases, confusions=CONFUSED)
    assert not any("my money" in text for text in silent)


def test_a_wish_is_seen_in_the_plan() -> None:
    asked: list[str] = []

    def ask(request: Request, attempt: int) -> Completion:
        asked.append(prompt_of(request))
        return Completion(
            '["two questions in one message", "first angry, then polite", "three in a row"]', "stop", 1, 1
        )

    plan = plan_of(EngineerModel(ask), notes=("more two-part questions",), skills={})
    assert "more two-part questions" in asked[0]
    assert plan.styles[0] == "two questions in one message"
    assert "asked for by a person: more two-part questions" in [change.why for change in plan.changes]


def test_a_wish_that_the_model_makes_nothing_of_is_taken_as_it_is() -> None:
    wish = "more two-part questions"
    first = plan_of(answers([], {}, []), notes=(wish,))
    assert first.styles.count(wish) / len(first.styles) == pytest.approx(1 / 3)
    assert ("every third style: " + wish, "asked for by a person: " + wish) in [(c.what, c.why) for c in first.changes]
    again = plan_of(answers([], {}, []), notes=(wish,), earlier=Earlier(1, "", first.for_program()))
    assert again.styles.count(wish) == first.styles.count(wish), "a wish does not grow from round to round"


def test_a_task_without_labels_is_planned_in_kinds_of_questions() -> None:
    asked: list[str] = []

    def ask(request: Request, attempt: int) -> Completion:
        asked.append(prompt_of(request))
        found = ["with two unknowns", "on a drawing that is described", "about money and time"]
        return Completion(json.dumps(found if "kinds" in asked[-1] else ["a garden", "a roof"]), "stop", 1, 1)

    skills = {"area": SkillReport(2, 10, 8), "length": SkillReport(9, 10, 8)}
    more = {"labels": {"area": "", "length": ""}, "skills": skills, "answer": "number", "about": "Sums."}
    plan = plan_of(EngineerModel(ask), notes=("no inches",), **more)
    assert plan.kinds[0] == "with two unknowns"
    assert plan.wishes == ["no inches"]
    program = plan.for_program()
    assert sum(kind in HARD_KINDS for kind in program["kinds"]) >= 2, "45 % of its answers are wrong"
    assert not any("message" in text for text in asked)
    assert "Every kind must do this: no inches" in asked[0]
    assert ["told to the teacher" in change.what for change in plan.changes].count(True) == 1
    assert words_of(program) is not None
    assert plan_of(GOOD).kinds == [], "messages have styles"


def test_kinds_and_wishes_reach_the_teacher() -> None:
    result = carry_out_votes(
        {
            "kinds": ["harder: it takes two steps"],
            "wishes": ["no inches"],
            "notes": {"area": "It may be about: a roof."},
        }
    )
    assert "Each is harder: it takes two steps." in result
    assert "A person asked for this: no inches" in result
    assert "It may be about: a roof." in result


def carry_out_votes(plan: dict[str, object]) -> str:
    """The first prompt of the program that tasks without labels get."""
    prompts: list[str] = []

    def ask(texts: list[str], options: object) -> list[object]:
        prompts.extend(texts)
        raise RuntimeError("enough")

    functions = {"host_ask": ask, "host_remaining": lambda: {"calls": 50, "rows": 3, "skills": {"area": 3}}}
    task = {"about": "Sums.", "answer": "number", "labels": {}, "form": "a number"}
    run_program(library.source("votes"), functions, {"task": task, "plan": plan, "seeds": []}, seed=1)
    return prompts[0]


@pytest.mark.parametrize(
    "bad",
    [
        answers([], {}, []),
        answers("no JSON at all", "{", ""),
        answers(
            ["ok", "annoyed", "[style]"], {"first": "same thing here", "second": "Same thing, here!"}, [1, None, {}]
        ),
        answers({"styles": []}, ["first"], "12345678"),
        answers(
            ["about late_parcel only"], {"first": "it is late_parcel", "second": "it is a refund"}, ["...", "…", "<x>"]
        ),
        answers(["a fine long style"], {"first": "fine words", "second": "other words"}, ["fine"], finish="length"),
    ],
)
def test_useless_answers_are_dropped_and_counted(bad: EngineerModel) -> None:
    plan = plan_of(bad, confusions=CONFUSED)
    assert plan.dropped == {"styles": 3, "contrasts": 1, "topics": 6}
    assert (plan.hints, plan.topics) == ({}, {})
    assert sum(plan.skills.values()) == 60


def test_words_of_the_best_attempt_are_kept() -> None:
    first = plan_of(GOOD, confusions=CONFUSED)
    second = plan_of(answers([], {}, []), earlier=Earlier(1, "", first.for_program()))
    assert second.hints == first.hints
    assert "as a voice message, typed out" in second.styles


def test_pairs_count_both_ways_and_leave_out_what_is_no_label() -> None:
    assert confused_pairs(situation(confusions=CONFUSED)) == [(("late_parcel", "refund"), 4)]


@given(st.lists(st.text(min_size=1), min_size=2, unique=True), st.floats(0, 0.5))
def test_hard_styles_are_the_share_that_was_asked_for(styles: list[str], hard: float) -> None:
    found = mixed(styles, hard)
    share = sum(style in HARD_STYLES for style in found) / len(found)
    assert abs(share - hard) <= 1 / len(found)
    assert [style for style in found if style not in HARD_STYLES] == styles


def test_a_whole_run_with_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school: School = build(tmp_path, monkeypatch)
    school.skill["refund_status"] = 0.1
    school.engineer = lambda request: GOOD.ask(request, 0)
    run = school.run(engineer={"kind": "plan"})
    draft, improved = run.reader.attempts()
    assert (draft["operation"], improved["operation"], improved["parent"]) == ("draft", "improve", 1)
    assert improved["plan"]["skills"]["refund_status"] > 4
    assert improved["plan"]["hints"], "what tells the confused labels apart"
    assert run.summary()["attempts"][1]["changes"]
    lessons = [prompt for prompt in school.prompts() if "Intent: refund status" in prompt]
    assert any("It may be about: a birthday present" in prompt for prompt in lessons)
