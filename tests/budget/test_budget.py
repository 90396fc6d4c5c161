from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toolkit.budget import Limits, Pace, Spent, Work, early_stop, forecast, round_share, stop_reason

LIMITS = Limits(rounds=3, rows=100, teacher_calls=50, seconds=600)


def test_whichever_budget_is_spent_first_ends_the_run() -> None:
    assert stop_reason(LIMITS, Spent(1, 50, 20, 100)) is None
    assert "3 rounds" in str(stop_reason(LIMITS, Spent(3, 50, 20, 100)))
    assert "100 rows" in str(stop_reason(LIMITS, Spent(1, 100, 20, 100)))
    assert "50 teacher calls" in str(stop_reason(LIMITS, Spent(1, 50, 50, 100)))
    assert "10 minutes" in str(stop_reason(LIMITS, Spent(1, 50, 20, 600)))


def test_a_target_or_a_plateau_ends_the_rounds_only_where_they_are_asked_for() -> None:
    assert early_stop(1.0, 100, None, None) is None
    assert early_stop(0.79, 2, 0.8, 3) is None
    assert early_stop(None, 0, 0.1, None) is None, "no round was accepted"
    assert early_stop(0.8, 0, 0.8, 3) == "the target is met: 80.0% on gate, 80.0% were wanted"
    assert "the last 3 rounds were no better" in str(early_stop(0.79, 3, 0.8, 3))
    assert "the last round was no better" in str(early_stop(None, 1, None, 1))


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_rounds_together_spend_the_whole_budget_and_no_more(limit: int, rounds: int) -> None:
    spent = 0
    for left in range(rounds, 0, -1):
        spent += round_share(limit, spent, left)
    assert spent == limit


def test_a_forecast_is_the_sum_of_its_stages() -> None:
    found = forecast(Work(rows=10, example_epochs=100, answers=5), Pace(row_seconds=2, example_seconds=0.1))
    assert found.stages["generate"] == 20
    assert found.seconds_left == sum(found.stages.values())
