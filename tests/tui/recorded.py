"""A recorded example run: a journal with realistic figures, written at made-up times."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import patch

from toolkit.journal import Journal
from toolkit.types import Completion, Request, Row

START = 1_760_000_000.0
NAMES = {
    "recipe": "quickstart",
    "teacher": "llama_cpp/qwen2.5-coder-1.5b-instruct",
    "student": "smollm2-135m-instruct",
    "engineer": "bandit",
}
RECIPE = "name: quickstart\nbudget: {rounds: 3, rows: 400, teacher_calls: 400, minutes: 30}\n"
GATE = {1: (0.552, 0.452, 0.648), 2: (0.708, 0.611, 0.790), 3: (0.760, 0.666, 0.834)}
PUBLIC = {1: (0.531, 0.432, 0.628), 2: (0.688, 0.589, 0.772), 3: (0.740, 0.644, 0.817)}
DECISIONS = {
    1: ("accepted", "against few-shot: +42.7% ± 5.6% on 96 gate items: above the noise"),
    2: ("accepted", "against round-1: +15.6% ± 5.1% on 96 gate items: above the noise"),
    3: ("undecided", "against round-2: +5.2% ± 5.4% on 96 gate items: within the noise"),
}
SENTENCE = "Helped: round-2 is +59.4 points [+53.1, +65.2] against few-shot on 288 sealed items."
MESSAGES = (
    ("parcel_late", "where is my parcel, it said tuesday and it's friday now"),
    ("refund_status", "hi, I sent the shoes back two weeks ago, still no money"),
    ("wrong_item", "ordered the blue lamp, a toaster came??"),
    ("change_address", "I moved last month, can you send it to the new flat instead"),
    ("invoice_copy", "need the invoice again for my tax thing pls"),
    ("cancel_order", "stop the order from this morning, my husband already bought one"),
    ("login_problem", "it says my password is wrong but I changed it yesterday"),
    ("damaged_item", "box was soaked and two of the plates are cracked"),
)
OPENINGS = (
    "",
    "hi, ",
    "hello?? ",
    "sorry to bother you again, ",
    "quick question: ",
    "third time I write: ",
    "good evening, ",
)
ENDINGS = ("", " pls", ", thanks", " asap", ", any idea?", " :(", ", order 48213", ", kind regards")
REJECTIONS = (
    ("duplicate", "the same text as row 12"),
    ("near duplicate", "0.91 like row 31"),
    ("label in text", "the message names its label"),
    ("too short", "2 words"),
)


class Clock:
    """Stands for the `time` module: it goes on only when it is told to."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def time(self) -> float:
        return self.now


class Recorder:
    """Writes a run step by step; `clock.now` is when the next step happens."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self._random = random.Random(7)
        self._calls = 0
        self._open: list[AbstractContextManager[None]] = []
        self._seq: dict[int, int] = {}
        with patch("toolkit.journal.writer.time", self.clock):
            self.journal = Journal(folder)
        self.journal._db.execute("PRAGMA synchronous = OFF")  # hundreds of small writes; no crash is tested here
        self._patch = patch("toolkit.journal.writer.time", self.clock)
        self._started = False

    def __enter__(self) -> Recorder:
        if not self._started:  # a patch that is started twice takes the first one's clock for the real one
            self._patch.start()
            self._started = True
        return self

    def __exit__(self, *_: object) -> None:
        for stage in reversed(self._open):
            stage.__exit__(None, None, None)
        self._patch.stop()
        self.journal.close()

    def open_stage(self, name: str, number: int) -> None:
        """Begin a stage that stays open, as in a run that is going on."""
        stage = self.journal.stage(name, number)
        stage.__enter__()
        self._open.append(stage)  # a stage that nobody holds would be closed

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def begin(self, engineer: str = "bandit") -> None:
        self.journal.set_meta("recipe", RECIPE)
        self.journal.set_meta("recipe_name", "quickstart")
        self.journal.set_meta("created", self.clock.now)
        self.journal.set_meta("state", "running")
        self.journal.event("run_started", **{**NAMES, "engineer": engineer})
        with self.journal.stage("prepare"):
            self.wait(4)
        self.forecast(1180)
        with self.journal.stage("baseline"):
            self.wait(62)
            for split in ("public", "gate"):
                self.score("zero-shot", split, 0.052, 0.022, 0.116, 96)
                self.score("few-shot", split, 0.125, 0.072, 0.206, 96)
            self.score("zero-shot", "probe", 0.433, 0.274, 0.608, 30)

    def score(self, student: str, split: str, value: float, low: float, high: float, n: int) -> None:
        self.journal.event("score", student=student, split=split, score=value, low=low, high=high, n=n)

    def forecast(self, left: float) -> None:
        ends = self.clock.now + left
        self.journal.event("forecast", seconds_left=left, stages={"generate": left}, ends_at=ends)

    def call(self, attempt: int) -> None:
        self._calls += 1
        request = Request(({"role": "user", "content": f"write six messages, {self._calls}"},))
        reply = Completion("[…]", "stop", 310, 118, seconds=5.1)
        self.journal.call(request, reply, role="teacher", model=NAMES["teacher"], attempt=attempt)
        self.wait(1.0)

    def row(
        self, attempt: int, text: str, skill: str, status: str = "accepted", why: tuple[str, str] = ("", "")
    ) -> None:
        seq = self._seq[attempt] = self._seq.get(attempt, -1) + 1
        row = Row(text, skill, skill)
        self.journal.row(attempt, seq, row, status=status, reason=why[0], detail=why[1])
        self.wait(0.05)

    def lessons(self, number: int, count: int) -> None:
        """Rows of a round: about one in seven is rejected."""
        for index in range(count):
            skill, text = MESSAGES[(5 * index + number) % len(MESSAGES)]
            text = OPENINGS[index * 3 % 7] + text + ENDINGS[(index // 7 + number) % 8]
            if index % 6 == 0:
                self.call(number)
            if self._random.random() < 0.14:
                self.row(number, text, skill, "rejected", self._random.choice(REJECTIONS))
            else:
                self.row(number, text, skill)

    def generate(self, number: int, count: int = 156) -> None:
        self.journal.attempt(number, operation="draft" if number == 1 else "improve", program="", plan={})
        with self.journal.stage("generate", number):
            self.lessons(number, count)
            self.wait(70)
        self.journal.end_attempt(number, "valid")
        self.journal.event("submission", number, accepted=133, calls=26)

    def train(self, number: int, until: int = 51) -> None:
        self.journal.round(number, attempt=number, arm="iterative", row_ids=[])
        with self.journal.stage("train", number):
            self.steps(number, until)

    def steps(self, number: int, until: int, start: int = 1) -> None:
        for step in range(start, until + 1):
            loss = 2.6 / (1 + step / 4) + 0.15 * self._random.random()
            self.journal.training_step(number, step, steps=51, loss=loss, lr=1e-3, tokens_per_second=900)
            self.wait(1.4)

    def evaluate(self, number: int) -> None:
        with self.journal.stage("evaluate", number):
            self.wait(19)
            self.score(f"round-{number}", "public", *PUBLIC[number], 96)
            self.score(f"round-{number}", "gate", *GATE[number], 96)
            self.score(f"round-{number}", "probe", 0.4, 0.246, 0.577, 30)
        decision, reason = DECISIONS[number]
        self.journal.end_round(number, decision, reason)
        self.journal.event("round_ended", number, decision=decision, reason=reason)
        self.forecast(1180 - 320 * number)

    def exam(self) -> None:
        with self.journal.stage("exam"):
            self.wait(48)
            self.score("few-shot", "private", 0.132, 0.098, 0.176, 288)
            self.score("round-2", "private", 0.726, 0.672, 0.774, 288)
        self.journal.set_meta("verdict", {"word": "helped", "sentence": SENTENCE, "student": "round-2"})
        self.journal.event("verdict", 2, word="helped", sentence=SENTENCE)
        self.journal.set_meta("state", "finished")
        self.journal.event("run_ended", reason="finished")


def three_rounds(folder: Path) -> float:
    """A finished run; returns when it ended."""
    with Recorder(folder) as recorder:
        recorder.begin()
        for number in (1, 2, 3):
            recorder.generate(number)
            recorder.train(number)
            recorder.evaluate(number)
        recorder.exam()
        return recorder.clock.now


def in_training(folder: Path) -> Recorder:
    """A run in the middle of round 3's training, with its writer still open: close it with `with`."""
    recorder = Recorder(folder)
    recorder.__enter__()
    recorder.begin()
    for number in (1, 2):
        recorder.generate(number)
        recorder.train(number)
        recorder.evaluate(number)
    recorder.generate(3)
    recorder.journal.round(3, attempt=3, arm="iterative", row_ids=[])
    recorder.open_stage("train", 3)
    recorder.steps(3, 31)
    return recorder
