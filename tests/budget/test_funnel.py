"""The yield funnel of a journal whose counts are known."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from toolkit.cli.display import status_line
from toolkit.journal import Journal
from toolkit.models.journaled import JournaledModel
from toolkit.stages.funnel import GrowingFunnel, funnel
from toolkit.types import Completion, Request, Row


def test_each_step_is_counted_and_each_loss_has_its_reason(tmp_path: Path) -> None:
    replies = [("fine", "stop", None), ("fine too", "stop", None), ("", "stop", None), ("half", "length", None)]
    replies += [("no json", "stop", {"type": "object"}), ("{}", "stop", {"type": "object"})]
    with Journal(tmp_path) as journal:
        for number, (text, finish, schema) in enumerate(replies):
            request = Request((), schema=schema, sample=number)
            journal.call(request, Completion(text, finish, 1, 1), role="teacher", model="m", attempt=1)  # type: ignore[arg-type]
        journal.call(Request((), sample=99), Completion("", "stop", 1, 1), role="engineer", model="m", attempt=1)
        journal.attempt(1, operation="draft", program="", plan={})
        for seq, reason in enumerate(["", "", "near_duplicate", "duplicate", "malformed"]):
            status = "rejected" if reason else "accepted"
            journal.row(1, seq, Row(f"row {seq}", "a"), status=status, reason=reason)
        journal.round(1, attempt=1, arm="iterative", row_ids=["x", "y"])
        journal.round_adapter(1, "adapter")
        found = funnel(journal)
    assert (found.answered, found.usable) == (6, 3)
    assert found.problems == {"empty": 1, "cut_off": 1, "no_json": 1}
    assert (found.rows, found.valid, found.unique, found.trained) == (5, 4, 2, 2)
    assert "teacher: 6 asked, 6 answered, 3 of use" in found.words() and "2 trained" in found.words()


def test_a_question_without_an_answer_is_pending_and_asked_again_it_is_the_same(tmp_path: Path) -> None:
    class Cut:
        """Answers one question, then its process is killed."""

        def complete(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
            yield requests[0], Completion("one", "stop", 1, 1)
            raise KeyboardInterrupt

    requests = [Request(({"role": "user", "content": str(number)},)) for number in range(3)]
    with Journal(tmp_path) as journal:
        growing = GrowingFunnel()
        for answered in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                JournaledModel("m", "teacher", journal, Cut).complete(requests, 1)  # type: ignore[arg-type]
            found = growing.look(journal, journal.row_counts(), journal.rounds())
            assert (found.asked, found.answered) == (3, answered)
        with pytest.raises(KeyboardInterrupt):
            JournaledModel("m", "engineer", journal, Cut).complete([Request((), sample=7)], 1)  # type: ignore[arg-type]
        assert funnel(journal).asked == 3


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (200, "1 asked → 1 answered → 1 parsed → 2 valid → 1 unique → 0 trained, 3 tokens/s"),
        (100, "1 asked → 1 answered → 1 parsed → 2 valid → 1 unique → 0 trained"),
        (70, "asked 1→1→1→2→1→0 trained"),
        (50, "1→1→1→2→1→0"),
        (10, "1 rows"),
    ],
)
def test_the_status_line_tells_as_much_of_it_as_fits(tmp_path: Path, width: int, said: str) -> None:
    with Journal(tmp_path) as journal:
        reply = Completion("fine", "stop", 1, 6, seconds=2.0)
        journal.call(Request((), sample=1), reply, role="teacher", model="m", attempt=1)
        journal.attempt(1, operation="draft", program="", plan={})
        for seq, reason in enumerate(["", "duplicate", "malformed"]):
            journal.row(1, seq, Row(f"row {seq}", "a"), status="rejected" if reason else "accepted", reason=reason)
        with journal.stage("generate", 1):
            line = status_line(journal, GrowingFunnel(), width)
    assert line == f"round 1: the teacher writes · {said}"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("seeds", "the student learns with another seed · step 2/9, loss 1.000, 14 s to go · about 5 min left"),
        ("leave-out", "the student learns and is asked without a batch of the rows · step 2/9, loss 1.000, 14 s to go"),
    ],
)
def test_the_status_line_tells_of_trainings_beside_the_rounds(tmp_path: Path, name: str, words: str) -> None:
    with Journal(tmp_path) as journal:
        journal.event("forecast", seconds_left=300, ends_at=time.time() + 300)
        figures = {"loss": 1.0, "lr": 0.1, "tokens_per_second": 9.0}
        with journal.stage(name, 1):
            taken = [{**figures, "step": 1, "ago": -1.0}, {**figures, "step": 2, "ago": -3.0}]
            journal.steps_of(1, taken, steps=9, student=f"round-1-{name}")
            assert status_line(journal, GrowingFunnel(), 200) == f"round 1: {words}"


def test_a_look_again_reads_what_came_since(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        growing = GrowingFunnel()
        journal.attempt(1, operation="draft", program="", plan={})
        for number, text in enumerate(("one", "", "two")):
            journal.call(
                Request((), sample=number), Completion(text, "stop", 1, 1), role="teacher", model="m", attempt=1
            )
            journal.row(1, number, Row(f"row {number}", "a"))
            assert growing.look(journal, journal.row_counts(), journal.rounds()) == funnel(journal)
            assert len(journal.replies(after=number)) == 1, "the others are not read again"
        for number in (1, 2):
            journal.round(number, attempt=1, arm="iterative", row_ids=["x", f"y{number}"])
            journal.round_adapter(number, "adapter")
            assert growing.look(journal, journal.row_counts(), journal.rounds()) == funnel(journal)
        assert growing.look(journal, journal.row_counts(), journal.rounds()).trained == 3
