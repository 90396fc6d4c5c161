"""The parity gate: both students are asked the same, and the export is scored on the public items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from toolkit.errors import ChildError, ExportError
from toolkit.evaluation.probe import probe_items, probe_prompt
from toolkit.evaluation.scorers import open_scorer
from toolkit.evaluation.statistics import paired, score_of
from toolkit.export.parity import Drift, Parity, Side, differences, side_of, unequal
from toolkit.export.trained import Progress, Trained
from toolkit.models.hf_folder import hf_folder
from toolkit.models.torch_dtype import fast_dtype
from toolkit.models.weights import sha256_of
from toolkit.paths import write_text
from toolkit.process import Child
from toolkit.students.child_student import ChildStudent
from toolkit.students.llama_cpp_student import of_files
from toolkit.students.student import Student, open_student
from toolkit.types import Item, Message, Outcome, digest

LEAST_PROMPTS = 50
EXAMPLES = 5
ANSWERS = "free-answers.json"
ANSWERS_VERSION = 1  # raised when the same student would answer otherwise

Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exported:
    """The exported files, as the programs that they are for would load them.

    Args:
        path: a GGUF file, or a folder for transformers.
        lora: a GGUF adapter that is loaded beside `path`.
        turns: the template that was made for Ollama, when that is what renders prompts.
    """

    path: Path
    lora: Path | None = None
    turns: Sequence[str] | None = None

    def open(self, log: Path | None, context: int) -> Student:
        if self.path.suffix == ".gguf":
            return of_files(self.path, self.lora, log, context=context)
        setup = {"model": str(self.path.resolve()), "adapter": None, "dtype": fast_dtype()}
        return ChildStudent("toolkit.students.torch_child", setup, log)


def gate_prompts(trained: Trained) -> list[tuple[Message, ...]]:
    """The public items' prompts; where they are fewer than 50, the probe's questions follow."""
    found = [trained.prompts.trained(item.input) for item in trained.public]
    missing = max(0, LEAST_PROMPTS - len(found))
    probes = [item.input for item in probe_items()]
    # the probe as the probe asks it, then the same questions as the task asks
    more = [*map(probe_prompt, probes), *map(trained.prompts.trained, probes)]
    return [*found, *more[:missing]]


def inspect_trained(trained: Trained) -> Found:
    """What the trained student makes of the gate's prompts: texts, ids, ends, end_token, begin, turns."""
    return _inspect(hf_folder(trained.gguf), gate_prompts(trained), None, as_served=False)


def check_parity(trained: Trained, known: Found, exported: Exported, progress: Progress) -> Parity:
    """Ask both students; `known` is what `inspect_trained` said. Raises ChildError when one of them ends."""
    prompts = gate_prompts(trained)
    theirs = _inspect(exported.path, prompts, exported.turns, as_served=True)
    file = trained.recipe.file
    most = file.student.max_new_tokens
    before = _trained_answers(trained, prompts, most, progress)
    with closing(exported.open(trained.log, file.student_context)) as student:
        after = _answers(student, prompts, most, "asking the exported student", progress)
    return judge(trained, known, side_of(known, before), side_of(theirs, after))


def judge(trained: Trained, known: Found, ours: Side, theirs: Side) -> Parity:
    """The finding on what both students said."""
    other = unequal(ours.answers, theirs.answers)
    return Parity(
        prompts=len(ours.answers),
        same_answers=len(ours.answers) - len(other),
        drift=_drift(trained, ours.answers, theirs.answers),
        differences=tuple(differences(ours, theirs, known["end_token"], known["begin"])),
        examples=tuple(other[:EXAMPLES]),
    )


def _drift(trained: Trained, before: Sequence[str], after: Sequence[str]) -> Drift:
    """No items where a model is the judge: it is asked in runs only."""
    items = trained.public if trained.recipe.file.task.answer != "judged" else []
    if not items:
        return Drift(0, 0.0, 0.0, 0.0, 0.0)
    old, new = (_scored(trained, items, answers[: len(items)]) for answers in (before, after))
    difference = paired(new, old)
    return Drift(len(items), score_of(old).value, score_of(new).value, difference.low, difference.high)


def _scored(trained: Trained, items: Sequence[Item], answers: Sequence[str]) -> list[Outcome]:
    scorer = open_scorer(trained.recipe.file.task.scored_by)
    pairs = zip(items, answers, strict=True)
    return [Outcome(item.id, answer, scorer(item, answer), item.skill) for item, answer in pairs]


def _trained_answers(
    trained: Trained, prompts: Sequence[tuple[Message, ...]], most: int, progress: Progress
) -> list[str]:
    """The trained student's free answers. They are kept beside the adapter: each export asks for the same."""
    file, path = trained.recipe.file, trained.adapter / ANSWERS
    backend, context = file.student.backend, file.student_context
    weights = sha256_of(next(trained.adapter.glob("*model.safetensors")))  # an adapter's, or all of them
    key = digest([ANSWERS_VERSION, backend, trained.gguf.name, weights, list(prompts), most])
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return [str(answer) for answer in kept["answers"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not kept, or by another version
    with closing(open_student(backend, trained.gguf, trained.adapter, trained.log, context=context)) as student:
        answers = _answers(student, prompts, most, "asking the trained student", progress)
    write_text(path, json.dumps({"key": key, "answers": answers}, ensure_ascii=False))
    return answers


def _answers(
    student: Student, prompts: Sequence[tuple[Message, ...]], most: int, what: str, progress: Progress
) -> list[str]:
    """Free answers, as other programs let the student give them: no closed set of labels holds them."""
    answers = [""] * len(prompts)
    progress(what, 0, len(prompts))
    for count, (index, answer) in enumerate(student.answer(prompts, max_new_tokens=most), 1):
        answers[index] = answer
        progress(what, count, len(prompts))
    return answers


def _inspect(
    path: Path, prompts: Sequence[Sequence[Message]], turns: Sequence[str] | None, *, as_served: bool
) -> Found:
    asked = [list(prompt) for prompt in prompts]
    job = {"path": str(path.resolve()), "prompts": asked, "turns": turns, "as_served": as_served}
    return next(message for message in run_child("inspect_child", job) if message["event"] == "found")


Job = Literal["inspect_child", "gguf_child", "hf_child"]


def run_child(name: Job, job: Found) -> Iterator[Found]:
    """The messages of one of the exporting children. Raises ExportError with what it says."""
    with Child(f"toolkit.export.{name}") as child:
        child.send(job)
        try:
            yield from child.messages()
        except ChildError as error:
            raise ExportError(error.message, error.fix or "schoolhouse doctor") from error
