"""A recorded run whose answers a model judges, before and after a person has labelled some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recorded import Recorder

from toolkit.data.prepare import FOLDER
from toolkit.data.sealed import as_lines
from toolkit.stages.desk import DeskAnswer, desk_answer, leave_answers
from toolkit.types import Item

RUBRIC = "It is polite, names the parcel, and promises nothing that the shop cannot keep."
JUDGED = f"""name: polite
task:
  about: A shop answers its customers.
  system: Answer the customer politely.
  answer: judged
  judge: {{rubric: "{RUBRIC}", model: replay/judge}}
data: {{path: data}}
"""
ANSWERS = (
    "It left our depot today, please wait until Friday.",
    "no idea, ask the post",
    "I am sorry for the wait. Your parcel is on its way; please write to us again if it is not there on Monday.",
    "It will surely be there tomorrow morning!",
)
AGREEMENT: dict[str, Any] = {
    "n": 30, "agreed": 27, "kappa": 0.8, "low": 0.61, "high": 0.92, "judge_right": 0.53, "person_right": 0.5,
    "flips": 0.07, "first_chosen": 0.66, "longer": 0.14, "unreadable": 0.02, "passes": True, "model": "replay/judge",
}  # fmt: skip


def public_items(count: int = 40) -> list[Item]:
    return [
        Item(f"pu{n}", "public", f"Where is my parcel number {n}?", f"Parcel {n} is on its way, please wait.")
        for n in range(count)
    ]


def judged(folder: Path, count: int = 40, *, answers: bool = True) -> Recorder:
    """A run that stopped since its judge has no labels; `count` answers are on the desk. The writer stays open."""
    recorder = Recorder(folder)
    recorder.__enter__()
    recorder.begin()
    recorder.journal.set_meta("recipe", JUDGED)
    recorder.journal.set_meta("recipe_folder", str(folder / "recipe"))
    items = public_items(count)
    (folder / FOLDER).mkdir()
    (folder / FOLDER / "public.jsonl").write_text(as_lines(items), encoding="utf-8")
    if answers:
        found = [desk_answer(item, ANSWERS[n % 4], "zero-shot") for n, item in enumerate(items)]
        leave_answers(folder, [one for one in found if isinstance(one, DeskAnswer)])
    return recorder
