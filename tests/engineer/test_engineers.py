from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from toolkit.engineer import Situation, SkillReport, open_engineer
from toolkit.engineer.bandit import Bandit, contrasts, shares, weight
from toolkit.engineer.plan import largest_remainders

LABELS = {"late": "", "broken": "", "refund": ""}


def situation(reports: dict[str, SkillReport], *, number: int = 2, rows: int = 90, **more: object) -> Situation:
    return Situation(
        number=number, parent=number - 1 or None, labels=LABELS, rows=rows, calls=50, skills=reports, **more
    )  # type: ignore[arg-type]


reports = st.fixed_dictionaries(
    {
        name: st.builds(
            lambda n, share, rows: SkillReport(round(n * share), n, rows),
            st.integers(0, 50),
            st.floats(0, 1),
            st.integers(0, 500),
        )
        for name in LABELS
    }
)


@given(reports, st.integers(0, 1000))
def test_shares_add_up_and_starve_no_label(found: dict[str, SkillReport], rows: int) -> None:
    given_out = shares(situation(found, rows=rows))
    assert sum(given_out.values()) == rows
    assert min(given_out.values()) >= (rows // 2) // len(LABELS)


@given(st.dictionaries(st.text(min_size=1), st.floats(0.01, 100), min_size=1), st.integers(0, 500))
def test_largest_remainders_are_within_one_of_the_exact_share(weights: dict[str, float], rows: int) -> None:
    given_out = largest_remainders(weights, rows)
    total = sum(weights.values())
    assert sum(given_out.values()) == rows
    assert all(abs(given_out[name] - rows * weight / total) < 1 + 1e-6 for name, weight in weights.items())


def test_the_weak_label_gets_more_and_the_one_with_many_rows_less() -> None:
    weak = shares(
        situation(
            {"late": SkillReport(2, 10, 40), "broken": SkillReport(10, 10, 40), "refund": SkillReport(10, 10, 40)}
        )
    )
    assert weak["late"] > weak["broken"] + 10
    assert abs(weak["broken"] - weak["refund"]) <= 1
    assert weight(SkillReport(5, 10, 100)) < weight(SkillReport(5, 10, 10))
    assert weight(SkillReport(1, 2, 10)) > weight(SkillReport(10, 20, 10)), "few items leave more room for doubt"


def test_contrasts_name_the_confused_labels_both_ways() -> None:
    found = contrasts(situation({}, confusions={("late", "refund"): 3, ("late", "broken"): 1, ("late", "nonsense"): 9}))
    assert found["late"] == ["refund", "broken"]
    assert found["refund"] == ["late"]


def test_fixed_does_not_look_at_the_scores() -> None:
    engineer = open_engineer("fixed", "program")
    good = engineer.propose(situation({name: SkillReport(9, 10, 30) for name in LABELS}))
    bad = engineer.propose(situation({name: SkillReport(0, 10, 30) for name in LABELS}))
    assert good == bad
    assert good.operation == "improve"


def test_scores_of_a_round_that_was_not_accepted_move_the_shares_of_a_draft() -> None:
    measured = {**{name: SkillReport(9, 10, 10) for name in LABELS}, "late": SkillReport(1, 10, 10)}
    found = Bandit("program").propose(replace(situation(measured), parent=None, unaccepted=1))
    assert (found.operation, found.parent) == ("draft", None)
    assert found.plan["skills"]["late"] > 40  # type: ignore[index, call-overload, operator]


def test_the_first_attempt_is_a_draft_with_even_shares() -> None:
    found = open_engineer("bandit", "program").propose(
        situation({name: SkillReport(0, 0, 0) for name in LABELS}, number=1)
    )
    assert found.operation == "draft"
    assert found.plan["skills"] == {"late": 30, "broken": 30, "refund": 30}
