"""A data program in the real sandbox, with the real host, journal and checks, and a teacher made of a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.data.checks import RowChecks
from toolkit.data.firewall import Firewall
from toolkit.journal import Journal, JournalReader
from toolkit.models.chat import ModelInfo
from toolkit.models.journaled import JournaledModel
from toolkit.programs.host import Allowance, ProgramHost, Verify
from toolkit.programs.sandbox import Ending, Limits, run_program
from toolkit.types import Completion, FinishReason, Json, Request, Row

Speaks = Callable[[Request], str]
ENDINGS: Mapping[str, FinishReason] = {"…": "length", "‽": "refusal"}
QUICK = Limits(memory_bytes=64_000_000, seconds=1.0, host_calls=400)


class MadeUpTeacher:
    """Answers with what a function of the request returns; a reply that ends in … was cut off, in ‽ refused."""

    def __init__(self, speaks: Speaks) -> None:
        self.speaks = speaks
        self.asked: list[Request] = []

    def complete(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion]]:
        for request in requests:
            self.asked.append(request)
            text = self.speaks(request)
            yield request, Completion(text, ENDINGS.get(text[-1:], "stop"), 1, 1)

    def info(self) -> ModelInfo:
        return ModelInfo("made-up", "test", 2048, 0, False)

    def close(self) -> None:
        return


def prompt_of(request: Request) -> str:
    return request.messages[-1]["content"]


@dataclass
class Hosted:
    """What came of a program."""

    ending: Ending
    host: ProgramHost
    teacher: MadeUpTeacher
    journal: Journal

    def logged(self) -> list[str]:
        """What the program wrote into the log."""
        return [event["data"]["text"] for event in self.journal.events() if event["kind"] == "log"]

    def reasons(self) -> list[str]:
        return [row["reason"] for row in JournalReader(self.journal.folder).rows()]

    def rows(self) -> list[dict[str, Json]]:
        return self.journal.rows(status="accepted")

    def prompts(self) -> list[str]:
        return [prompt_of(request) for request in self.teacher.asked]


def carry_out(
    folder: Path,
    program: str,
    speaks: Speaks = lambda request: "hello",
    *,
    task: Mapping[str, Json] | None = None,
    plan: Mapping[str, Json] | None = None,
    seeds: Sequence[str] = (),
    rows: Mapping[str, int] | None = None,
    calls: int = 50,
    labels: Sequence[str] = ("a", "b"),
    checks: RowChecks | None = None,
    limits: Limits = QUICK,
    seed: int = 1,
    sampling: int = 0,
    passes: Callable[[Row], bool] = lambda row: True,
    wrote: Callable[[Row], bool] = lambda row: True,
    by_hand: int = 0,
    verify: Verify = lambda kind, answer, expected, more: False,
    clock: Callable[[], float] = lambda: 0.0,
    kind: type[ProgramHost] = ProgramHost,
) -> Hosted:
    """Run a program against a budget; the journal stays open for questions."""
    journal = Journal(folder)
    teacher = MadeUpTeacher(speaks)
    wanted = rows or {"a": 4, "b": 4}
    host = kind(
        attempt=1,
        allowance=Allowance(calls=calls, rows=wanted, room=sum(wanted.values()), seconds=600),
        journal=journal,
        teacher=JournaledModel("test/made-up", "teacher", journal, lambda: teacher),
        checks=checks or RowChecks(labels, Firewall([], [], [])),
        temperature=0.8,
        clock=clock,
        seed=sampling,
        answer_passes=passes,
        teacher_wrote=wrote,
        by_hand=by_hand,
        verify=verify,
    )
    given = task or {"about": "Messages to a shop.", "answer": "label", "labels": dict.fromkeys(labels, "")}
    inputs = {"task": dict(given), "plan": dict(plan or {}), "seeds": list(seeds)}
    return Hosted(run_program(program, host.functions(), inputs, seed=seed, limits=limits), host, teacher, journal)
