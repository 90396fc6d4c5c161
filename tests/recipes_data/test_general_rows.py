"""The general rows that may be mixed into a training: varied, balanced, and nothing of the forgetting probe."""

from __future__ import annotations

import re
from collections import Counter

from toolkit.data.firewall import Firewall
from toolkit.evaluation.probe import probe_items
from toolkit.evaluation.scorers import contains
from toolkit.stages.general import general_rows, replayed

NAMED = ("chat_format", "copying", "other_language")
"""Skills whose probe items ask for something that only they ask for; `no` or `12` may be right for many questions."""


def numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(found) for found in re.findall(r"\d+", text)))


def test_every_skill_of_the_probe_has_as_many_rows() -> None:
    counts = Counter(row.skill for row in general_rows())
    assert counts.keys() == {item.skill for item in probe_items()}
    assert len(set(counts.values())) == 1 and counts.total() >= 120
    assert {row.meta["origin"] for row in general_rows()} == {"general"}


def test_rows_are_unique_and_varied() -> None:
    rows = general_rows()
    assert len({row.input.casefold() for row in rows}) == len(rows)
    openings = Counter(" ".join(row.input.casefold().split()[:3]) for row in rows)
    assert openings.most_common(1)[0][1] <= 0.05 * len(rows), openings.most_common(5)
    assert len({row.output for row in rows}) > 0.85 * len(rows)


def test_no_row_is_close_to_an_item_of_the_probe() -> None:
    """By the same rules that keep evaluation items out of the lessons: exact, n-grams, runs of words."""
    firewall = Firewall(probe_items(), [], [])
    assert [(row.input, hit) for row in general_rows() if (hit := firewall.check(row.input))] == []


def test_no_answer_would_be_right_for_an_item_of_the_same_skill() -> None:
    items = [item for item in probe_items() if item.skill in NAMED]
    told = [
        (item.id, row.output)
        for item in items
        for row in general_rows()
        if row.skill == item.skill and contains(item, row.output)
    ]
    assert told == []


def test_no_sum_is_asked_again() -> None:
    asked = {numbers(item.input) for item in probe_items() if item.skill == "arithmetic"} - {()}
    rows = [row for row in general_rows() if row.skill == "arithmetic" and numbers(row.input) in asked]
    assert rows == []


def test_a_share_takes_all_skills_evenly_and_begins_anew_when_all_are_taken() -> None:
    assert replayed(0.0, 400) == []
    quarter = replayed(0.25, 120)
    assert len(quarter) == 30 and set(Counter(row.skill for row in quarter).values()) == {6}
    assert replayed(0.25, 240)[:30] == quarter, "more lessons keep what fewer had"
    every = general_rows()
    assert replayed(1.0, len(every) + 3) == [*every, *every[:3]]
