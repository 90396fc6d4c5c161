"""The engineer that writes programs, in the real loop, the real sandbox and the real checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat

import pytest
from school import FILLED, Answer, School, cut, prompt_of

from toolkit.engineer.skeletons import SKELETON
from toolkit.errors import SchoolhouseError
from toolkit.programs.trial import CALLS_OF_A_KIND
from toolkit.types import Request


def block(program: str) -> str:
    return f"```python\n{program}\n```"


GOOD = block(FILLED)
CRASHING = block("x = 1\nraise KeyError('label')")
SILENT = block("def main():\n    submit([])\n\nprint('done')")
STINGY = block(
    FILLED.replace("if not labels:", "if turn > 0:").replace(
        "in messages_in(reply.text)", "in messages_in(reply.text)[:1]"
    )
)
WASTEFUL = block("ask_many(['x'] * remaining()['calls'])\nask_many(['y'])")


def says(school: School, *answers: Answer) -> None:
    """The engineer gives these answers in turn, and then the last one for ever."""
    turns: Iterator[Answer] = chain(answers, repeat(answers[-1]))
    school.engineer = lambda request: next(turns)


def story(school: School, *answers: Answer, **sections: dict[str, object]) -> list[tuple[str, str | None]]:
    """The operations of a run and how each attempt ended."""
    says(school, *answers)
    sections["engineer"] = {"kind": "code", **sections.get("engineer", {})}
    school.last = run = school.begin(**sections)
    with suppress(SchoolhouseError):
        run.carry_out()
    return [(found["operation"], found["error_class"]) for found in run.reader.attempts()]


def test_a_good_program_is_improved_on(school: School) -> None:
    assert story(school, GOOD) == [("draft", None), ("improve", None)]
    improving = engineer_prompts(school)[-1]
    assert "weakest first" in improving
    assert "Variety of the data, round 1: " in improving and "Vendi score" in improving
    assert "def messages_in" in improving, "the best program is shown"


def test_while_no_round_is_accepted_it_hears_of_the_newest_one(school: School) -> None:
    assert story(school, GOOD, acceptance={"gate_errors": 100}) == [("draft", None), ("draft", None)]
    first, second = engineer_prompts(school)
    assert "Untrained the student answers" in first
    assert "No round was accepted yet. The student of round 1 answers" in second and "weakest first" in second


def test_improving_it_hears_which_rows_did_not_count(school: School) -> None:
    says(school, block(f"submit([{{'input': 'by hand', 'output': 'nowhere'}}])\n{FILLED}"))
    school.run(engineer={"kind": "code"})
    assert "Rows that did not count:\n- unknown_label: 1, for example: " in engineer_prompts(school)[-1]


def engineer_prompts(school: School) -> list[str]:
    return [prompt for prompt in school.prompts() if "data engineer" in prompt]


def test_each_failure_goes_its_way(school: School) -> None:
    found = story(school, "I cannot.", cut("```python\nx ="), f"{GOOD}\n{GOOD}", CRASHING, SILENT, GOOD)
    assert found == [
        ("draft", "code extraction failed"),
        ("debug", "LLM output truncated"),
        ("debug", "code extraction failed"),
        ("debug", "code runtime error"),
        ("draft", "insufficient valid samples"),
        ("repair", None),
        ("improve", None),
    ]
    debugging, repairing = engineer_prompts(school)[4], engineer_prompts(school)[5]
    assert "Fill the place marked FILL" in debugging, "after three debugs comes a new draft"
    assert "without submitting a row" in repairing
    assert "it printed: done" in repairing


COPIED = block(SKELETON)
OTHER_STYLES = ["a riddle of a message", "as if to a friend", "a list of dates", "with a threat", "very formal"]


def lists(style: str) -> str:
    return json.dumps([style, *(f"{style}, {other}" for other in OTHER_STYLES)])


def test_a_copied_skeleton_is_no_draft_and_only_its_empty_place_is_asked_for(school: School) -> None:
    found = story(school, COPIED, "[]", lists("a first style"), lists("a second style"))
    assert found == [
        ("draft", "code extraction failed"),
        ("debug", "code extraction failed"),
        ("debug", None),
        ("improve", None),
    ]
    assert [one["calls"] for one in school.last.summary()["attempts"]][:2] == [0, 0], "no teacher call was spent"
    first, _, third, fourth = school.last.reader.attempts()
    assert "Fill the list STYLES with at least 6 more ways in which people write" in first["error"]
    assert "a first style" in third["program"]
    assert third["plan"]["changes"][0]["what"] == "only the list STYLES is the engineer's"
    assert "a second style" in fourth["program"] and "a first style" not in fourth["program"]
    asked = engineer_prompts(school)
    assert all("Name 6 other styles" in prompt and "```" not in prompt for prompt in asked[1:])
    assert "a first style" in asked[3], "improving, it is asked for other ones"
    assert any("Style: a first style" in prompt for prompt in school.prompts())


def test_a_draft_of_one_shot_is_asked_for_the_place_that_an_earlier_one_left_empty(school: School) -> None:
    found = story(school, COPIED, lists("a first style"), engineer={"mode": "one-shot"})
    assert found == [("draft", "code extraction failed"), ("draft", None)]


def test_the_traceback_goes_back(school: School) -> None:
    story(school, CRASHING, GOOD)
    assert "KeyError" in engineer_prompts(school)[1]
    assert "raise KeyError" in engineer_prompts(school)[1]


def test_too_few_valid_rows_lead_to_a_repair(school: School) -> None:
    found = story(school, STINGY, GOOD, budget={"min_rows": 20, "rounds": 1})
    assert found == [("draft", "insufficient valid samples"), ("repair", None)]


def test_a_program_is_tried_before_it_may_spend_the_budget(school: School) -> None:
    story(school, WASTEFUL, engineer={"attempts": 1})
    teacher = [prompt for prompt in school.prompts() if "data engineer" not in prompt]
    assert len(teacher) <= 2 * CALLS_OF_A_KIND


def test_rows_of_a_failed_attempt_are_not_trained_on(school: School) -> None:
    says(school, STINGY, GOOD)
    run = school.run(engineer={"kind": "code"}, budget={"min_rows": 20, "rounds": 1})
    assert run.reader.accepted_rows(1) == []
    assert run.summary()["rows"]["rejected"]["too_few_rows"] > 0
    assert run.summary()["rows"]["accepted"] == len(run.reader.accepted_rows(2)) == 24


def test_one_shot_drafts_eight_times_at_most(school: School) -> None:
    assert story(school, CRASHING, engineer={"mode": "one-shot"}) == [("draft", "code runtime error")] * 8


def test_a_one_shot_draft_leaves_half_of_the_calls_to_the_next_unless_it_is_the_last(school: School) -> None:
    says(school, WASTEFUL)
    run = school.begin(engineer={"kind": "code", "mode": "one-shot", "drafts": 3})
    with suppress(SchoolhouseError):
        run.carry_out()
    first, second, third = [found["plan"]["calls"] for found in run.reader.attempts()]
    assert first == 40 and second <= 40 and third > second / 2


def test_one_shot_stops_at_the_first_valid_draft(school: School) -> None:
    says(school, CRASHING, "nothing", GOOD)
    run = school.run(engineer={"kind": "code", "mode": "one-shot"})
    summary = run.summary()
    assert summary["engineer"]["mats"] == 3.0
    assert summary["engineer"]["failures"] == {"code runtime error": 1, "code extraction failed": 1}
    assert summary["engineer"]["calls"] == 3
    assert [(found["round"], found["attempt"]) for found in summary["attempts"] if found["round"]] == [(1, 3)]
    assert summary["exam"]["gain_relative"] is not None
    prompts = engineer_prompts(school)
    assert prompts[0] == prompts[1] == prompts[2], "the drafts are independent"
    assert len({request.hash for request in school.asked if "data engineer" in prompt_of(request)}) == 3


def test_an_engineer_that_never_succeeds_ends_the_run_with_the_reason(school: School) -> None:
    assert len(story(school, CRASHING, engineer={"attempts": 11})) == 11


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize("after", [1, 2, 4, 7, 9])
def test_a_killed_run_asks_its_engineer_nothing_twice(school: School, after: int) -> None:
    answers = {1: CRASHING, 2: STINGY}

    def engineer(request: Request) -> str:
        return answers.get(request.sample // 100, GOOD)

    def kill(request: Request) -> None:
        if len(school.asked) > after:
            raise Killed

    school.engineer, school.on_request = engineer, kill
    run = school.begin(engineer={"kind": "code"}, budget={"rows": 40, "min_rows": 14})
    with pytest.raises(Killed):
        run.carry_out()
    school.on_request = lambda request: None
    run.carry_out()
    hashes = [request.hash for request in school.asked]
    assert len(hashes) == len(set(hashes)) + 1, "only the question that the kill interrupted is put again"
    assert [found["operation"] for found in run.reader.attempts()] == ["draft", "debug", "repair", "improve"]
