"""A recorded run whose engineer asks a model: drafts that fail, repairs, a plan that waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recorded import MESSAGES, NAMES, Recorder

from toolkit.types import Completion, Request

LABELS = [skill for skill, _ in MESSAGES]
PROGRAM = '''"""Ask for messages of each label, {per_call} at a time."""
for label, wanted in plan["skills"].items():
    prompts = []
    for style in plan["styles"]:
        prompts.append(f"Write {per_call} messages with the intent {{label}}. {{style}}")
    for reply in ask_many(prompts, schema=MESSAGES):
        rows = [{{"input": text, "output": label}} for text in reply.data["messages"]]
        submit(rows)  # what is turned away is asked for again
'''
TRACEBACK = """Traceback (most recent call last):
  File "program.py", line 7, in <module>
    for reply in ask_many(prompts, schema=MESSAGES):
NameError: name 'MESSAGES' is not defined"""
CHANGES = [
    {
        "what": "refund_status: 31 rows, an even share is 19",
        "why": "refund_status: 4 of 12 right [14%, 61%], 40 rows so far",
    },
    {"what": "styles: in two parts; angry; from a phone", "why": "asked for by a person: more two-part questions"},
]
PLAN_FILE = """# Attempt 5, improve. Edit what you like.
# refund_status: 31 rows, an even share is 19
#   because: 4 of 12 right [14%, 61%], 40 rows so far
skills:
  parcel_late: 18
  refund_status: 31
  wrong_item: 12
styles:
- in two parts
- angry
- from a phone
notes:
  refund_status: 'It may be about: money that did not come back.'
per_call: 6
"""


def plan(extra: int = 0) -> dict[str, Any]:
    return {
        "skills": {label: 19 + extra * (number % 3) for number, label in enumerate(LABELS)},
        "styles": ["plain", "in two parts", *["angry", "from a phone"][: 1 + extra]],
        "per_call": 6,
        "calls": 133,
        "room": 133,
        "changes": CHANGES if extra else [],
    }


def card(narrow: float, rows: int = 133) -> dict[str, Any]:
    """A card's figures; `narrow` from 0 (varied) to 1."""
    return {
        "n": rows,
        "distinct": [0.31 - 0.1 * narrow, 0.72 - 0.3 * narrow, 0.91 - 0.3 * narrow],
        "near_duplicate_rate": 0.04 + 0.3 * narrow,
        "vendi": rows * (0.62 - 0.4 * narrow),
        "vendi_n": rows,
        "vendi_share": 0.62 - 0.4 * narrow,
        "opening": "hi i have",
        "opening_share": 0.05 + 0.36 * narrow,
        "label_entropy": 0.98 - 0.05 * narrow,
        "topic_entropy": 0.8 - 0.3 * narrow,
        "labels": dict.fromkeys(LABELS, 16),
        "words": {"mean": 11.4, "sd": 4.2, "q50": 11.0},
        "public_words": 12.0,
        "distance": 0.41 + 0.1 * narrow,
        "distance_within_public": 0.33,
        "definitions": {"kernel": "cosine similarity of character 3-gram counts"},
    }


def ask(recorder: Recorder, attempt: int, number: int, question: str, reply: str, finish: str = "stop") -> None:
    """A question to the engineer's model."""
    request = Request(
        ({"role": "system", "content": "You plan lessons."}, {"role": "user", "content": question}),
        sample=attempt * 100 + number,
        schema={"type": "object", "properties": {"styles": {"type": "array"}}},
    )
    done = Completion(reply, finish, 412, 64, seconds=2.9)  # type: ignore[arg-type]
    recorder.journal.call(request, done, role="engineer", model=NAMES["teacher"], attempt=attempt)
    recorder.wait(3)


def think(recorder: Recorder, number: int, attempt: int) -> None:
    with recorder.journal.stage("plan", number):
        ask(recorder, attempt, 1, "Which styles are missing?\n- plain\n- angry", '{"styles": ["in two parts"]}')
        ask(
            recorder,
            attempt,
            2,
            "What tells refund_status from cancel_order?",
            "Money back, or no order at all: th",
            "length",
        )


def attempt(
    recorder: Recorder, number: int, operation: str, parent: int | None, extra: int, program: str = "", rows: int = 30
) -> None:
    recorder.journal.attempt(
        number,
        operation=operation,  # type: ignore[arg-type]
        program=program or PROGRAM.format(per_call=6 + extra),
        plan=plan(extra),
        parent=parent,
    )
    if rows:
        recorder.lessons(number, rows)


def narrowness(recorder: Recorder, number: int, attempt: int, narrow: float, warnings: list[str]) -> None:
    recorder.journal.event("diversity", number, attempt=attempt, card=card(narrow), handwritten=0.0, warnings=warnings)


def two_rounds(folder: Path) -> Recorder:
    """Two rounds of four attempts, and the questions about a fifth. The writer stays open."""
    recorder = Recorder(folder)
    recorder.__enter__()
    recorder.begin("plan")
    journal = recorder.journal
    ask(recorder, 0, 1, "Write a JSON plan.", '{"skills": {}}')

    think(recorder, 1, 1)
    with journal.stage("generate", 1):
        attempt(recorder, 1, "draft", None, 0)
        journal.end_attempt(1, "failed", "insufficient valid samples", "24 of 133 teacher calls were used")
        journal.event("attempt_failed", 1, attempt=1, error_class="insufficient valid samples", accepted=25)
        attempt(recorder, 2, "repair", 1, 0, rows=96)
        journal.end_attempt(2, "valid")
        journal.event("submission", 1, attempt=2, accepted=84, calls=16)
        narrowness(
            recorder,
            1,
            2,
            1.0,
            ["41 % of rows share one opening: 'hi i have …'", "34 % of rows nearly repeat another row"],
        )
    journal.round(1, attempt=2, arm="iterative", row_ids=[])
    recorder.train(1)
    recorder.evaluate(1)

    journal.note(int(recorder.clock.now * 1e9), "more two-part questions")
    journal.event("steered", text="more two-part questions")
    think(recorder, 2, 3)
    with journal.stage("generate", 2):
        attempt(recorder, 3, "improve", 2, 1, PROGRAM.format(per_call=7) + "\nMESSAGES = {}\n", rows=0)
        journal.end_attempt(3, "failed", "code runtime error", TRACEBACK)
        journal.event("attempt_failed", 2, attempt=3, error_class="code runtime error", accepted=0)
    think(recorder, 2, 4)
    with journal.stage("generate", 2):
        attempt(recorder, 4, "debug", 3, 1, rows=110)
        journal.end_attempt(4, "valid")
        journal.event("submission", 2, attempt=4, accepted=95, calls=19)
        narrowness(recorder, 2, 4, 0.3, [])
    journal.round(2, attempt=4, arm="iterative", row_ids=[])
    recorder.train(2)
    recorder.evaluate(2)
    think(recorder, 3, 5)
    return recorder


def wait_for_approval(
    recorder: Recorder, name: str = "attempt-5.yaml", text: str = PLAN_FILE, problem: str = ""
) -> Path:
    """The file of a plan that waits, as the worker leaves it when it pauses."""
    path = recorder.folder / "approval" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    more = {"problem": problem} if problem else {}
    recorder.journal.event("approval_wanted", attempt=5, path=f"approval/{name}", **more)
    recorder.journal.set_meta("state", "paused")
    return path
